// What a file has besides its content: mode, owner, access control list, its users' extended attributes, and times.
#pragma once

#include <string>
#include <vector>

namespace troupe::base {

/// Gives the file `to` the attributes of the file `from`; both are open. Returns a sentence for each that could not be
/// copied, such as an owner that only root may set.
std::vector<std::string> copy_attributes(int from, int to);

} // namespace troupe::base

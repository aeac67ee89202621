// Makes an API order from the arguments of `transcode`, and translates the API's messages back to the command's
// options.
#pragma once

#include "ctl/options.hpp"

#include <string>

namespace troupe::ctl {

/// The order as JSON for the API.
std::string order_text(const options& with);

/// A message of the API about an order, with the command's options in place of the order's members.
std::string in_options(std::string text);

} // namespace troupe::ctl

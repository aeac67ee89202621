// Folders with private content: chunks, results that wait, uploads.
#pragma once

#include <string>
#include <system_error>

namespace troupe::base {

/// Makes the folder and its missing parents, accessible only to their owner. Existing folders keep their mode.
std::error_code make_private_folder(const std::string& path);

} // namespace troupe::base

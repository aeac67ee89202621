// Folders that hold what is nobody else's business: chunks, results that wait, uploads.
#pragma once

#include <string>
#include <system_error>

namespace troupe::base {

/// Makes the folder, and those above it that are missing, each for its owner alone. What is there already keeps its mode.
std::error_code make_private_folder(const std::string& path);

} // namespace troupe::base

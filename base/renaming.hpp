// Changes of names that lose no file, whatever another program does meanwhile.
#pragma once

#include <string>
#include <system_error>

namespace troupe::base {

/// Renames a file to a name that must be free: else `file_exists`. Names are relative to their open folders; AT_FDCWD
/// is the current one.
std::error_code rename_new(int from_folder, const std::string& from, int to_folder, const std::string& to);

/// The same for paths.
std::error_code rename_new(const std::string& from, const std::string& to);

/// Exchanges the files under two names, at once. `invalid_argument` if the file system cannot.
std::error_code exchange_names(const std::string& a, const std::string& b);

/// Makes the names in a folder durable. A network file system that cannot flush folders is no error.
std::error_code flush_folder(int folder);
std::error_code flush_folder(const std::string& folder);

} // namespace troupe::base

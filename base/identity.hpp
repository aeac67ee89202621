// A fingerprint of a file. Two machines compare it to check that a path names the same file for both, and a job stores
// the fingerprint of its source.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace troupe::base {

/// This much of the start and of the end of a file is examined.
inline constexpr size_t identity_sample_bytes = 64 * 1024;

/// 32 hexadecimal digits that change with the file's size, its modification time, and its first and last 64 KiB.
/// Nothing if the file does not exist, cannot be read, or is not a regular file.
std::optional<std::string> identity_of(const std::string& path);

/// The same for an open file, even if its name now leads to another file.
std::optional<std::string> identity_of(int file);

} // namespace troupe::base

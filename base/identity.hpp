// Which file it is: what two machines compare to know that a path names the same file for both, and what a job remembers of its source.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace troupe::base {

/// Of a file's beginning and of its end, so much is looked at.
inline constexpr size_t identity_sample_bytes = 64 * 1024;

/// 32 hexadecimal digits that change when the file's size, the time of its last change, or one of its first or last 64 KiB does. Nothing where there
/// is no such file, it cannot be read, or it is no regular one.
std::optional<std::string> identity_of(const std::string& path);

/// The same of an open file, whatever its name leads to by now.
std::optional<std::string> identity_of(int file);

} // namespace troupe::base

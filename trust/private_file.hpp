// Files of ours that hold keys and certificates: read whole, and written whole or not at all.
#pragma once

#include <string>

#include <sys/types.h>
#include <tl/expected.hpp>

namespace troupe::trust {

inline constexpr mode_t private_mode = 0600;
inline constexpr mode_t public_mode = 0644;

/// At most 1 MiB. The error names the file.
tl::expected<std::string, std::string> read_file(const std::string& path);

/// The file appears whole, with this mode from its beginning.
tl::expected<void, std::string> write_file(const std::string& path, const std::string& text, mode_t mode);

} // namespace troupe::trust

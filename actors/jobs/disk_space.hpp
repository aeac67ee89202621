// How much room a disk has for a file that is about to be written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// Free share of the disk that holds, or would hold, `path`: the percentage (0 to 100) that an ordinary user may still
/// fill. Empty if the path is not absolute, or cannot be seen from this machine. With `more_bytes`: the share after
/// writing that many bytes; below 0 if they do not fit.
std::optional<double> disk_free_percent(const std::string& path, uint64_t more_bytes = 0);

/// A human-readable sentence if less than `percent` is free, else empty: "3.2 % of the disk of /x is free, 5 % are
/// wanted".
std::string disk_shortage(const std::string& path, unsigned percent, uint64_t more_bytes = 0);

} // namespace troupe

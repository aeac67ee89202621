// How much room a disk has, for what is about to be written to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

/// Share of the disk that `path` lies on, or would lie on, that an ordinary user may still fill: 0 to 100. Nothing for what is no absolute path, and
/// where nothing of it can be seen from this machine.
/// With `more_bytes` written to it: below 0 where there is no room for them.
std::optional<double> disk_free_percent(const std::string& path, uint64_t more_bytes = 0);

/// A sentence for people where less than `percent` is free, else empty: "3.2 % of the disk of /x is free, 5 % are wanted".
std::string disk_shortage(const std::string& path, unsigned percent, uint64_t more_bytes = 0);

} // namespace troupe

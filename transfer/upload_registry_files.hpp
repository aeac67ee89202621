// Common to both parts of `transfer::upload_registry`: how an uploaded file is moved into place, and texts that cannot
// be guessed.
#pragma once

#include "base/descriptor.hpp"
#include "base/sha256.hpp"
#include "transfer/refusal.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

namespace troupe::transfer {

/// The ending of the name of an unfinished file.
inline constexpr const char* part_ending = ".part";

inline std::string random_text() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return {}; // an empty marker proves nothing
  return base::to_hex(bytes);
}

inline answer<void> move_to(const std::string& from, const std::string& target) {
  if (std::rename(from.c_str(), target.c_str()) != 0)
    return refuse(reason::failed, std::string{"the coordinator cannot name the file: "} + std::strerror(errno));
  base::descriptor folder{
    ::open(std::filesystem::path{target}.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  ::fsync(folder.get());
  return {};
}

} // namespace troupe::transfer

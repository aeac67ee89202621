// A file in memory with a path, for readers that need one.
#pragma once

#include "test/fuzz/fuzz.hpp"

#include <string>

#include <sys/mman.h>
#include <unistd.h>

namespace troupe::fuzz {

/// A file that exists only in memory.
class memory_file {
public:
  memory_file(const uint8_t* data, size_t size) : fd_{::memfd_create("fuzz", MFD_CLOEXEC)} {
    require(fd_ >= 0 && ::write(fd_, data, size) == static_cast<ssize_t>(size), "memory for the input");
  }

  memory_file(const memory_file&) = delete;
  memory_file& operator=(const memory_file&) = delete;

  ~memory_file() {
    ::close(fd_);
  }

  std::string path() const {
    return "/proc/self/fd/" + std::to_string(fd_);
  }

private:
  int fd_;
};

} // namespace troupe::fuzz

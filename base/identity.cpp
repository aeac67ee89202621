#include "base/identity.hpp"

#include "base/descriptor.hpp"
#include "base/sha256.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <vector>

namespace troupe::base {

namespace {

constexpr size_t digits = 32;

/// False if the file has too little data, or cannot be read.
bool read_exactly(int fd, std::vector<std::byte>& into, off_t at) {
  size_t done = 0;
  while (done < into.size()) {
    auto n = ::pread(fd, into.data() + done, into.size() - done, at + static_cast<off_t>(done));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    done += static_cast<size_t>(n);
  }
  return true;
}

} // namespace

std::optional<std::string> identity_of(const std::string& path) {
  // Opening a pipe or a device could block.
  descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  return file ? identity_of(file.get()) : std::nullopt;
}

std::optional<std::string> identity_of(int file) {
  struct stat found {};
  if (::fstat(file, &found) != 0 || !S_ISREG(found.st_mode))
    return {};
  sha256 hash;
  auto size = static_cast<uint64_t>(found.st_size);
  const std::array<uint64_t, 3> numbers{size, static_cast<uint64_t>(found.st_mtim.tv_sec),
                                        static_cast<uint64_t>(found.st_mtim.tv_nsec)};
  std::array<std::byte, sizeof numbers> bytes;
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(numbers[i / 8] >> (8 * (i % 8)) & 0xff);
  hash.add(bytes);
  std::vector<std::byte> sample(std::min<uint64_t>(size, identity_sample_bytes));
  for (auto at : {uint64_t{0}, size - sample.size()}) {
    if (!read_exactly(file, sample, static_cast<off_t>(at)))
      return {};
    hash.add(sample);
  }
  return hash.digest().substr(0, digits);
}

} // namespace troupe::base

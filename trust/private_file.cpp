#include "trust/private_file.hpp"

#include "base/descriptor.hpp"
#include "base/publish.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe::trust {

namespace {

constexpr size_t file_bytes_max = 1024 * 1024;

std::string quoted(const std::string& x) {
  return "'" + x + "'";
}

} // namespace

tl::expected<std::string, std::string> read_file(const std::string& path) {
  // Opening a pipe or a device could block.
  base::descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat found {};
  if (!file || ::fstat(file.get(), &found) != 0)
    return tl::unexpected("cannot read " + quoted(path) + ": " + std::strerror(errno));
  if (!S_ISREG(found.st_mode))
    return tl::unexpected("cannot read " + quoted(path) + ": it is no regular file");
  std::string text(file_bytes_max + 1, '\0');
  size_t size = 0;
  while (size < text.size()) {
    auto n = ::read(file.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return tl::unexpected("cannot read " + quoted(path) + ": " + std::strerror(errno));
    if (n == 0)
      break;
    size += static_cast<size_t>(n);
  }
  if (size > file_bytes_max)
    return tl::unexpected("cannot read " + quoted(path) + ": it is larger than 1 MiB");
  text.resize(size);
  return text;
}

tl::expected<void, std::string> write_file(const std::string& path, const std::string& text, mode_t mode) {
  auto from = base::staging_path(path, "new");
  ::unlink(from.c_str());
  base::descriptor file{::open(from.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return tl::unexpected("cannot write " + quoted(from) + ": " + std::strerror(errno));
  if (auto published = base::publish(file.get(), from, path, base::overwrite::allow); !published)
    return tl::unexpected(published.error().what);
  return {};
}

} // namespace troupe::trust

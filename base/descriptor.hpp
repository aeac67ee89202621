// A file descriptor that its owner closes on destruction.
#pragma once

#include <utility>

#include <unistd.h>

namespace troupe::base {

class descriptor {
public:
  descriptor() = default;

  /// Takes ownership of the descriptor; a negative value means none.
  explicit descriptor(int fd) noexcept : fd_(fd) {}

  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  descriptor& operator=(descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  ~descriptor() {
    close();
  }

  int get() const noexcept {
    return fd_;
  }

  explicit operator bool() const noexcept {
    return fd_ >= 0;
  }

  /// Gives up ownership without closing.
  int release() noexcept {
    return std::exchange(fd_, -1);
  }

private:
  void close() noexcept {
    if (fd_ >= 0)
      ::close(fd_);
  }

  int fd_ = -1;
};

} // namespace troupe::base

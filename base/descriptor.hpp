// A file descriptor that is closed when its owner goes.
#pragma once

#include <utility>

#include <unistd.h>

namespace troupe::base {

class descriptor {
public:
  descriptor() = default;

  /// Takes the descriptor over; a negative one is none.
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

  /// Gives it up without closing it.
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

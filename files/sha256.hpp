// SHA-256 of bytes as they come.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace troupe::files {

class sha256 {
public:
  sha256();
  sha256(sha256&&) noexcept;
  sha256& operator=(sha256&&) noexcept;
  ~sha256();

  void add(std::span<const std::byte> bytes);

  /// Of all bytes so far, as 64 lower-case hexadecimal digits; nothing can be added afterwards.
  std::string digest();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Two hexadecimal digits for each byte.
std::string to_hex(std::span<const unsigned char> bytes);

} // namespace troupe::files

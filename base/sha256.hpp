// SHA-256 over bytes as they arrive, and HMAC signatures made with it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace troupe::base {

class sha256 {
public:
  sha256();
  sha256(sha256&&) noexcept;
  sha256& operator=(sha256&&) noexcept;
  ~sha256();

  void add(std::span<const std::byte> bytes);

  /// The hash of all bytes so far, as 64 lower-case hexadecimal digits. Nothing can be added afterwards.
  std::string digest();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// HMAC-SHA256 (RFC 2104) of `text` under `key`, as 64 lower-case hexadecimal digits.
std::string hmac_sha256(std::string_view key, std::string_view text);

/// Two lower-case hexadecimal digits for each byte.
std::string to_hex(std::span<const unsigned char> bytes);

} // namespace troupe::base

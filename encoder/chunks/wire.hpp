// Writes integers, strings and bytes in one fixed form (little endian), and reads them back from untrusted input.
#pragma once

#include <bit>
#include <cassert>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace troupe::av {

class wire_writer {
public:
  template <std::integral T>
  void put(T x) {
    auto bits = static_cast<std::make_unsigned_t<T>>(x);
    for (size_t i = 0; i < sizeof(T); ++i)
      bytes_.push_back(static_cast<char>(static_cast<uint64_t>(bits) >> (8 * i) & 0xff));
  }

  void put_bytes(std::span<const uint8_t> x) {
    assert(x.size() <= std::numeric_limits<uint32_t>::max());
    put(static_cast<uint32_t>(x.size()));
    bytes_.append(reinterpret_cast<const char*>(x.data()), x.size());
  }

  void put_text(std::string_view x) {
    put_bytes({reinterpret_cast<const uint8_t*>(x.data()), x.size()});
  }

  const std::string& bytes() const noexcept {
    return bytes_;
  }

private:
  std::string bytes_;
};

/// Reads missing data as zero or empty, and remembers that it was missing.
class wire_reader {
public:
  explicit wire_reader(std::span<const uint8_t> bytes) : bytes_{bytes} {}

  template <std::integral T>
  T get() {
    auto part = take(sizeof(T));
    uint64_t bits = 0;
    for (size_t i = 0; i < part.size(); ++i)
      bits |= static_cast<uint64_t>(part[i]) << (8 * i);
    return static_cast<T>(bits);
  }

  std::span<const uint8_t> get_bytes() {
    return take(get<uint32_t>());
  }

  std::string get_text() {
    auto part = get_bytes();
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  /// True if all data read so far was there.
  bool good() const noexcept {
    return good_;
  }

  bool at_end() const noexcept {
    return bytes_.empty();
  }

private:
  std::span<const uint8_t> take(size_t count) {
    if (!good_ || count > bytes_.size()) {
      good_ = false;
      return {};
    }
    auto result = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return result;
  }

  std::span<const uint8_t> bytes_;
  bool good_ = true;
};

} // namespace troupe::av

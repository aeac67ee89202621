// Secrets: a type that cannot be shown by accident, and texts that are drawn at random, hashed, compared.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::base {

/// This many random bytes from the kernel, at most 256, as hexadecimal digits.
std::string random_digits(size_t bytes);

/// The SHA-256 of a text, as 64 lower-case hexadecimal digits.
std::string sha256_of(std::string_view text);

/// Takes equally long for a wrong text and the right one, if their lengths are equal.
bool same_secret(std::string_view a, std::string_view b) noexcept;

/// A password, a key or whatever else must not be shown. Nothing prints it or turns it into a string: each place that
/// needs its text says `reveal`. The text is wiped from memory when it ends.
class secret_text {
public:
  secret_text() = default;
  secret_text(std::string x) : text_{std::move(x)} {}
  secret_text(const char* x) : text_{x} {}
  secret_text(const secret_text&) = default;
  secret_text(secret_text&& other) : text_{other.text_} {
    other.wipe();
  }
  secret_text& operator=(secret_text other) {
    text_.swap(other.text_);
    return *this;
  }
  ~secret_text() {
    wipe();
  }

  const std::string& reveal() const noexcept {
    return text_;
  }

  bool empty() const noexcept {
    return text_.empty();
  }

  friend bool operator==(const secret_text& a, const secret_text& b) noexcept {
    return same_secret(a.text_, b.text_);
  }

private:
  void wipe() noexcept;

  std::string text_;
};

} // namespace troupe::base

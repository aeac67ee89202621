// Writes one line per event to standard error: text for humans or JSON for programs. A line has a sentence and separate
// fields, so that a channel, session, task or attempt can be found by its name, without a pattern.
//
//   log::info("the transcoder stopped", {{"channel", name}, {"attempt", attempt}, {"frames", count}});
//
// Code that serves one task or session keeps a `log::context` with fields that each of its lines carries. Lines are
// bounded, have no control characters, and never contain anything that looks like a credential. All functions are
// thread-safe.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::telemetry::log {

enum class level : uint8_t { trace, debug, info, warning, error, off };

enum class format : uint8_t { text, json };

/// Converts "info" to its level; nothing for unknown names. "warn" is accepted.
std::optional<level> level_of(std::string_view name);
std::optional<format> format_of(std::string_view name);

/// Sets the output and the lowest level that is written. By default, text from level info goes to standard error.
/// @param out for tests; null means standard error. Must live until the next call.
void configure(level least, format form, std::ostream* out = nullptr);

/// True if lines of this level are written: check it before fields that are costly to make.
bool is_enabled(level x);

/// A strong identifier of messages/ids.hpp.
template <class T>
concept identifier = requires(const T& x) {
  { x.value } -> std::convertible_to<uint64_t>;
  T{uint64_t{}};
};

/// One name and value. Text is referenced, not copied: a field is valid only during the call that it is passed to.
class field {
public:
  using value_type = std::variant<std::string_view, int64_t, uint64_t, double, bool>;

  field(std::string_view key, std::string_view value) : key_(key), value_(value) {}

  field(std::string_view key, const std::string& value) : field(key, std::string_view{value}) {}

  field(std::string_view key, const char* value)
    : field(key, value == nullptr ? std::string_view{} : std::string_view{value}) {}

  field(std::string_view key, bool value) : key_(key), value_(value) {}

  template <std::signed_integral T>
  field(std::string_view key, T value) : key_(key), value_(static_cast<int64_t>(value)) {}

  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) field(std::string_view key, T value)
    : key_(key), value_(static_cast<uint64_t>(value)) {}

  template <std::floating_point T>
  field(std::string_view key, T value) : key_(key), value_(static_cast<double>(value)) {}

  template <identifier T>
  field(std::string_view key, const T& value) : key_(key), value_(static_cast<uint64_t>(value.value)) {}

  /// Stored as a number of milliseconds: let the key end in `_ms`.
  template <class Rep, class Period>
  field(std::string_view key, std::chrono::duration<Rep, Period> value)
    : key_(key), value_(std::chrono::duration<double, std::milli>{value}.count()) {}

  std::string_view key() const noexcept {
    return key_;
  }

  const value_type& value() const noexcept {
    return value_;
  }

private:
  std::string_view key_;
  value_type value_;
};

using fields = std::initializer_list<field>;

/// Writes one line. Never throws; a line that cannot be written is lost.
void write(level at, std::string_view message, std::span<const field> more) noexcept;

inline void trace(std::string_view message, fields more = {}) {
  write(level::trace, message, more);
}

inline void debug(std::string_view message, fields more = {}) {
  write(level::debug, message, more);
}

inline void info(std::string_view message, fields more = {}) {
  write(level::info, message, more);
}

inline void warning(std::string_view message, fields more = {}) {
  write(level::warning, message, more);
}

inline void error(std::string_view message, fields more = {}) {
  write(level::error, message, more);
}

/// Fields that are added before those of each line. Owns its text.
class context {
public:
  context() = default;

  context(fields own);

  /// These fields and `more`.
  context with(fields more) const;

  void trace(std::string_view message, fields more = {}) const;
  void debug(std::string_view message, fields more = {}) const;
  void info(std::string_view message, fields more = {}) const;
  void warning(std::string_view message, fields more = {}) const;
  void error(std::string_view message, fields more = {}) const;

private:
  struct owned {
    std::string key;
    std::variant<std::string, int64_t, uint64_t, double, bool> value;
  };

  void add(const field& x);
  void write(level at, std::string_view message, fields more) const;

  std::vector<owned> fields_;
};

} // namespace troupe::telemetry::log

namespace troupe {

// Every folder of the product writes `log::info(...)`.
namespace log = telemetry::log;

} // namespace troupe

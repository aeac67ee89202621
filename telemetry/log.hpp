// One line per event, on standard error: text for people or JSON for machines. What a line is about travels as fields
// beside its sentence, so that a channel, session, task or attempt is found by its name and not by a pattern.
//
//   log::info("the transcoder stopped", {{"channel", name}, {"attempt", attempt}, {"frames", count}});
//
// Whoever works for one thing only keeps a `log::context` with its fields, which every line then carries. Lines are
// bounded, hold no control characters, and never hold what looks like a credential. All of it may be called from any
// thread.
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

/// "info" to its level; nothing for names that are none. "warn" is accepted.
std::optional<level> level_of(std::string_view name);
std::optional<format> format_of(std::string_view name);

/// Where lines go and which of them. Until it is called, text from level info goes to standard error.
/// @param out for tests; standard error where null. Must live until the next call.
void configure(level least, format form, std::ostream* out = nullptr);

/// Whether lines of this level are written: for fields that are costly to make.
bool is_enabled(level x);

/// A strong identifier of messages/ids.hpp.
template <class T>
concept identifier = requires(const T& x) {
  { x.value } -> std::convertible_to<uint64_t>;
  T{uint64_t{}};
};

/// One name and value. Text is viewed, not kept: a field lives as long as the call that it is in.
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

  /// As a number of milliseconds: name the key with `_ms` last.
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

/// Fields that go before those of each line. Owns its text.
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

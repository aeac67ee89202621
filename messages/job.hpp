// The vocabulary of file jobs: their identity, their states, and how both are written.
//
// A job's identity is 128 random bits. It is shown and read only as text, so that no part of it is taken for a number.
// Each enumerator has one spelling, used in the store, the API and the logs. The order of enumerators is the wire
// format.
#pragma once

#include "messages/inspect.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// 128 random bits. Their text is 32 lower-case hexadecimal digits.
struct job_id {
  static constexpr size_t text_size = 32;

  uint64_t high = 0;
  uint64_t low = 0;

  auto operator<=>(const job_id&) const = default;

  /// False for the default value, which no job ever has.
  explicit operator bool() const noexcept {
    return high != 0 || low != 0;
  }
};

template <class Inspector>
bool inspect(Inspector& f, job_id& x) {
  return f.object(x).fields(f.field("high", x.high), f.field("low", x.low));
}

inline std::string to_string(job_id x) {
  std::string result;
  result.reserve(job_id::text_size);
  for (auto half : {x.high, x.low})
    for (int shift = 60; shift >= 0; shift -= 4)
      result += "0123456789abcdef"[half >> shift & 0xf];
  return result;
}

/// Accepts only what `to_string` writes: no spaces, no capitals, no shorter form.
inline std::optional<job_id> parse_job_id(std::string_view text) {
  if (text.size() != job_id::text_size)
    return {};
  std::array<uint64_t, 2> halves{};
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    if (!digit && !(c >= 'a' && c <= 'f'))
      return {};
    auto& half = halves[i / 16];
    half = half << 4 | static_cast<uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return job_id{halves[0], halves[1]};
}

/// The state of a job. messages/job_states.hpp lists the transitions.
enum class job_state : uint8_t {
  queued,    ///< waits for its turn
  assigned,  ///< a coordinator has it: source and plan are examined, nothing is encoded yet
  running,   ///< at least one chunk was started
  paused,    ///< stopped by a user; finished chunks are kept
  completed, ///< the result is published
  failed,    ///< ended without a result; a user or the retry rules may queue it again
  cancelled, ///< ended by a user
};

/// Most urgent first.
enum class job_priority : uint8_t { live, high, medium, low, batch };

enum class job_queue : uint8_t { live, normal, batch };

/// The state of a part of a job.
enum class chunk_state : uint8_t {
  waiting, ///< no worker has it
  leased,  ///< a worker has it, until its deadline
  done,    ///< its result is complete and checked
  failed,  ///< ended without a result, and so did its job
};

/// What a part of a job makes.
enum class chunk_kind : uint8_t { video, audio, other };

/// Why a job or an attempt at it failed. The kind decides what happens next.
enum class failure_kind : uint8_t {
  none,
  transient,   ///< worker, network, disk or timeout: worth another try elsewhere
  terminal,    ///< the media or the encoder makes it impossible: never retried automatically
  quarantined, ///< it killed several workers: never retried automatically
};

namespace detail {

template <class Enum>
inline constexpr std::array<std::string_view, 0> enum_names{};
template <>
inline constexpr std::array<std::string_view, 7> enum_names<job_state>{"queued",    "assigned", "running",  "paused",
                                                                       "completed", "failed",   "cancelled"};
template <>
inline constexpr std::array<std::string_view, 5> enum_names<job_priority>{"live", "high", "medium", "low", "batch"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<job_queue>{"live", "default", "batch"};
template <>
inline constexpr std::array<std::string_view, 4> enum_names<chunk_state>{"waiting", "leased", "done", "failed"};
template <>
inline constexpr std::array<std::string_view, 3> enum_names<chunk_kind>{"video", "audio", "other"};
template <>
inline constexpr std::array<std::string_view, 4> enum_names<failure_kind>{"none", "transient", "terminal",
                                                                          "quarantined"};

/// An enumeration of this header.
template <class T>
concept job_enum = enum_names<T>
.size() > 0;

} // namespace detail

template <detail::job_enum Enum>
constexpr std::string_view to_string_view(Enum x) {
  return detail::enum_names<Enum>[static_cast<size_t>(x)];
}

template <detail::job_enum Enum>
std::string to_string(Enum x) {
  return std::string{to_string_view(x)};
}

/// The enumerator with this spelling: `parse_job_enum<job_state>("paused")`.
template <detail::job_enum Enum>
constexpr std::optional<Enum> parse_job_enum(std::string_view text) {
  const auto& names = detail::enum_names<Enum>;
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] == text)
      return static_cast<Enum>(i);
  return {};
}

template <class Inspector, detail::job_enum Enum>
bool inspect(Inspector& f, Enum& x) {
  return inspect_enum(f, x, static_cast<Enum>(detail::enum_names<Enum>.size() - 1));
}

} // namespace troupe

template <>
struct std::hash<troupe::job_id> {
  size_t operator()(troupe::job_id x) const noexcept {
    return static_cast<size_t>(x.high ^ x.low); // the bits are random already
  }
};

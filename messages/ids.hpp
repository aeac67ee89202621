// Strong identifiers: 64-bit numbers with a type of their own for each kind of entity. The compiler rejects an attempt
// id where a task id is expected.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace troupe {

template <class Tag>
struct id {
  uint64_t value = 0;

  auto operator<=>(const id&) const = default;

  /// False for the default value, which no entity ever has.
  explicit operator bool() const noexcept {
    return value != 0;
  }
};

template <class Inspector, class Tag>
bool inspect(Inspector& f, id<Tag>& x) {
  auto get = [&x] { return x.value; };
  auto set = [&x](uint64_t value) {
    x.value = value;
    return true;
  };
  return f.apply(get, set);
}

template <class Tag>
std::string to_string(id<Tag> x) {
  return std::to_string(x.value);
}

/// One life of a worker. Drawn at random at each start, so that a restarted worker is never mistaken for its
/// predecessor.
using worker_id = id<struct worker_tag>;

/// One task process. The host that starts the process draws the id at random; with it the process proves which host
/// started it.
using task_id = id<struct task_tag>;

/// One try at one unit of work. The number grows with each try during a coordinator's life; samples of an older attempt
/// are refused.
using attempt_id = id<struct attempt_tag>;

/// One leased slot of one worker.
using lease_id = id<struct lease_tag>;

/// One running channel.
using session_id = id<struct session_tag>;

} // namespace troupe

template <class Tag>
struct std::hash<troupe::id<Tag>> {
  size_t operator()(troupe::id<Tag> x) const noexcept {
    return std::hash<uint64_t>{}(x.value);
  }
};

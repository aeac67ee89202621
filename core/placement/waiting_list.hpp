// Work that waits for room. Among the requests that fit, the earliest turn is served first; equals are served in order
// of arrival.
//
// Requests that ask for the same thing form a group: if the first of a group finds no room, no other of it does. So
// when room appears, at most one request of each group is tried in vain, however many wait.
#pragma once

#include "core/placement/placement.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::core {

/// A unique place in the waiting order.
struct waiting_place {
  uint64_t turn = 0;   ///< the lowest is first
  uint64_t number = 0; ///< in the order of arrival

  auto operator<=>(const waiting_place&) const = default;
};

class waiting_list {
public:
  /// `ticket` must not be in the list yet. Requests without a place are ordered by arrival, before all that have a
  /// turn.
  void add(uint64_t ticket, const placement_request& x, time_point deadline, std::optional<waiting_place> at = {});

  /// False for a ticket that does not wait.
  bool remove(uint64_t ticket);

  /// Tries the requests that wait for one of the encoders, in their order. `place` returns whether it found room for
  /// the request; if so, the request is removed.
  void try_all(const std::vector<std::string>& encoders,
               const std::function<bool(uint64_t ticket, const placement_request& x)>& place);

  /// Removes and returns the requests whose time is over by `now`.
  std::vector<uint64_t> expire(time_point now);

  /// How many requests for the same first encoder are ahead of it; empty for a ticket that does not wait. Linear: only
  /// for status displays.
  std::optional<size_t> position(uint64_t ticket) const;

  const placement_request* find(uint64_t ticket) const;

  size_t size() const noexcept {
    return entries_.size();
  }

private:
  struct entry {
    placement_request request;
    time_point deadline;
    waiting_place at;
    std::string group;
  };

  struct group {
    std::map<waiting_place, uint64_t> tickets;
    std::vector<std::string> encoders;
  };

  std::unordered_map<uint64_t, entry> entries_;
  std::unordered_map<std::string, group> groups_;
  std::unordered_map<std::string, std::set<std::string>> groups_with_; ///< by encoder
  std::set<std::pair<time_point, uint64_t>> deadlines_;
  uint64_t next_number_ = 1;
};

} // namespace troupe::core

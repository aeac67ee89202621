// Work that waits for room: among those that fit whose turn is earliest, and first come, first served among equals.
//
// Requests that ask for the same are one group: where the first of a group finds no room, none of it does. So when room comes, at most one request of each
// group that it could serve is tried in vain, however many wait.
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

/// A place among all that wait, unique.
struct waiting_place {
  uint64_t turn = 0;   ///< the lowest is first
  uint64_t number = 0; ///< in the order of arrival

  auto operator<=>(const waiting_place&) const = default;
};

class waiting_list {
public:
  /// `ticket` is not in the list yet. Those without a place stand in the order of arrival, before all whose turn is a later one.
  void add(uint64_t ticket, const placement_request& x, time_point deadline, std::optional<waiting_place> at = {});

  /// False for one that does not wait.
  bool remove(uint64_t ticket);

  /// Tries what waits for one of the encoders, in their order. `place` returns whether it found room for the request; those are removed.
  void try_all(const std::vector<std::string>& encoders,
               const std::function<bool(uint64_t ticket, const placement_request& x)>& place);

  /// Takes out those whose time is over by `now`.
  std::vector<uint64_t> expire(time_point now);

  /// How many of those that want the same first encoder came before; nothing for one that does not wait. Linear: for people.
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

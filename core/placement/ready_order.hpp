// The ready paths of one class, best first: a heap that knows the position of each key, so that a key can be moved in
// place.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

namespace troupe::core {

/// Smaller is better. Paths are numbered; each is in at most one order.
struct rank_key {
  float first = 0;
  float second = 0;
  uint64_t chosen = 0; ///< when it was last chosen, so that equals take turns
  uint32_t path = 0;
  uint8_t tier = 0; ///< compared before all other fields

  bool operator==(const rank_key&) const = default;

  bool operator<(const rank_key& x) const noexcept {
    if (tier != x.tier)
      return tier < x.tier;
    if (first != x.first)
      return first < x.first;
    if (second != x.second)
      return second < x.second;
    return chosen != x.chosen ? chosen < x.chosen : path < x.path;
  }
};

class ready_order {
public:
  /// The position of each path in its order, by number; shared by the orders of all classes.
  using positions = std::vector<uint32_t>;

  static constexpr uint32_t nowhere = ~uint32_t{0};

  bool empty() const noexcept {
    return heap_.empty();
  }

  const rank_key& at(uint32_t position) const {
    assert(position < heap_.size());
    return heap_[position];
  }

  /// Adds a path, or changes the rank of one that is present.
  void put(const rank_key& x, positions& where) {
    assert(x.path < where.size());
    auto at = where[x.path];
    assert(at == nowhere || (at < heap_.size() && heap_[at].path == x.path));
    if (at == nowhere) {
      at = static_cast<uint32_t>(heap_.size());
      heap_.push_back(x);
    }
    settle(at, x, where);
  }

  /// Removes a path that is present.
  void erase(uint32_t path, positions& where) {
    assert(path < where.size());
    auto at = where[path];
    assert(at < heap_.size() && heap_[at].path == path);
    where[path] = nowhere;
    auto last = heap_.back();
    heap_.pop_back();
    if (at < heap_.size())
      settle(at, last, where);
  }

  /// Calls `f` with each key, best first, until it returns true.
  template <class F>
  void visit(F&& f) const {
    if (heap_.empty() || f(heap_[0]))
      return;
    auto worse = [this](uint32_t a, uint32_t b) { return heap_[b] < heap_[a]; };
    std::priority_queue<uint32_t, std::vector<uint32_t>, decltype(worse)> next{worse};
    auto open = [&](uint32_t parent) {
      for (auto i = parent * ways + 1; i <= parent * ways + ways && i < heap_.size(); ++i)
        next.push(static_cast<uint32_t>(i));
    };
    for (open(0); !next.empty();) {
      auto at = next.top();
      next.pop();
      if (f(heap_[at]))
        return;
      open(at);
    }
  }

private:
  static constexpr uint32_t ways = 4;

  void place(uint32_t at, const rank_key& x, positions& where) {
    heap_[at] = x;
    where[x.path] = at;
  }

  /// Moves `x` to its position, given that `at` is free.
  void settle(uint32_t at, const rank_key& x, positions& where) {
    while (at > 0 && x < heap_[(at - 1) / ways]) {
      place(at, heap_[(at - 1) / ways], where);
      at = (at - 1) / ways;
    }
    for (;;) {
      auto child = at * ways + 1;
      if (child >= heap_.size())
        break;
      auto end = child + ways < heap_.size() ? child + ways : static_cast<uint32_t>(heap_.size());
      auto best = child;
      for (auto i = child + 1; i < end; ++i)
        if (heap_[i] < heap_[best])
          best = i;
      if (!(heap_[best] < x))
        break;
      place(at, heap_[best], where);
      at = best;
    }
    place(at, x, where);
  }

  std::vector<rank_key> heap_;
};

} // namespace troupe::core

// Splices of a video that are still to come: each wants a random-access point.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

namespace troupe::av {

class splice_keys {
public:
  /// A splice at `pts` (ticks). Its section may be repeated. Of very many splices, the oldest are forgotten.
  void add(int64_t pts) {
    std::erase_if(splices_, [=](const splice& x) { return x.pts == pts; });
    splices_.push_back({pts});
    if (splices_.size() > splices_max)
      splices_.pop_front();
  }

  /// The source is away.
  void source_left() {
    for (auto& x : splices_)
      x.before_absence = true;
  }

  /// The source is back. Splices of the time before do not count: the source's times may have moved.
  void source_returned() {
    std::erase_if(splices_, [](const splice& x) { return x.before_absence; });
  }

  /// True if the picture at `pts` is the first one of a splice. Splices up to this time are then over.
  bool begin_at(int64_t pts) {
    auto result = false;
    std::erase_if(splices_, [&](const splice& x) {
      result = result || (x.pts <= pts && pts - x.pts <= slack);
      return x.pts <= pts;
    });
    return result;
  }

private:
  static constexpr size_t splices_max = 64;

  /// Only a picture this near (ticks) to a splice begins it: after a gap, an old splice is over.
  static constexpr int64_t slack = 90'000;

  struct splice {
    int64_t pts;
    bool before_absence = false;
  };

  std::deque<splice> splices_;
};

} // namespace troupe::av

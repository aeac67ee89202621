#include "test/sim/referee.hpp"

#include <algorithm>

namespace troupe::sim {

// -- the source ---------------------------------------------------------------

void source_record::offer(const sample_block& block) {
  offered_.clear();
  again_ = false;
  for (auto& s : block.samples) {
    auto& t = tracks_[s.track];
    if (!t.shown.insert(s.pts).second) {
      again_ = true;
      continue;
    }
    t.place[s.pts] = t.decoded.size();
    t.decoded.push_back(s.pts);
    offered_.push_back(s);
  }
}

void source_record::accepted() {
  if (again_)
    fail("a session took the same samples of its source twice");
  for (auto& s : offered_) {
    auto& t = tracks_[s.track];
    if (s.dts <= t.newest_dts)
      fail("the source's timeline steps back from ", t.newest_dts, " to ", s.dts);
    t.newest_dts = s.dts;
  }
}

void source_record::refused() {
  for (auto& s : offered_) {
    auto& t = tracks_[s.track];
    t.shown.erase(s.pts);
    t.place.erase(s.pts);
    t.decoded.pop_back();
  }
}

int64_t source_record::after(uint16_t track, int64_t pts, bool decoding_order) const {
  auto& t = tracks_[track];
  if (decoding_order) {
    auto next = t.place.at(pts) + 1;
    return next < t.decoded.size() ? t.decoded[next] : no_timestamp;
  }
  auto next = t.shown.upper_bound(pts);
  return next == t.shown.end() ? no_timestamp : *next;
}

uint64_t source_record::between(uint16_t track, int64_t from, int64_t to, bool decoding_order) const {
  if (decoding_order)
    return place(track, to) - place(track, from) - 1;
  auto& shown = tracks_[track].shown;
  return static_cast<uint64_t>(std::distance(shown.upper_bound(from), shown.lower_bound(to)));
}

// -- a rendition --------------------------------------------------------------

referee::referee(std::string name, const source_record& source, core::variant_plan plan)
  : name_(std::move(name)), source_(source) {
  for (size_t i = 0; i < plan.actions.size(); ++i) {
    if (plan.actions[i] == core::track_action::drop)
      continue;
    auto& o = outputs_.emplace_back();
    o.source = static_cast<uint16_t>(i);
    o.copied = plan.actions[i] == core::track_action::copy;
  }
}

void referee::delivered(const sample_block& block) {
  if (block.samples.empty())
    fail(name_, ": an empty block was delivered");
  size_t bytes = 0;
  for (auto& s : block.samples) {
    bytes += s.size;
    if (s.track >= outputs_.size())
      fail(name_, ": a sample of track ", s.track, " was delivered, which the rendition does not have");
    auto& o = outputs_[s.track];
    auto what = [&] {
      return name_ + (o.source == 0 ? ": the picture at " : ": the sound at ") + std::to_string(s.pts);
    };
    if (!source_.has(o.source, s.pts))
      fail(what(), " was never in the source");
    if (o.begun && (s.pts == o.last || o.ahead.contains(s.pts) || (!o.copied && s.pts < o.last)))
      fail(what(), " was delivered twice; all up to ", o.last, " is there");
    if (s.dts <= o.dts)
      fail(what(), " has DTS ", s.dts, " after DTS ", o.dts);
    if (s.dts > s.pts)
      fail(what(), " has DTS ", s.dts, ", which is later");
    o.dts = s.dts;
    // Sound may come before the first picture; clients join at the picture.
    joinable_ = joinable_ || s.is_random_access();
    if (!joinable_)
      continue;
    ++frames_;
    if (!o.begun) {
      o.begun = true;
      o.last = s.pts;
      continue;
    }
    o.ahead.insert(s.pts);
    close_up(o);
  }
  if (bytes != block.bytes.size())
    fail(name_, ": a block of ", block.bytes.size(), " bytes has samples of ", bytes);
}

void referee::close_up(output& o) {
  while (!o.ahead.empty()) {
    auto next = o.ahead.find(source_.after(o.source, o.last, o.copied));
    if (next == o.ahead.end())
      return;
    o.last = *next;
    o.ahead.erase(next);
  }
}

bool referee::has_hole() const noexcept {
  return std::any_of(outputs_.begin(), outputs_.end(), [](const output& o) { return !o.ahead.empty(); });
}

void referee::check(lost_frames counted) {
  for (auto& o : outputs_) {
    while (!o.ahead.empty()) {
      auto missing = source_.after(o.source, o.last, o.copied);
      // A missing picture may still arrive out of order, if its presentation time is after the latest decoding time.
      if (!o.copied && missing > o.dts)
        break;
      auto next = o.ahead.begin();
      if (o.copied)
        next = std::min_element(o.ahead.begin(), o.ahead.end(), [&](int64_t a, int64_t b) {
          return source_.place(o.source, a) < source_.place(o.source, b);
        });
      auto skipped = source_.between(o.source, o.last, *next, o.copied);
      (o.source == 0 ? lost_.pictures : lost_.sound) += skipped;
      if (lost_.pictures > counted.pictures || lost_.sound > counted.sound)
        fail(name_, ": ", skipped, o.source == 0 ? " pictures" : " frames of sound", " between ", o.last, " and ",
             *next, " are missing, the first at ", missing, "; of pictures ", lost_.pictures, " are lost and ",
             counted.pictures, " counted, of sound ", lost_.sound, " and ", counted.sound);
      o.last = *next;
      o.ahead.erase(next);
      close_up(o);
    }
  }
}

void referee::check_settled(lost_frames counted) const {
  if (lost_ != counted)
    fail(name_, ": of pictures ", lost_.pictures, " are lost and ", counted.pictures, " counted, of sound ",
         lost_.sound, " and ", counted.sound);
}

int64_t referee::complete_to(track_kind kind) const {
  for (auto& o : outputs_)
    if ((kind == track_kind::video) == (o.source == 0))
      return o.begun ? o.last : no_timestamp;
  return no_timestamp;
}

} // namespace troupe::sim

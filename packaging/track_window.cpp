#include "packaging/track_window.hpp"

#include "base/sha256.hpp"

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <utility>

namespace troupe {

/// The same bytes have the same name, so that players keep what they have.
init_segment init_segment::of(shared_bytes bytes, std::string codec, track_format format) {
  base::sha256 hash;
  hash.add(bytes.span());
  return {hash.digest().substr(0, 16), std::move(bytes), std::move(codec), std::move(format)};
}

uint64_t media_segment::size() const noexcept {
  uint64_t result = 0;
  for (auto& x : parts)
    result += std::max(x.bytes.size(), x.boxed.size());
  return result;
}

void track_window::begin(int64_t number, int64_t start, bool discontinuity) {
  assert(!ended_);
  if (!segments_.empty()) {
    assert(number > segments_.back().number);
    complete(start);
    auto missing = number - segments_.back().number - 1;
    if (missing * times_.segment > times_.window) {
      // The gap is longer than a playlist: all segments before it are dropped.
      for (auto i = listed_; i < segments_.size(); ++i)
        discontinuities_ += segments_[i].discontinuity ? 1 : 0;
      segments_.clear();
      listed_ = 0;
      discontinuity = true;
      run_ = {number, start};
    } else if (missing > 0) {
      auto from = segments_.back().start + segments_.back().duration;
      auto each = std::clamp((start - from) / missing, int64_t{1}, times_.target());
      for (auto n = segments_.back().number + 1; n < number; ++n, from += each) {
        auto name = segments_.back().init;
        segments_.push_back({n, from, each, {}, std::move(name), false, true, true});
      }
    }
  }
  segments_.push_back({number, start, 0, {}, {}, discontinuity, false, false});
  drop_old();
}

void track_window::add(media_part x, const init_segment& init) {
  assert(!segments_.empty() && !segments_.back().complete);
  auto& segment = segments_.back();
  if (segment.parts.empty()) {
    segment.init = init.name;
    if (!init.name.empty() && this->init(init.name) == nullptr)
      inits_.push_back(init);
  }
  segment.duration += x.duration;
  segment.parts.push_back(std::move(x));
}

void track_window::close(int64_t until) {
  if (!segments_.empty())
    complete(until);
}

void track_window::end() {
  if (!segments_.empty() && !segments_.back().complete)
    complete(segments_.back().start + segments_.back().duration);
  if (!segments_.empty() && segments_.back().parts.empty() && !segments_.back().gap)
    segments_.pop_back();
  ended_ = true;
}

void track_window::complete(int64_t until) {
  auto& x = segments_.back();
  if (x.complete)
    return;
  // Durations of pictures are rounded, the times of segments are exact.
  auto last = std::find_if(x.parts.rbegin(), x.parts.rend(), [](const media_part& y) { return y.duration > 0; });
  if (last != x.parts.rend() && std::abs(until - x.start - x.duration) < last->duration)
    x.duration = until - x.start;
  x.gap = x.parts.empty();
  x.complete = true;
  if (x.duration <= 0)
    return;
  auto size = x.size();
  bytes_ += size;
  ticks_ += x.duration;
  // A short segment, such as the first one, says nothing about the rate.
  if (x.duration * 2 >= times_.segment)
    peak_ = std::max(
      peak_, static_cast<int64_t>(static_cast<double>(size) * 8 * ticks_per_second / static_cast<double>(x.duration)));
}

void track_window::drop_old() {
  auto end = segments_.back().start;
  while (listed_ + 1 < segments_.size() && end - segments_[listed_ + 1].start >= times_.window) {
    discontinuities_ += segments_[listed_].discontinuity ? 1 : 0;
    ++listed_;
    if (segments_[listed_].discontinuity)
      run_ = {segments_[listed_].number, segments_[listed_].start};
  }
  while (listed_ > 0 && end - segments_.front().start > times_.kept()) {
    segments_.pop_front();
    --listed_;
  }
  std::erase_if(inits_, [this](const init_segment& x) {
    return std::none_of(segments_.begin(), segments_.end(), [&](const media_segment& s) { return s.init == x.name; });
  });
}

bool track_window::has_segment() const noexcept {
  return std::any_of(segments_.begin(), segments_.end(), [](const media_segment& x) { return x.complete && !x.gap; });
}

std::optional<playlist_place> track_window::latest() const {
  for (auto x = segments_.rbegin(); x != segments_.rend(); ++x)
    if (!x->parts.empty())
      return playlist_place{x->number, static_cast<int64_t>(x->parts.size()) - 1};
  return std::nullopt;
}

std::optional<playlist_place> track_window::next() const {
  if (ended_ || segments_.empty())
    return std::nullopt;
  auto& x = segments_.back();
  auto picture = x.parts.empty() ? int64_t{0} : times_.part / 10;
  auto boundary = times_.on_grid ? (x.number + 1) * times_.segment : x.start + times_.segment;
  if (x.start + x.duration + picture >= boundary)
    return playlist_place{x.number + 1, 0};
  return playlist_place{x.number, static_cast<int64_t>(x.parts.size())};
}

bool track_window::contains(const playlist_place& x) const {
  if (segments_.empty())
    return false;
  auto& last = segments_.back();
  if (x.number > last.number)
    return false;
  auto* segment = find(x.number);
  if (!x.part || segment == nullptr)
    return segment == nullptr || segment->complete;
  if (*x.part < static_cast<int64_t>(segment->parts.size()))
    return true;
  return segment->complete && (ended_ || contains({x.number + 1, 0}));
}

const media_segment* track_window::find(int64_t number) const {
  if (segments_.empty() || number < segments_.front().number || number > segments_.back().number)
    return nullptr;
  return &segments_[static_cast<size_t>(number - segments_.front().number)];
}

int64_t track_window::number_at(int64_t start) const {
  if (segments_.empty())
    return 0;
  auto near = [&](const media_segment& x) { return std::abs(x.start - start) < times_.segment / 4; };
  auto i = std::find_if(segments_.rbegin(), segments_.rend(), near);
  if (i != segments_.rend())
    return i->number;
  auto& last = segments_.back();
  return start > last.start ? last.number + (start - last.start + times_.segment / 2) / times_.segment : 0;
}

const init_segment* track_window::init(const std::string& name) const {
  auto i = std::find_if(inits_.begin(), inits_.end(), [&](const init_segment& x) { return x.name == name; });
  return i == inits_.end() ? nullptr : &*i;
}

} // namespace troupe

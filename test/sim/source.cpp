#include "test/sim/source.hpp"

#include <map>

namespace troupe::sim {

stream_format format_of(source_form x) {
  stream_format result;
  result.tracks.resize(2);
  auto& video = result.tracks[0];
  video.kind = track_kind::video;
  video.codec = "mpeg2video";
  video.frame_rate = {25, 1};
  auto small = x == source_form::small_pictures || x == source_form::both;
  video.width = small ? 640 : 1280;
  video.height = small ? 360 : 720;
  auto& audio = result.tracks[1];
  audio.kind = track_kind::audio;
  audio.codec = x == source_form::other_sound || x == source_form::both ? "aac" : "mp2";
  audio.sample_rate = 48'000;
  if (x == source_form::silent)
    result.tracks.pop_back();
  return result;
}

shared_bytes filler(size_t size) {
  static std::map<size_t, shared_bytes> made;
  auto [i, added] = made.try_emplace(size);
  if (added)
    i->second = shared_bytes{shared_bytes::container(size)};
  return i->second;
}

void append(std::vector<sample_block>& blocks, const sample& x, bool start_new) {
  if (blocks.empty() || start_new)
    blocks.emplace_back();
  blocks.back().samples.push_back(x);
}

void fill(std::vector<sample_block>& blocks) {
  for (auto& b : blocks) {
    size_t size = 0;
    for (auto& s : b.samples)
      size += s.size;
    b.bytes = filler(size);
  }
}

pull::pull(source_shape shape, int64_t from, bool continues, time_point now)
  : shape_(shape), origin_(from + (shape.reordered ? picture_ticks : 0)), continues_(continues), start_(now) {}

sample pull::next_picture() {
  // Shown 0 3 1 2 6 4 5 …: every third picture is an anchor, decoded before the two that are shown before it.
  auto shown = coded_;
  auto decoded = coded_;
  if (shape_.reordered) {
    decoded = coded_ - 1;
    if (coded_ > 0)
      shown = coded_ % 3 == 1 ? coded_ + 2 : coded_ - 1;
  }
  sample s;
  s.track = 0;
  s.pts = origin_ + shown * picture_ticks;
  s.dts = origin_ + decoded * picture_ticks;
  s.duration = picture_ticks;
  s.size = picture_bytes;
  if (shown % shape_.group == 0) {
    s.flags = sample::random_access | sample::key;
    s.size = random_access_bytes;
  }
  if (coded_ == 0 && continues_)
    s.flags |= sample::discontinuity;
  ++coded_;
  return s;
}

sample pull::next_sound() {
  sample s;
  s.track = 1;
  s.flags = sample::key;
  s.pts = s.dts = origin_ + sounds_ * sound_ticks;
  s.duration = sound_ticks;
  s.size = sound_bytes;
  ++sounds_;
  return s;
}

std::vector<sample_block> pull::read(time_point now) {
  auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - start_).count() * 9 / 100;
  std::vector<sample_block> result;
  for (;;) {
    auto picture = coded_ * picture_ticks;
    auto sound = sounds_ * sound_ticks + shape_.sound_late;
    if (std::min(picture, sound) > elapsed)
      break;
    auto x = picture <= sound ? next_picture() : next_sound();
    if (x.track == 0 || !mute_)
      append(result, x, x.is_random_access());
  }
  fill(result);
  return result;
}

} // namespace troupe::sim

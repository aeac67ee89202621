// The session's side of a rendition's subtitles: texts go in, segments come out, as text for HLS and in MP4 for DASH.
#include "packaging/compress.hpp"
#include "packaging/rendition.hpp"
#include "packaging/text_fragments.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// "s0", "s1"
std::string text_track_name(const stream_format& format, size_t index) {
  auto end = format.tracks.begin() + static_cast<ptrdiff_t>(index);
  auto before = std::count_if(format.tracks.begin(), end, [](const track_format& x) { return x.codec == text_codec; });
  return "s" + std::to_string(before);
}

} // namespace

/// The lanes of subtitles of a new format. A track that is not in it ends with the present segment, and goes on if it
/// comes back before; without a segment it is added to `lost`. A track that begins in the middle gets the latest
/// segment that is complete, without text: so it can be played at once, and no playlist waits for it.
void rendition_output::enter_texts(const stream_format& format, std::vector<size_t>& lost) {
  std::vector<text_lane> result;
  std::vector<size_t> begun;
  std::lock_guard guard{shared_->mutex_};
  auto& tracks = shared_->tracks_;
  for (size_t i = 0; i < format.tracks.size(); ++i) {
    if (format.tracks[i].codec != text_codec)
      continue;
    auto name = text_track_name(format, i);
    auto known = std::ranges::find(tracks, name, &rendition::track::name);
    auto index = static_cast<size_t>(known - tracks.begin());
    // What had a number keeps it.
    auto is_new = known == tracks.end();
    if (last_cut_ && (is_new || (known->window.ended() && !known->window.contains({last_cut_->number, {}}))))
      begun.push_back(result.size());
    if (is_new)
      tracks.push_back({.name = name, .format = {}, .codec = {}, .window = track_window{times_}});
    else if (known->window.ended())
      known->window = track_window{times_};
    tracks[index].format = format.tracks[i];
    auto old = std::ranges::find(texts_, index, &text_lane::track);
    auto init = init_segment::of(text_init(format.tracks[i].language), std::string{text_name}, format.tracks[i]);
    result.push_back({i, index, std::move(init), old == texts_.end() ? subtitle_segments{} : std::move(old->texts), 0});
  }
  for (auto& x : texts_) {
    if (std::ranges::find(result, x.track, &text_lane::track) != result.end())
      continue;
    if (beginnings_.empty())
      lost.push_back(x.track);
    else
      result.push_back(
        {std::nullopt, x.track, std::move(x.init), std::move(x.texts), x.of ? beginnings_.back().number : x.last});
  }
  texts_ = std::move(result);
  for (auto i : begun)
    cut_text(texts_[i], *last_cut_, beginnings_.front().start);
}

/// Cuts the subtitles of segments that ended well before this time: their texts may come a little late.
void rendition_output::cut_subtitles(int64_t until) {
  for (; beginnings_.size() > 1 && until >= beginnings_[1].start + times_.part; beginnings_.pop_front()) {
    for (auto& x : texts_)
      cut_text(x, beginnings_[0], beginnings_[1].start);
    last_cut_ = beginnings_[0];
  }
}

/// Ends the tracks of subtitles that the source has lost, after the segment in which it lost them.
void rendition_output::end_subtitles() {
  std::vector<size_t> over;
  std::erase_if(texts_, [&](const text_lane& x) {
    auto ends = !x.of && last_cut_ && last_cut_->number >= x.last;
    if (ends)
      over.push_back(x.track);
    return ends;
  });
  if (!over.empty())
    end_tracks(over);
}

/// Cuts the last subtitles, up to the end of the leading track.
void rendition_output::finish_subtitles() {
  auto lead = std::ranges::find(lanes_, true, &lane::leads);
  if (lead == lanes_.end())
    return;
  for (auto& x : texts_)
    for (size_t i = 0; i < beginnings_.size(); ++i)
      cut_text(x, beginnings_[i], i + 1 < beginnings_.size() ? beginnings_[i + 1].start : lead->end);
}

void rendition_output::cut_text(text_lane& from, const beginning& at, int64_t end) {
  if (end <= at.start)
    return;
  media_part part{at.start, end - at.start, true, 0, bytes_of(from.texts.segment(at.start, end))};
  part.boxed = text_fragment(at.number, at.start, end, from.texts.cues(at.start, end));
  from.texts.forget(end);
  news_.push_back({.track = from.track,
                   .number = at.number,
                   .start = at.start,
                   .discontinuity = at.discontinuity,
                   .part = std::move(part),
                   .whole = true,
                   .init = from.init,
                   .codec = std::string{text_name}});
}

} // namespace troupe

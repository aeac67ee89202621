#include "packaging/subtitle_segments.hpp"

#include "packaging/text.hpp"

#include <algorithm>
#include <cstdio>

namespace troupe {

namespace {

constexpr int64_t open_end = std::numeric_limits<int64_t>::max();

/// "00:00:01.500", from the segment's beginning.
std::string time_of(int64_t ticks) {
  auto ms = ticks / (ticks_per_second / 1000);
  char text[32];
  std::snprintf(text, sizeof(text), "%02d:%02d:%02d.%03d", static_cast<int>(ms / 3'600'000),
                static_cast<int>(ms / 60'000 % 60), static_cast<int>(ms / 1000 % 60), static_cast<int>(ms % 1000));
  return text;
}

/// Cue text: no markup, and no empty line, which would end the cue.
std::string cue_text(const std::string& text) {
  std::string result;
  for (auto c : text)
    if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c != '\n' || (!result.empty() && result.back() != '\n'))
      result += c;
  return result;
}

} // namespace

void subtitle_segments::add(int64_t pts, int64_t duration, std::string text) {
  for (auto& x : entries_)
    if (x.to == open_end)
      x.to = std::max(x.from, pts);
  if (text.empty())
    return;
  entries_.push_back({pts, duration > 0 ? pts + duration : open_end, std::move(text)});
  if (entries_.size() > texts_max)
    entries_.pop_front();
}

std::vector<text_cue> subtitle_segments::cues(int64_t from, int64_t to) const {
  std::vector<text_cue> result;
  for (auto& x : entries_) {
    auto begin = std::max(x.from, from);
    auto end = std::min(x.to, to);
    if (begin < end)
      result.push_back({begin, end, cue_text(x.text)});
  }
  return result;
}

std::string subtitle_segments::segment(int64_t from, int64_t to) const {
  constexpr auto turn = int64_t{1} << 33;
  auto result =
    joined("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:", std::to_string((from % turn + turn) % turn), ",LOCAL:00:00:00.000\n");
  for (auto& x : cues(from, to))
    append(result, "\n", time_of(x.from - from), " --> ", time_of(x.to - from), "\n", x.text, "\n");
  return result;
}

void subtitle_segments::forget(int64_t before) {
  std::erase_if(entries_, [=](const entry& x) { return x.to <= before; });
}

} // namespace troupe

#include "packaging/splice_list.hpp"

#include "packaging/text.hpp"

extern "C" {
#include <libavutil/base64.h>
}

#include <algorithm>

namespace troupe {

namespace {

using kind = av::splice_mark::kind;

/// Repeated messages may differ by the rounding of their time, in ticks.
constexpr int64_t same_time = ticks_per_second / 10;

std::string hex(std::span<const uint8_t> bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string result{"0x"};
  for (auto x : bytes)
    (result += digits[x >> 4]) += digits[x & 15];
  return result;
}

std::string base64(std::span<const uint8_t> bytes) {
  std::string result(AV_BASE64_SIZE(bytes.size()), '\0');
  if (av_base64_encode(result.data(), static_cast<int>(result.size()), bytes.data(), static_cast<int>(bytes.size()))
      == nullptr)
    return {};
  result.resize(result.find('\0'));
  return result;
}

/// Numbers of events may come back after hours, so the time is part of a range's name.
std::string id_of(const av::splice_mark& mark, int64_t start, std::span<const uint8_t> section) {
  auto number = mark.what == kind::command ? uint64_t{av::section_crc(section.first(section.size() - 4))} : mark.event;
  return joined(mark.what == kind::command ? "command-" : "splice-", std::to_string(number), "-",
                std::to_string(start));
}

} // namespace

bool splice_list::add(std::span<const std::byte> section, int64_t pts) {
  std::vector<uint8_t> bytes(section.size());
  std::ranges::transform(section, bytes.begin(), [](std::byte x) { return std::to_integer<uint8_t>(x); });
  auto read = av::read_splice(bytes);
  if (!read || read->idle)
    return false;
  auto added = false;
  for (auto& mark : read->marks) {
    auto same = [&](const entry& x) {
      return x.mark.what == mark.what && x.mark.event == mark.event && std::abs(x.pts - pts) <= same_time
             && (mark.what != kind::command || x.section == bytes);
    };
    if (std::ranges::any_of(entries_, same))
      continue;
    entry made{mark, pts, pts, {}, bytes};
    if (mark.what == kind::in) {
      auto begin = std::find_if(entries_.rbegin(), entries_.rend(), [&](const entry& x) {
        return x.mark.what == kind::out && x.mark.event == mark.event && !x.end && x.pts <= pts;
      });
      if (begin != entries_.rend()) {
        begin->end = pts;
        made.start = begin->pts;
      }
    }
    entries_.push_back(std::move(made));
    added = true;
    if (entries_.size() > entries_max)
      entries_.pop_front();
  }
  return added;
}

/// A break without a known end is not over.
bool splice_list::is_over(const entry& x, int64_t from) {
  if (x.mark.what != kind::out)
    return x.pts < from;
  auto end = x.end ? x.end : x.mark.duration ? std::optional{x.pts + *x.mark.duration} : std::nullopt;
  return end && *end < from;
}

std::string splice_list::date_ranges(int64_t from, const core::clock_map& clock) const {
  std::string result;
  for (auto& x : entries_) {
    if (is_over(x, from))
      continue;
    append(result, "#EXT-X-DATERANGE:ID=\"", id_of(x.mark, x.start, x.section), "\",START-DATE=\"",
           date_time(clock, x.start), "\"");
    if (x.mark.what == kind::out && x.mark.duration)
      append(result, ",PLANNED-DURATION=", seconds(*x.mark.duration));
    if (x.mark.what == kind::in && x.start != x.pts)
      append(result, ",DURATION=", seconds(x.pts - x.start));
    append(result,
           x.mark.what == kind::out  ? ",SCTE35-OUT="
           : x.mark.what == kind::in ? ",SCTE35-IN="
                                     : ",SCTE35-CMD=",
           hex(x.section), "\n");
  }
  return result;
}

std::string splice_list::event_stream(int64_t from, int64_t begin, int64_t end) const {
  std::string events;
  const entry* before = nullptr;
  for (auto& x : entries_) {
    // A section with several marks is one event.
    auto again = before != nullptr && before->section == x.section && before->pts == x.pts;
    before = &x;
    if (again || is_over(x, from) || x.pts < begin || x.pts >= end)
      continue;
    append(events, "      <Event presentationTime=\"", std::to_string(x.pts - begin), "\"");
    if (x.mark.what == kind::out && x.mark.duration)
      append(events, " duration=\"", std::to_string(*x.mark.duration), "\"");
    append(events, " id=\"", std::to_string(av::section_crc(std::span{x.section}.first(x.section.size() - 4))),
           "\"><Signal xmlns=\"http://www.scte.org/schemas/35/2016\"><Binary>", base64(x.section),
           "</Binary></Signal></Event>\n");
  }
  if (events.empty())
    return events;
  return joined("    <EventStream schemeIdUri=\"urn:scte:scte35:2014:xml+bin\" timescale=\"",
                std::to_string(ticks_per_second), "\">\n", events, "    </EventStream>\n");
}

} // namespace troupe

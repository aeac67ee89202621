#include "rig/delivery/dash_judge.hpp"

#include "rig/delivery/hls_rules.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>

namespace troupe::bench::delivery {

namespace {

constexpr double clock_tolerance_s = 2; ///< a Date has whole seconds
constexpr double time_tolerance_s = 0.0005;

std::string segment_name(const mpd_representation& x, const mpd_segment& which) {
  return x.id + " segment " + std::to_string(which.number);
}

/// An HTTP date (RFC 9110, 5.6.7) in the form of `parse_date`; NaN if it is none.
double parse_http_date(std::string_view text) {
  std::tm at{};
  std::string copy{text};
  return strptime(copy.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &at) == nullptr ? unstated
                                                                             : static_cast<double>(timegm(&at));
}

} // namespace

void dash_judge::manifest(const observation& seen) {
  place_ = name_of(seen.url);
  check_http(to_, place_, seen, content::manifest, seconds{0}, false);
  if (seen.status != 200) {
    add("dash-0.1", seen.status == 0 ? seen.problem : "it answers " + std::to_string(seen.status));
    return;
  }
  auto x = parse_mpd(seen.body, seen.url);
  for (auto& fault : x.faults)
    add("dash-0.1", fault);
  if (!x.faults.empty())
    return;
  check_header(x);
  if (x.dynamic)
    check_low_latency(x);
  for (auto& each : x.representations)
    check_timeline(each);
  check_changes(x, seen);
  latest_ = std::move(x);
}

void dash_judge::check_header(const mpd& x) {
  for (auto& each : x.representations)
    if (each.id.empty() || each.bandwidth == 0 || each.codecs.empty() || each.mime_type.empty())
      add("dash-18", "representation \"" + each.id + "\"");
  if (!x.dynamic)
    return;
  if (std::isnan(x.available_from_s))
    add("dash-1", "no availabilityStartTime");
  if (x.clocks.empty())
    add("dash-6", "no UTCTiming");
  if (std::isnan(x.published_s) || std::isnan(x.update_s) || std::isnan(x.buffer_s) || x.profiles.empty())
    add("dash-17", "at least one of them is missing");
}

void dash_judge::check_low_latency(const mpd& x) {
  auto& first = x.representations.front();
  auto early_anywhere = false;
  for (auto& each : x.representations) {
    auto early = each.available_early_s;
    auto incomplete = each.available_complete == false;
    early_anywhere = early_anywhere || early || incomplete;
    if (early != first.available_early_s || each.available_complete != first.available_complete)
      add("dash-4", "representation " + each.id);
    if (early && std::isinf(*early)) {
      if (each.media.find("$Number") == std::string::npos || !each.timeline.empty())
        add("dash-10", "representation " + each.id);
      continue;
    }
    if (early.has_value() != incomplete)
      add("dash-3", "representation " + each.id);
    if (early && !(*early > 0 && *early < each.segment_s()))
      add("dash-2", "availabilityTimeOffset " + in_seconds(*early) + ", segment " + in_seconds(each.segment_s()));
    if (early && !std::isnan(x.latency_s) && each.segment_s() - *early >= x.latency_s)
      add("dash-5", "target " + in_seconds(x.latency_s));
  }
  if (early_anywhere && std::isnan(x.latency_s))
    add("dash-5", "no Latency");
}

void dash_judge::check_timeline(const mpd_representation& of) {
  auto& known = known_[of.id];
  for (size_t i = 0; i < of.timeline.size(); ++i) {
    auto& each = of.timeline[i];
    if (i > 0 && of.timeline[i - 1].time + of.timeline[i - 1].duration != each.time)
      add("dash-8", segment_name(of, each));
    // Without $Number$ in its address, a segment is known by its time.
    auto numbered = of.media.find("$Number") != std::string::npos;
    auto [at, added] = known.try_emplace(numbered ? each.number : each.time, each);
    if (!added && (at->second.time != each.time || at->second.duration != each.duration))
      add("dash-16", segment_name(of, each));
  }
}

void dash_judge::check_changes(const mpd& x, const observation& seen) {
  auto& first = x.representations.front();
  auto newest = first.timeline.empty()
                  ? 0
                  : static_cast<double>(first.timeline.back().time + first.timeline.back().duration)
                      / static_cast<double>(first.timescale);
  if (latest_) {
    if (x.dynamic && latest_->dynamic && !(x.available_from_s == latest_->available_from_s))
      add("dash-1", in_seconds(x.available_from_s - latest_->available_from_s) + " later than before");
    if (x.published_s < latest_->published_s)
      add("dash-11", "publishTime falls");
    for (auto& each : x.representations) {
      for (auto& before : latest_->representations) {
        if (before.id != each.id || before.timeline.empty() || each.timeline.empty())
          continue;
        if (each.timeline.front().time < before.timeline.front().time || each.start_number < before.start_number
            || each.timeline.back().time < before.timeline.back().time)
          add("dash-11", "representation " + each.id);
      }
    }
    for (auto& each : x.periods)
      for (auto& before : latest_->periods)
        if ((before.id == each.id) != (before.start_s == each.start_s))
          add("dash-15", "period " + each.id);
    auto waited = (seen.asked - newest_since_).count();
    if (x.dynamic && newest > 0 && newest <= newest_s_ && waited > 1.5 * first.segment_s())
      add("dash-14", in_seconds(waited) + " without a new segment");
  }
  if (!latest_ || newest > newest_s_) {
    newest_s_ = newest;
    newest_since_ = seen.answered;
  }
}

void dash_judge::init(const mpd_representation& x, const observation& seen) {
  check_http(to_, place_, seen, x.text() ? content::subtitles : content::init, seconds{0}, false);
  auto read = seen.status == 200 ? read_init(seen.body) : std::nullopt;
  if (!read) {
    add("dash-9", name_of(seen.url) + " answers " + std::to_string(seen.status));
    return;
  }
  check_init(to_, x.id, *read);
  for (auto& track : read->tracks)
    if (!x.codecs.empty() && x.codecs.find(track.codec) == std::string::npos)
      add("dash-19", x.id + ": " + track.codec + " is not in " + x.codecs);
  inits_[x.id] = std::move(*read);
}

void dash_judge::segment(const mpd_representation& x, const mpd_segment& which, const observation& seen) {
  check_http(to_, place_, seen, x.text() ? content::subtitles : content::media, seconds{0}, false);
  if (seen.status != 200) {
    add("dash-9", segment_name(x, which) + " answers " + std::to_string(seen.status));
    return;
  }
  // Sent as a whole when it was complete, all of it comes at once.
  if (!x.text() && was_open(x, seen) && (seen.answered - seen.began).count() < *x.available_early_s / 4)
    add("dash-21",
        segment_name(x, which) + ": nothing for " + in_seconds((seen.began - seen.asked).count()) + ", then all of it");
  auto init = inits_.find(x.id);
  if (init == inits_.end())
    return;
  auto name = "segment " + std::to_string(which.number);
  auto fragments = read_fragments(seen.body, init->second);
  check_fragments(to_, x.id, fragments, name);
  auto span = span_of(fragments, init->second);
  if (!span)
    return;
  if (span->video && !span->begins_with_sync)
    add("dash-20", segment_name(x, which));
  if (x.codecs == "wvtt")
    check_text(x, which, seen.body, *span);
  auto stated = static_cast<double>(which.time) / static_cast<double>(x.timescale);
  auto error = std::min(std::abs(span->from_s - stated), std::abs(span->presented_s - stated));
  // Without a timeline a segment may be off by half of its duration.
  auto tolerance = x.timeline.empty() ? x.segment_s() / 2 : time_tolerance_s + 1.0 / static_cast<double>(x.timescale);
  if (error > tolerance)
    add("dash-13", segment_name(x, which) + " is off by " + in_seconds(error));
}

void dash_judge::check_text(const mpd_representation& x, const mpd_segment& which, const std::string& bytes,
                            const span_of_samples& span) {
  if (!holds_only_cues(bytes))
    add("dash-23", segment_name(x, which) + " holds something else");
  auto [last, first] = texts_.try_emplace(x.id);
  auto& [number, end_s] = last->second;
  if (!first && which.number == number + 1 && std::abs(span.from_s - end_s) > time_tolerance_s)
    add("dash-23", segment_name(x, which) + " begins " + in_seconds(span.from_s - end_s) + " after the one before");
  last->second = {which.number, span.to_s};
}

bool dash_judge::was_open(const mpd_representation& x, const observation& seen) {
  auto early = x.available_early_s.value_or(0);
  return x.available_complete == false && std::isfinite(early) && seen.status == 200
         && (seen.answered - seen.asked).count() > early / 2;
}

void dash_judge::again(const mpd_representation& x, const mpd_segment& which, const observation& first,
                       const observation& seen) {
  if (seen.status != 200 || seen.body != first.body)
    add("dash-22", segment_name(x, which) + ": " + std::to_string(first.body.size()) + " bytes, then "
                     + std::to_string(seen.body.size()));
}

void dash_judge::clock(const mpd_clock& of, const observation& seen) {
  auto date = parse_http_date(seen.header("date"));
  auto told = of.scheme.find("http-head") != std::string::npos ? date : parse_date(seen.body);
  if (seen.status != 200 || std::isnan(told) || std::abs(told - date) > clock_tolerance_s)
    add("dash-7", of.value + " answers " + std::to_string(seen.status) + " \"" + seen.body.substr(0, 40) + "\"");
}

} // namespace troupe::bench::delivery

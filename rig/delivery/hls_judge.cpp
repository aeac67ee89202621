#include "rig/delivery/hls_judge.hpp"

#include "rig/delivery/hls_rules.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::bench::delivery {

namespace {

constexpr double date_tolerance_s = 0.0011;

/// A segment of sound begins with a frame of sound, not with a picture.
constexpr double date_of_sound_tolerance_s = 0.05;
constexpr double at_once_s = 0.2;
/// The mean rate is judged only if the run has at least this much media.
constexpr double mean_needs_s = 20;

/// When the playlist's last part or segment ends; NaN without dates.
double end_of(const media_playlist& x) {
  return x.segments.empty() ? std::nan("") : x.segments.back().date_s + x.segments.back().length_s();
}

/// Positions of a playlist in order, as a RENDITION-REPORT states them.
std::vector<std::pair<uint64_t, uint64_t>> positions(const media_playlist& x) {
  std::vector<std::pair<uint64_t, uint64_t>> result;
  for (auto& segment : x.segments) {
    for (size_t i = 0; i < segment.parts.size(); ++i)
      result.emplace_back(segment.number, i);
    if (segment.parts.empty())
      result.emplace_back(segment.number, 0);
  }
  return result;
}

std::string shape_of(const observation& seen) {
  return seen.status == 0 ? seen.problem : "answers " + std::to_string(seen.status);
}

} // namespace

hls_judge::rendition_state& hls_judge::state_of(const std::string& rendition) {
  auto& state = renditions_[rendition];
  if (!state)
    state = std::make_unique<rendition_state>(to_, name_of(rendition));
  return *state;
}

double hls_judge::target_of(const rendition_state& x) const {
  return x.history.latest() == nullptr ? 0 : x.history.latest()->target_s;
}

std::vector<std::string> hls_judge::renditions() const {
  std::vector<std::string> result;
  for (auto& [url, state] : renditions_)
    result.push_back(url);
  return result;
}

const media_playlist* hls_judge::latest(const std::string& rendition) const {
  auto at = renditions_.find(rendition);
  return at == renditions_.end() ? nullptr : at->second->history.latest();
}

void hls_judge::multivariant(const observation& seen) {
  auto place = name_of(seen.url);
  check_http(to_, place, seen, content::playlist, seconds{0}, false);
  if (seen.status != 200) {
    to_.add("hls-0.1", place, shape_of(seen));
    return;
  }
  multivariant_url_ = seen.url;
  multivariant_ = parse_multivariant(seen.body);
  check_multivariant(to_, place, multivariant_);
  auto add = [&](std::string_view uri, std::string_view type) {
    auto url = resolve(seen.url, uri);
    auto& state = renditions_[url];
    if (!state)
      state = std::make_unique<rendition_state>(to_, std::string{uri});
    state->listed = true;
    state->subtitles = type == "SUBTITLES";
    state->sound = type == "AUDIO";
  };
  for (auto& variant : multivariant_.variants)
    if (!variant.uri.empty())
      add(variant.uri, "VIDEO");
  for (auto& media : multivariant_.media)
    if (media.has("URI"))
      add(media.text("URI"), media.text("TYPE"));
  for (auto& each : multivariant_.i_frames)
    i_frames_.push_back(resolve(seen.url, each.uri));
}

void hls_judge::playlist(const std::string& rendition, const observation& seen, const reload& asked) {
  auto& of = state_of(rendition);
  auto kind = asked.segment ? content::blocking_playlist : content::playlist;
  if (seen.status != 200) {
    check_http(to_, of.place, seen, kind, seconds{target_of(of)}, false);
    to_.add("hls-0.1", of.place, shape_of(seen));
    return;
  }
  auto x = parse_media_playlist(seen.body);
  check_http(to_, of.place, seen, kind, seconds{x.target_s}, x.low_latency());
  of.history.take(x, seen, asked);
  if (of.history.latest() == nullptr)
    return;
  check_common(of, *of.history.latest());
  check_step(of, seen);
  of.seen_at = seen.answered;
  if (x.low_latency() && !x.end)
    check_reports(rendition, of, seen);
}

void hls_judge::check_common(rendition_state& of, const media_playlist& x) {
  auto common = [&](const char* rule, std::string text) {
    auto [at, added] = shared_.try_emplace(rule, shared{text, of.place});
    if (!added && at->second.text != text && at->second.place != of.place)
      to_.add(rule, of.place, text + ", but " + at->second.text + " in " + at->second.place);
  };
  std::string control;
  if (x.server_control)
    for (auto& [name, value] : x.server_control->all())
      control += name + "=" + value + " ";
  common("hls-1.2", in_seconds(x.target_s));
  common("hls-3.5", control);
  if (!of.subtitles)
    common("hls-2.5", x.low_latency() ? "parts" : "no parts");
  if (x.low_latency())
    common("hls-3.6", in_seconds(x.part_target_s));
  for (auto& segment : x.segments) {
    auto name = "segment " + std::to_string(segment.number);
    auto [counter, first] = discontinuities_.try_emplace(segment.number, segment.discontinuities, of.place);
    if (!first && counter->second.first != segment.discontinuities && counter->second.second != of.place)
      to_.add("hls-10.2", of.place, name + ": not as in " + counter->second.second);
    if (std::isnan(segment.date_s))
      continue;
    dates_[of.sound].try_emplace(segment.number, segment.date_s, of.place);
    for (auto sound : {false, true}) {
      auto date = dates_[sound].find(segment.number);
      if (date == dates_[sound].end() || date->second.second == of.place)
        continue;
      auto differs = date->second.first - segment.date_s;
      if (std::abs(differs) > (sound == of.sound ? date_tolerance_s : date_of_sound_tolerance_s))
        to_.add("hls-9.10", of.place, name + ": " + in_seconds(differs) + " before that of " + date->second.second);
    }
  }
}

void hls_judge::check_reports(const std::string& rendition, rendition_state& of, const observation& seen) {
  auto& x = *of.history.latest();
  std::map<std::string, const rendition_report*> reports;
  for (auto& report : x.reports)
    reports[without_query(resolve(seen.url, report.uri))] = &report;
  for (auto& [url, other] : renditions_) {
    if (url == rendition || !other->listed)
      continue;
    auto report = reports.find(without_query(url));
    if (report == reports.end()) {
      to_.add("hls-9.2", of.place, "none of " + other->place);
      continue;
    }
    auto* latest = other->history.latest();
    if (latest == nullptr || other->seen_at > seen.asked)
      continue;
    auto known = positions(*latest);
    auto stated = std::pair{report->second->last_segment, report->second->last_part.value_or(UINT64_MAX)};
    if (known.size() >= 2 && stated < known[known.size() - 2])
      to_.add("hls-9.3", of.place,
              other->place + " is at " + std::to_string(known.back().first) + "." + std::to_string(known.back().second)
                + ", its report says " + std::to_string(stated.first));
  }
}

void hls_judge::check_step(rendition_state& of, const observation& seen) {
  auto& x = *of.history.latest();
  auto tolerance = (x.low_latency() ? x.part_target_s : x.target_s) + 0.05;
  for (auto& [url, other] : renditions_) {
    auto* latest = other->history.latest();
    if (other.get() == &of || latest == nullptr || other->seen_at > seen.asked)
      continue;
    auto behind = end_of(*latest) - end_of(x);
    if (behind > tolerance)
      to_.add("hls-9.9", of.place, in_seconds(behind) + " behind " + other->place);
  }
}

void hls_judge::init(const std::string& rendition, const observation& seen) {
  auto& of = state_of(rendition);
  check_http(to_, of.place, seen, content::init, seconds{target_of(of)}, false);
  if (seen.status != 200 && seen.status != 206) {
    to_.add("hls-10.5", of.place, name_of(seen.url) + " " + shape_of(seen));
    return;
  }
  for (auto& codec : of.samples.init(seen)) {
    for (auto& variant : multivariant_.variants) {
      auto codecs = variant.with.text("CODECS");
      if (resolve(multivariant_url_, variant.uri) == rendition && !codecs.empty()
          && codecs.find(codec) == std::string_view::npos)
        to_.add("hls-12.6", of.place, codec + " is not in " + std::string{codecs});
    }
  }
}

void hls_judge::part(const std::string& rendition, const media_segment& x, size_t index, const observation& seen) {
  auto& of = state_of(rendition);
  check_http(to_, of.place, seen, of.subtitles ? content::subtitles : content::media, seconds{target_of(of)}, false);
  of.samples.part(x, index, seen);
}

void hls_judge::segment(const std::string& rendition, const media_segment& x, const observation& seen) {
  auto& of = state_of(rendition);
  check_http(to_, of.place, seen, of.subtitles ? content::subtitles : content::media, seconds{target_of(of)}, false);
  of.samples.segment(x, seen);
}

void hls_judge::hinted(const std::string& rendition, const observation& seen) {
  state_of(rendition).samples.hinted(seen);
}

void hls_judge::i_frames(const observation& seen) {
  auto place = name_of(seen.url);
  check_http(to_, place, seen, content::playlist, seconds{0}, false);
  auto x = parse_media_playlist(seen.body);
  if (seen.status != 200)
    to_.add("hls-0.1", place, shape_of(seen));
  else if (!x.i_frames_only)
    to_.add("hls-11.8", place, "no EXT-X-I-FRAMES-ONLY");
}

void hls_judge::probed(probe what, const std::string& rendition, const observation& seen) {
  auto& of = state_of(rendition);
  auto media = what == probe::unknown_media || what == probe::unknown_part || what == probe::expired_part
               || what == probe::expired_segment;
  check_http(to_, of.place, seen,
             media ? (of.subtitles ? content::subtitles : content::media) : content::blocking_playlist,
             seconds{target_of(of)}, false);
  auto want = [&](int status, const char* rule) {
    if (seen.status != status)
      to_.add(rule, of.place, seen.url.substr(seen.url.rfind('/') + 1) + " " + shape_of(seen));
  };
  switch (what) {
  case probe::part_alone:
    return want(400, "hls-6.4");
  case probe::far_segment:
    return want(400, "hls-6.5");
  case probe::far_part:
    return want(400, "hls-6.6");
  case probe::unknown_media:
    return want(404, "hls-4.8");
  case probe::unknown_part:
    return want(404, "hls-8.4");
  case probe::expired_part:
    return want(200, "hls-4.5");
  case probe::expired_segment:
    return want(200, "hls-4.6");
  case probe::old_segment:
    if (auto held = (seen.answered - seen.asked).count(); seen.status != 200 || held > at_once_s)
      to_.add("hls-6.3", of.place, shape_of(seen) + " after " + in_seconds(held));
  }
}

void hls_judge::finish() {
  for (auto& variant : multivariant_.variants) {
    auto url = resolve(multivariant_url_, variant.uri);
    auto of = renditions_.find(url);
    if (of == renditions_.end() || of->second->history.latest() == nullptr)
      continue;
    auto rates = of->second->samples.rates(target_of(*of->second));
    bit_rates sound;
    for (auto& media : multivariant_.media) {
      auto other = renditions_.find(resolve(multivariant_url_, media.text("URI")));
      if (!media.has("URI") || media.text("TYPE") != "AUDIO" || media.text("GROUP-ID") != variant.with.text("AUDIO")
          || other == renditions_.end() || other == of)
        continue;
      auto each = other->second->samples.rates(target_of(*other->second));
      sound.peak = std::max(sound.peak, each.peak);
      sound.mean = std::max(sound.mean, each.mean);
    }
    auto check = [&](const char* rule, double rate, const char* name, double factor) {
      auto stated = variant.with.number(name);
      if (rate > factor * stated)
        to_.add(rule, of->second->place,
                std::to_string(std::llround(rate)) + " bit/s, " + name + " is " + std::to_string(std::llround(stated)));
    };
    check("hls-11.1", rates.peak + sound.peak, "BANDWIDTH", 1.25);
    if (rates.seconds >= mean_needs_s)
      check("hls-11.2", rates.mean + sound.mean, "AVERAGE-BANDWIDTH", 1.10);
  }
}

} // namespace troupe::bench::delivery

#include "rig/delivery/mpd.hpp"

#include "rig/delivery/observation.hpp"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>

namespace troupe::bench::delivery {

namespace {

using std::string_view;

constexpr size_t segments_max = 100'000;

template <class T>
std::optional<T> parse_number(string_view text) {
  T result{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  return error == std::errc{} && end != text.data() ? std::optional{result} : std::nullopt;
}

/// One element of a document. The document outlives it.
class element {
public:
  explicit element(xmlNode* node) : node_(node) {}

  bool is(const char* name) const {
    return xmlStrEqual(node_->name, reinterpret_cast<const xmlChar*>(name)) != 0;
  }

  std::string text(const char* attribute) const {
    return take(xmlGetProp(node_, reinterpret_cast<const xmlChar*>(attribute)));
  }

  std::string content() const {
    return take(xmlNodeGetContent(node_));
  }

  std::vector<element> children(const char* name) const {
    std::vector<element> result;
    for (auto* each = xmlFirstElementChild(node_); each != nullptr; each = xmlNextElementSibling(each))
      if (element{each}.is(name))
        result.emplace_back(each);
    return result;
  }

private:
  static std::string take(xmlChar* owned) {
    std::unique_ptr<xmlChar, void (*)(void*)> holder{owned, [](void* x) { xmlFree(x); }};
    return owned == nullptr ? std::string{} : std::string{reinterpret_cast<char*>(owned)};
  }

  xmlNode* node_;
};

/// ISO 8601, such as P1DT2H3M4.5S, in seconds; NaN if it is none.
double parse_duration(string_view text) {
  if (!text.starts_with('P'))
    return unstated;
  text.remove_prefix(1);
  double sum = 0;
  while (!text.empty()) {
    if (text.front() == 'T') {
      text.remove_prefix(1);
      continue;
    }
    auto unit = text.find_first_not_of("0123456789.");
    auto value = parse_number<double>(text);
    if (unit == string_view::npos || !value)
      return unstated;
    switch (text[unit]) {
    case 'D':
      sum += *value * 86'400;
      break;
    case 'H':
      sum += *value * 3'600;
      break;
    case 'M':
      sum += *value * 60;
      break;
    case 'S':
      sum += *value;
      break;
    default:
      return unstated;
    }
    text.remove_prefix(unit + 1);
  }
  return sum;
}

/// Attributes of SegmentTemplate; the innermost wins.
using inherited = std::map<std::string, std::string>;

void inherit_template(const element& from, inherited& to, std::optional<element>& timeline) {
  for (auto& each : from.children("SegmentTemplate")) {
    for (auto* name : {"timescale", "presentationTimeOffset", "startNumber", "duration", "media", "initialization",
                       "availabilityTimeOffset", "availabilityTimeComplete"})
      if (auto value = each.text(name); !value.empty())
        to[name] = value;
    for (auto& inner : each.children("SegmentTimeline"))
      timeline = inner;
  }
}

std::string base_of(const element& from, const std::string& outer) {
  auto all = from.children("BaseURL");
  return all.empty() ? outer : resolve(outer, all.front().content());
}

void read_timeline(const element& from, mpd_representation& to) {
  uint64_t time = 0;
  auto number = to.start_number;
  for (auto& s : from.children("S")) {
    time = parse_number<uint64_t>(s.text("t")).value_or(time);
    auto duration = parse_number<uint64_t>(s.text("d")).value_or(0);
    auto repeats = std::max<int64_t>(0, parse_number<int64_t>(s.text("r")).value_or(0));
    for (int64_t i = 0; i <= repeats && to.timeline.size() < segments_max; ++i) {
      to.timeline.push_back({number++, time, duration});
      time += duration;
    }
  }
}

mpd_representation read_representation(const element& x, const element& set, const inherited& with,
                                       const std::optional<element>& timeline) {
  mpd_representation result;
  auto own_or_of_set = [&](const char* name) {
    auto own = x.text(name);
    return own.empty() ? set.text(name) : own;
  };
  auto text = [&](const char* name) {
    auto at = with.find(name);
    return at == with.end() ? std::string{} : at->second;
  };
  auto number = [&](const char* name, uint64_t otherwise) {
    return parse_number<uint64_t>(text(name)).value_or(otherwise);
  };
  result.id = x.text("id");
  result.set = set.text("id").empty() ? set.text("contentType") + set.text("lang") : set.text("id");
  result.codecs = own_or_of_set("codecs");
  result.mime_type = own_or_of_set("mimeType");
  result.bandwidth = parse_number<uint64_t>(x.text("bandwidth")).value_or(0);
  result.initialization = text("initialization");
  result.media = text("media");
  result.timescale = std::max<uint64_t>(1, number("timescale", 1));
  result.offset = number("presentationTimeOffset", 0);
  result.start_number = number("startNumber", 1);
  if (auto early = text("availabilityTimeOffset"); !early.empty())
    result.available_early_s =
      early == "INF" ? std::numeric_limits<double>::infinity() : parse_number<double>(early).value_or(unstated);
  if (auto complete = text("availabilityTimeComplete"); !complete.empty())
    result.available_complete = complete != "false" && complete != "0";
  if (timeline)
    read_timeline(*timeline, result);
  else
    result.duration = number("duration", 0);
  return result;
}

void read_period(const element& from, const std::string& base, mpd& to) {
  auto start = parse_duration(from.text("start"));
  to.periods.push_back({from.text("id"), std::isnan(start) ? 0 : start});
  inherited of_period;
  std::optional<element> timeline_of_period;
  inherit_template(from, of_period, timeline_of_period);
  for (auto& set : from.children("AdaptationSet")) {
    auto of_set = of_period;
    auto timeline_of_set = timeline_of_period;
    inherit_template(set, of_set, timeline_of_set);
    for (auto& each : set.children("Representation")) {
      auto with = of_set;
      auto timeline = timeline_of_set;
      inherit_template(each, with, timeline);
      auto read = read_representation(each, set, with, timeline);
      read.base = base_of(each, base_of(set, base_of(from, base)));
      read.period = to.periods.size() - 1;
      to.representations.push_back(std::move(read));
    }
  }
}

/// Replaces $Name$ and $Name%0Nd$.
std::string fill(string_view pattern, const mpd_representation& of, const mpd_segment* at) {
  std::string result;
  while (!pattern.empty()) {
    auto from = pattern.find('$');
    result += pattern.substr(0, from);
    auto to = from == string_view::npos ? from : pattern.find('$', from + 1);
    if (to == string_view::npos)
      break;
    auto token = pattern.substr(from + 1, to - from - 1);
    pattern.remove_prefix(to + 1);
    auto percent = token.find("%0");
    auto name = token.substr(0, percent);
    auto width = percent == string_view::npos ? 1 : parse_number<int>(token.substr(percent + 2)).value_or(1);
    std::optional<uint64_t> value;
    if (name == "RepresentationID")
      result += of.id;
    else if (token.empty())
      result += '$';
    else if (name == "Bandwidth")
      value = of.bandwidth;
    else if (name == "Number" && at != nullptr)
      value = at->number;
    else if (name == "Time" && at != nullptr)
      value = at->time;
    if (value) {
      auto digits = std::to_string(*value);
      result +=
        std::string(static_cast<size_t>(std::clamp(width - static_cast<int>(digits.size()), 0, 32)), '0') + digits;
    }
  }
  return result;
}

} // namespace

double mpd_representation::segment_s() const {
  auto ticks = timeline.empty() ? duration : timeline.back().duration;
  return static_cast<double>(ticks) / static_cast<double>(timescale);
}

std::string mpd_representation::init_url() const {
  return initialization.empty() ? std::string{} : resolve(base, fill(initialization, *this, nullptr));
}

std::string mpd_representation::url_of(const mpd_segment& x) const {
  return resolve(base, fill(media, *this, &x));
}

mpd parse_mpd(string_view text, string_view url) {
  mpd result;
  std::unique_ptr<xmlDoc, void (*)(xmlDoc*)> document{
    xmlReadMemory(text.data(), static_cast<int>(text.size()), nullptr, nullptr,
                  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING),
    xmlFreeDoc};
  auto* root = document ? xmlDocGetRootElement(document.get()) : nullptr;
  if (root == nullptr || !element{root}.is("MPD")) {
    result.faults.emplace_back("it is no XML with an MPD");
    return result;
  }
  element top{root};
  result.dynamic = top.text("type") == "dynamic";
  result.available_from_s = parse_date(top.text("availabilityStartTime"));
  result.published_s = parse_date(top.text("publishTime"));
  result.update_s = parse_duration(top.text("minimumUpdatePeriod"));
  result.buffer_s = parse_duration(top.text("minBufferTime"));
  result.depth_s = parse_duration(top.text("timeShiftBufferDepth"));
  result.profiles = top.text("profiles");
  for (auto& each : top.children("UTCTiming"))
    result.clocks.push_back({each.text("schemeIdUri"), each.text("value")});
  for (auto& service : top.children("ServiceDescription"))
    for (auto& latency : service.children("Latency"))
      result.latency_s = parse_number<double>(latency.text("target")).value_or(unstated) / 1000;
  auto base = base_of(top, std::string{url});
  for (auto& period : top.children("Period"))
    read_period(period, base, result);
  if (result.representations.empty())
    result.faults.emplace_back("it has no Representation");
  return result;
}

std::vector<mpd_segment> available(const mpd& of, const mpd_representation& x, double now_s) {
  std::vector<mpd_segment> result;
  auto scale = static_cast<double>(x.timescale);
  auto start = of.available_from_s + of.periods[x.period].start_s;
  auto early = std::clamp(x.available_early_s.value_or(0), 0.0, x.segment_s());
  for (auto& each : x.timeline) {
    auto end =
      start
      + (static_cast<double>(each.time) + static_cast<double>(each.duration) - static_cast<double>(x.offset)) / scale;
    if (!of.dynamic || end - early <= now_s)
      result.push_back(each);
  }
  if (!x.timeline.empty() || x.duration == 0 || !of.dynamic || std::isnan(start))
    return result;
  auto count = std::floor((now_s - start + early) / x.segment_s());
  constexpr double numbers_max = 1e15; // above it, a double does not count by ones
  if (!(count < numbers_max))
    return result;
  auto oldest = std::isnan(of.depth_s) ? 0.0 : std::ceil((now_s - start - of.depth_s) / x.segment_s());
  for (auto i = std::max({0.0, oldest, count - 3}); i < count; ++i) {
    auto index = static_cast<uint64_t>(i);
    result.push_back({x.start_number + index, x.offset + index * x.duration, x.duration});
  }
  return result;
}

} // namespace troupe::bench::delivery

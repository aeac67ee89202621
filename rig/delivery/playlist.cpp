#include "rig/delivery/playlist.hpp"

#include "rig/delivery/observation.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::bench::delivery {

namespace {

using std::string_view;

constexpr auto none = std::numeric_limits<double>::quiet_NaN();

template <class T>
bool read(string_view text, T& to) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc{} && end != text.data();
}

string_view trimmed(string_view x) {
  while (!x.empty() && (x.back() == ' ' || x.back() == '\r'))
    x.remove_suffix(1);
  return x;
}

/// "BYTES[@FROM]"; without FROM it follows the range before it.
std::optional<byte_range> parse_range(string_view text, uint64_t follows) {
  byte_range result{0, follows};
  if (!read(text, result.bytes) || result.bytes == 0)
    return std::nullopt;
  auto at = text.find('@');
  if (at != string_view::npos && !read(text.substr(at + 1), result.from))
    return std::nullopt;
  return result;
}

/// Calls `take` with each tag's name and value, and with an empty name for each URI.
template <class F>
void for_each_line(string_view text, F take) {
  while (!text.empty()) {
    auto end = text.find('\n');
    auto line = trimmed(text.substr(0, end));
    text.remove_prefix(end == string_view::npos ? text.size() : end + 1);
    if (line.starts_with("#EXT")) {
      auto colon = line.find(':');
      take(line.substr(1, colon == string_view::npos ? colon : colon - 1),
           colon == string_view::npos ? string_view{} : line.substr(colon + 1));
    } else if (!line.empty() && line.front() != '#') {
      take(string_view{}, line);
    }
  }
}

class media_parser {
public:
  media_playlist run(string_view text) {
    if (!text.starts_with("#EXTM3U"))
      result_.faults.emplace_back("it does not begin with #EXTM3U");
    for_each_line(text, [this](auto name, auto value) { name.empty() ? uri(value) : tag(name, value); });
    if (!open_.parts.empty())
      close();
    return std::move(result_);
  }

private:
  void fault(string_view name, string_view value) {
    result_.faults.push_back(std::string{name} + ":" + std::string{value.substr(0, 80)} + " cannot be read");
  }

  template <class T>
  void read_into(string_view name, string_view value, T& to) {
    if (!read(value, to))
      fault(name, value);
  }

  void tag(string_view name, string_view value) {
    if (!of_playlist(name, value) && !of_segment(name, value))
      of_low_latency(name, value);
  }

  bool of_playlist(string_view name, string_view value) {
    if (name == "EXT-X-VERSION")
      read_into(name, value, result_.version);
    else if (name == "EXT-X-TARGETDURATION")
      read_into(name, value, result_.target_s);
    else if (name == "EXT-X-MEDIA-SEQUENCE")
      read_into(name, value, result_.first_number);
    else if (name == "EXT-X-DISCONTINUITY-SEQUENCE")
      read_into(name, value, result_.first_discontinuity);
    else if (name == "EXT-X-ENDLIST")
      result_.end = true;
    else if (name == "EXT-X-I-FRAMES-ONLY")
      result_.i_frames_only = true;
    else if (name == "EXT-X-DATERANGE")
      result_.date_ranges.emplace_back(value);
    else
      return false;
    return true;
  }

  bool of_segment(string_view name, string_view value) {
    if (name == "EXTINF") {
      open_.duration_s.emplace();
      read_into(name, value, *open_.duration_s);
      return true;
    }
    if (name == "EXT-X-GAP") {
      open_.gap = true;
      return true;
    }
    if (name == "EXT-X-BYTERANGE") {
      open_.at.range = parse_range(value, range_end_);
      return true;
    }
    if (name == "EXT-X-DISCONTINUITY") {
      open_.discontinuity = true;
    } else if (name == "EXT-X-PROGRAM-DATE-TIME") {
      open_.own_date_s = parse_date(value);
      if (std::isnan(open_.own_date_s))
        fault(name, value);
    } else if (name == "EXT-X-MAP") {
      attributes with{value};
      map_ = {std::string{with.text("URI")}, parse_range(with.text("BYTERANGE"), 0)};
      result_.has_map = true;
    } else {
      return false;
    }
    open_.tag_after_part = open_.tag_after_part || !open_.parts.empty();
    return true;
  }

  void of_low_latency(string_view name, string_view value) {
    attributes with{value};
    if (name == "EXT-X-PART-INF") {
      result_.part_target_s = with.number("PART-TARGET");
    } else if (name == "EXT-X-SERVER-CONTROL") {
      result_.server_control = with;
    } else if (name == "EXT-X-PART") {
      auto range = parse_range(with.text("BYTERANGE"), part_end_);
      part_end_ = range ? range->from + range->bytes : 0;
      open_.parts.push_back(
        {{std::string{with.text("URI")}, range}, with.number("DURATION"), with.yes("INDEPENDENT"), with.yes("GAP")});
      if (std::isnan(open_.parts.back().duration_s) || open_.parts.back().at.uri.empty())
        fault(name, value);
    } else if (name == "EXT-X-PRELOAD-HINT") {
      result_.hints.push_back({std::string{with.text("TYPE")}, std::string{with.text("URI")}});
    } else if (name == "EXT-X-RENDITION-REPORT") {
      rendition_report report{std::string{with.text("URI")}, 0, std::nullopt};
      read_into(name, with.text("LAST-MSN"), report.last_segment);
      if (with.has("LAST-PART"))
        read_into(name, with.text("LAST-PART"), report.last_part.emplace());
      result_.reports.push_back(std::move(report));
    } else if (name == "EXT-X-SKIP") {
      read_into(name, with.text("SKIPPED-SEGMENTS"), result_.skipped.emplace());
      result_.removed_date_ranges = with.has("RECENTLY-REMOVED-DATERANGES");
    }
  }

  void uri(string_view value) {
    open_.at.uri = value;
    if (open_.at.range)
      range_end_ = open_.at.range->from + open_.at.range->bytes;
    if (!open_.duration_s)
      result_.faults.push_back("no EXTINF before " + std::string{value});
    close();
  }

  void close() {
    auto first = result_.segments.empty();
    open_.number = first ? result_.first_number + result_.skipped.value_or(0) : result_.segments.back().number + 1;
    open_.discontinuities = first ? result_.first_discontinuity : result_.segments.back().discontinuities;
    // A DISCONTINUITY tag of the first listed segment counts too: DISCONTINUITY-SEQUENCE does not include that
    // segment's own tag.
    open_.discontinuities += open_.discontinuity ? 1 : 0;
    open_.map = map_;
    open_.date_s = open_.own_date_s;
    if (std::isnan(open_.date_s) && !first)
      open_.date_s = result_.segments.back().date_s + result_.segments.back().length_s();
    result_.segments.push_back(std::move(open_));
    open_ = {};
    part_end_ = 0;
  }

  media_playlist result_;
  media_segment open_;
  resource map_;
  uint64_t range_end_ = 0;
  uint64_t part_end_ = 0;
};

} // namespace

attributes::attributes(string_view list) {
  while (!list.empty()) {
    auto equals = list.find('=');
    if (equals == string_view::npos)
      return;
    std::string name{list.substr(0, equals)};
    name.erase(0, name.find_first_not_of(' '));
    list.remove_prefix(equals + 1);
    string_view value;
    if (list.starts_with('"')) {
      auto end = std::min(list.find('"', 1), list.size());
      value = list.substr(1, end - 1);
      list.remove_prefix(std::min(end + 1, list.size()));
    } else {
      value = list.substr(0, list.find(','));
      list.remove_prefix(value.size());
    }
    values_.insert_or_assign(std::move(name), std::string{value});
    if (list.starts_with(','))
      list.remove_prefix(1);
  }
}

bool attributes::has(string_view name) const {
  return values_.find(name) != values_.end();
}

string_view attributes::text(string_view name) const {
  auto at = values_.find(name);
  return at == values_.end() ? string_view{} : string_view{at->second};
}

double attributes::number(string_view name) const {
  double result = none;
  return read(text(name), result) ? result : none;
}

bool attributes::yes(string_view name) const {
  return text(name) == "YES";
}

double media_segment::length_s() const {
  if (duration_s)
    return *duration_s;
  double sum = 0;
  for (auto& part : parts)
    sum += part.duration_s;
  return sum;
}

double media_playlist::length_s() const {
  double sum = 0;
  for (auto& segment : segments)
    sum += segment.length_s();
  return sum;
}

const media_segment* media_playlist::last_whole() const {
  for (auto at = segments.rbegin(); at != segments.rend(); ++at)
    if (at->duration_s)
      return &*at;
  return nullptr;
}

std::pair<uint64_t, uint64_t> media_playlist::next() const {
  if (segments.empty())
    return {first_number + skipped.value_or(0), 0};
  auto& last = segments.back();
  return last.duration_s ? std::pair{last.number + 1, uint64_t{0}} : std::pair{last.number, last.parts.size()};
}

bool is_multivariant(string_view text) {
  return text.find("#EXT-X-STREAM-INF") != string_view::npos;
}

multivariant_playlist parse_multivariant(string_view text) {
  multivariant_playlist result;
  bool wants_uri = false;
  if (!text.starts_with("#EXTM3U"))
    result.faults.emplace_back("it does not begin with #EXTM3U");
  for_each_line(text, [&](auto name, auto value) {
    if (name == "EXT-X-VERSION") {
      read(value, result.version);
    } else if (name == "EXT-X-INDEPENDENT-SEGMENTS") {
      result.independent_segments = true;
    } else if (name == "EXT-X-STREAM-INF") {
      result.variants.push_back({attributes{value}, {}});
      wants_uri = true;
    } else if (name == "EXT-X-I-FRAME-STREAM-INF") {
      attributes with{value};
      result.i_frames.push_back({with, std::string{with.text("URI")}});
    } else if (name == "EXT-X-MEDIA") {
      result.media.emplace_back(value);
    } else if (name.empty() && wants_uri) {
      result.variants.back().uri = value;
      wants_uri = false;
    }
  });
  return result;
}

media_playlist parse_media_playlist(string_view text) {
  return media_parser{}.run(text);
}

std::optional<media_playlist> merge(media_playlist delta, const media_playlist& before) {
  auto until = delta.first_number + delta.skipped.value_or(0);
  std::vector<media_segment> segments;
  for (auto& segment : before.segments)
    if (segment.number >= delta.first_number && segment.number < until && segment.duration_s)
      segments.push_back(segment);
  if (segments.size() != delta.skipped.value_or(0))
    return std::nullopt;
  if (!segments.empty() && !delta.segments.empty()) {
    // The segments after the skipped ones inherit from them: discontinuities, the date, the init segment.
    auto shift = segments.back().discontinuities - delta.first_discontinuity;
    auto date = segments.back().date_s + segments.back().length_s();
    auto same_map = true;
    for (auto& segment : delta.segments) {
      segment.discontinuities += shift;
      same_map = same_map && segment.map.uri.empty();
      if (same_map)
        segment.map = segments.back().map;
      date = std::isnan(segment.own_date_s) ? date : segment.own_date_s;
      segment.date_s = date;
      date += segment.length_s();
    }
  }
  segments.insert(segments.end(), delta.segments.begin(), delta.segments.end());
  delta.segments = std::move(segments);
  delta.skipped.reset();
  return delta;
}

} // namespace troupe::bench::delivery

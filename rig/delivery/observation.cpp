#include "rig/delivery/observation.hpp"

#include <boost/url.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>

namespace troupe::bench::delivery {

namespace {

using std::string_view;

/// The value of `max-age`; nothing if the header has none. `no-cache` and `no-store` are 0.
std::optional<double> max_age(string_view header) {
  if (header.find("no-store") != string_view::npos || header.find("no-cache") != string_view::npos)
    return 0;
  auto at = header.find("max-age=");
  if (at == string_view::npos)
    return std::nullopt;
  double result = 0;
  auto value = header.substr(at + 8);
  std::from_chars(value.data(), value.data() + value.size(), result);
  return result;
}

bool is_type_of(string_view type, content what) {
  auto semicolon = type.substr(0, type.find(';'));
  auto is_one_of = [&](std::initializer_list<string_view> all) {
    return std::find(all.begin(), all.end(), semicolon) != all.end();
  };
  switch (what) {
  case content::playlist:
  case content::blocking_playlist:
    return is_one_of({"application/vnd.apple.mpegurl", "audio/mpegurl"});
  case content::manifest:
    return is_one_of({"application/dash+xml"});
  case content::init:
    return is_one_of({"video/mp4", "audio/mp4"});
  case content::media:
    return is_one_of({"video/mp4", "audio/mp4", "video/iso.segment", "video/mp2t", "audio/aac"});
  case content::subtitles:
    return is_one_of({"text/vtt", "video/mp4", "application/mp4", "video/iso.segment"});
  }
  return false;
}

void check_caching(verdict& to, string_view place, const observation& seen, content what, double target) {
  auto age = max_age(seen.header("cache-control"));
  auto text = "Cache-Control: " + std::string{seen.header("cache-control")};
  auto media = what == content::media || what == content::init || what == content::subtitles;
  auto good = seen.status == 200 || seen.status == 206;
  if (good && media) {
    if (!age || *age < 6 * target)
      to.add("hls-9.7", place, text);
    return;
  }
  auto blocking = what == content::blocking_playlist;
  auto limit = good ? (blocking ? 6 * target : std::max(1.0, target / 2)) : (blocking ? 4 * target : 1.0);
  // A failure without a caching header passes, because caches hardly ever keep it.
  if (age.value_or(good ? limit + 1 : 0) > limit)
    to.add("hls-9.6", place, text + " of " + std::to_string(seen.status));
}

} // namespace

void check_http(verdict& to, string_view place, const observation& seen, content what, seconds target,
                bool low_latency) {
  if (seen.status == 0)
    return;
  auto origin = seen.header("access-control-allow-origin");
  if (origin.empty())
    to.add("hls-9.8", place, "no Access-Control-Allow-Origin at " + seen.url);
  if (target.count() > 0)
    check_caching(to, place, seen, what, target.count());
  if (seen.status != 200 && seen.status != 206)
    return;
  auto type = seen.header("content-type");
  auto list = what == content::playlist || what == content::blocking_playlist;
  if (!is_type_of(type, what))
    to.add(what == content::manifest ? "dash-12" : (list ? "hls-13.3" : "hls-13.4"), place,
           "type \"" + std::string{type} + "\" of " + name_of(seen.url));
  if ((list || what == content::manifest) && seen.header("content-encoding") != "gzip")
    to.add("hls-9.4", place, name_of(seen.url) + " is not compressed");
  if (!list && what != content::manifest && seen.redirected)
    to.add("hls-11.11", place, name_of(seen.url) + " is redirected");
  if (low_latency && seen.url.starts_with("https:") && seen.http_version < 2)
    to.add("hls-9.5", place, "HTTP/1 at " + seen.url);
}

std::string resolve(string_view base, string_view reference) {
  auto from = boost::urls::parse_uri(base);
  auto to = boost::urls::parse_uri_reference(reference);
  boost::urls::url result;
  if (!from || !to || !boost::urls::resolve(*from, *to, result))
    return {};
  return std::string{result.buffer()};
}

std::string without_query(string_view url) {
  return std::string{url.substr(0, url.find('?'))};
}

std::string name_of(string_view url) {
  url = url.substr(0, url.find('?'));
  auto slash = url.rfind('/');
  return std::string{slash == string_view::npos ? url : url.substr(slash + 1)};
}

double parse_date(string_view text) {
  std::tm at{};
  double second = 0;
  int consumed = 0;
  std::string copy{text};
  constexpr auto none = std::numeric_limits<double>::quiet_NaN();
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf%n", &at.tm_year, &at.tm_mon, &at.tm_mday, &at.tm_hour,
                  &at.tm_min, &second, &consumed)
      != 6)
    return none;
  at.tm_year -= 1900;
  at.tm_mon -= 1;
  auto result = static_cast<double>(timegm(&at)) + second;
  auto zone = text.substr(static_cast<size_t>(consumed));
  if (zone == "Z")
    return result;
  int hours = 0;
  int minutes = 0;
  std::string zone_copy{zone.empty() ? zone : zone.substr(1)};
  if (std::sscanf(zone_copy.c_str(), "%2d:%2d", &hours, &minutes) < 2
      && std::sscanf(zone_copy.c_str(), "%2d%2d", &hours, &minutes) < 1)
    return none;
  auto offset = hours * 3600 + minutes * 60;
  return zone.front() == '-' ? result + offset : result - offset;
}

} // namespace troupe::bench::delivery

// What a player saw of a server in one exchange. The judges get nothing else: they have neither clock nor socket.
#pragma once

#include "rig/delivery/verdict.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace troupe::bench::delivery {

using seconds = std::chrono::duration<double>;

struct observation {
  std::string url;    ///< absolute, with query
  seconds asked{};    ///< when the request was sent, on the player's clock
  seconds began{};    ///< when the first byte of its body was there
  seconds answered{}; ///< when the whole answer was there
  int status = 0;     ///< 0: no answer
  int http_version = 1;
  bool redirected = false;
  std::map<std::string, std::string, std::less<>> headers; ///< names in lower case
  std::string body;                                        ///< without its content encoding
  std::string problem;                                     ///< why there was no answer

  std::string_view header(std::string_view name) const {
    auto at = headers.find(name);
    return at == headers.end() ? std::string_view{} : std::string_view{at->second};
  }
};

enum class content { playlist, blocking_playlist, manifest, init, media, subtitles };

/// Rules of HTTP that hold for each answer: type, CORS, gzip, caching, redirects, HTTP/2. If `target` is 0, caching is
/// not checked; HTTP/2 is demanded only if `low_latency` is set.
void check_http(verdict& to, std::string_view place, const observation& seen, content what, seconds target,
                bool low_latency);

/// `reference` as seen from `base`, as RFC 3986 resolves it; empty if either is malformed.
std::string resolve(std::string_view base, std::string_view reference);

/// The URL without its query.
std::string without_query(std::string_view url);

/// The last segment of the URL's path, without query: names a place for humans.
std::string name_of(std::string_view url);

/// ISO 8601 with a zone, in seconds since 1970; NaN if it is no such date.
double parse_date(std::string_view text);

} // namespace troupe::bench::delivery

#include "http/delivery_format.hpp"

#include "http/query.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace troupe::http {

namespace {

using format = delivery_format;

struct entry {
  std::string_view text;
  format means;
};

constexpr entry names[] = {{"ts", format::ts}, {"hls", format::hls}, {"ll-hls", format::hls}, {"dash", format::dash}};

constexpr entry media_types[] = {{"video/mp2t", format::ts},
                                 {"application/vnd.apple.mpegurl", format::hls},
                                 {"application/x-mpegurl", format::hls},
                                 {"audio/mpegurl", format::hls},
                                 {"audio/x-mpegurl", format::hls},
                                 {"application/dash+xml", format::dash}};

/// What a User-Agent contains, in lower case: set-top boxes, tuners, media servers, and players that zap faster so.
constexpr std::string_view players_of_ts[] = {"stbapp", "enigma2", "dreambox", "hdhomerun", "tvheadend",
                                              "plex",   "emby",    "jellyfin", "kodi",      "vlc",
                                              "mpv",    "lavf",    "gstreamer"};

/// The same for HLS; "mozilla/" is every browser and most televisions. Looked for after the others: set-top boxes call
/// themselves "Mozilla", too.
constexpr std::string_view players_of_hls[] = {"applecoremedia", "cfnetwork", "exoplayer",
                                               "media3",         "roku",      "mozilla/"};

/// No player says anything of use behind this many characters.
constexpr size_t agent_size_max = 512;

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

/// The text before the next `mark`, without blanks around it; takes it and the mark off `text`.
std::string_view next(std::string_view& text, char mark) {
  auto n = std::min(text.find(mark), text.size());
  auto result = text.substr(0, n);
  text.remove_prefix(std::min(n + 1, text.size()));
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!result.empty() && blank(result.front()))
    result.remove_prefix(1);
  while (!result.empty() && blank(result.back()))
    result.remove_suffix(1);
  return result;
}

/// The weight of a media type in thousandths (RFC 9110, 12.4.2); `parameters` are those behind its name.
int weight(std::string_view parameters) {
  while (!parameters.empty()) {
    auto x = next(parameters, ';');
    if (!x.starts_with("q="))
      continue;
    x.remove_prefix(2);
    if (!x.starts_with('0'))
      return 1000;
    auto digits = x.substr(std::min<size_t>(x.size(), 2), 3);
    auto result = to_number<int>(std::string{digits} + std::string(3 - digits.size(), '0'));
    return result && *result >= 0 ? *result : 0;
  }
  return 1000;
}

/// The format with the greatest weight; of several, the first.
std::optional<format> accepted(std::string_view field) {
  auto text = lower(field);
  std::string_view left{text};
  std::optional<format> result;
  auto best = 0;
  while (!left.empty()) {
    auto parameters = next(left, ',');
    auto type = next(parameters, ';');
    auto known = std::ranges::find(media_types, type, &entry::text);
    if (auto w = weight(parameters); known != std::end(media_types) && w > best) {
      best = w;
      result = known->means;
    }
  }
  return result;
}

} // namespace

std::string_view to_string(delivery_format x) noexcept {
  constexpr by_format<std::string_view> texts{"ts", "hls", "dash"};
  return texts[static_cast<size_t>(x)];
}

tl::expected<delivery_format, std::string> choose_format(std::string_view query, std::string_view accept,
                                                         std::string_view user_agent) {
  std::optional<format> asked;
  auto read =
    read_query(query, [&](const std::string& key, const std::string& value) -> tl::expected<void, std::string> {
      if (key != "format")
        return {};
      auto known = std::ranges::find(names, value, &entry::text);
      if (known == std::end(names))
        return tl::unexpected(std::string{"format is not accepted: allowed is ts, hls, ll-hls or dash"});
      asked = known->means;
      return {};
    });
  if (!read)
    return tl::unexpected(std::move(read.error()));
  if (asked)
    return *asked;
  if (auto wished = accepted(accept))
    return *wished;
  auto agent = lower(user_agent.substr(0, agent_size_max));
  auto named = [&agent](std::string_view part) { return agent.find(part) != std::string::npos; };
  if (std::ranges::none_of(players_of_ts, named) && std::ranges::any_of(players_of_hls, named))
    return format::hls;
  return format::ts;
}

} // namespace troupe::http

#include "rig/delivery/hls_player.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <thread>

namespace troupe::bench::delivery {

namespace {

constexpr seconds answer_limit{30}; ///< longer than any server should hold a request
constexpr uint64_t far = 1'000;
constexpr int failures_max = 3;
constexpr int expired_max = 3;
constexpr size_t renditions_max = 64;

std::string with_directives(const std::string& url, const reload& asked) {
  auto result = url;
  auto add = [&](const std::string& text) { result += (result.find('?') == std::string::npos ? '?' : '&') + text; };
  if (asked.segment)
    add("_HLS_msn=" + std::to_string(*asked.segment));
  if (asked.part)
    add("_HLS_part=" + std::to_string(*asked.part));
  if (asked.skip)
    add("_HLS_skip=YES");
  return result;
}

/// The URL with a much higher last number in its file name: that of a segment or part that never existed.
std::string elsewhere(std::string url) {
  url = without_query(url);
  auto dot = url.rfind('.');
  auto slash = url.rfind('/');
  auto end = dot == std::string::npos || dot < slash ? url.size() : dot;
  while (end > slash + 1 && std::isdigit(static_cast<unsigned char>(url[end - 1])) == 0)
    --end;
  auto from = end;
  while (from > slash + 1 && std::isdigit(static_cast<unsigned char>(url[from - 1])) != 0)
    --from;
  if (from == end)
    return url.insert(slash + 1, "no-such-");
  return url.insert(from, "9999");
}

} // namespace

/// One rendition, on one thread.
struct hls_player::follower {
  hls_player& player;
  std::string url;
  web_client client{player.clock_};
  std::set<std::pair<uint64_t, size_t>> parts = {};
  std::set<uint64_t> segments = {};
  std::optional<uint64_t> first = std::nullopt; ///< media before this one are not loaded
  resource map = {};
  int rounds = 0;
  int expired_parts = 0;
  int expired_segments = 0;

  void run() {
    reload asked;
    std::optional<media_playlist> before;
    for (int failures = 0; failures < failures_max && !player.over(); ++rounds) {
      auto seen = client.get(with_directives(url, asked), answer_limit);
      auto now = player.judge([&](hls_judge& judge) {
        judge.playlist(url, seen, asked);
        ++player.counts_.playlists;
        auto* latest = judge.latest(url);
        return latest == nullptr ? std::nullopt : std::optional{*latest};
      });
      if (seen.status != 200 || !now) {
        ++failures;
        asked = {};
        player.wait(seconds{1});
        continue;
      }
      failures = 0;
      load(*now);
      if (before)
        load_expired(*before, *now);
      if (now->end)
        return;
      asked = next_reload(*now);
      if (before && before->next() == now->next() && asked.segment)
        player.wait(seconds{0.2}); // the server does not block
      if (!asked.segment)
        player.wait(seconds{std::max(0.2, now->target_s / 2)});
      else if (rounds % 2 == 1)
        load_hint(*now);
      before = std::move(now);
    }
  }

  reload next_reload(const media_playlist& x) const {
    if (!x.server_control || !x.server_control->yes("CAN-BLOCK-RELOAD"))
      return {};
    auto [segment, part] = x.next();
    reload result{segment, std::nullopt, x.server_control->has("CAN-SKIP-UNTIL") && rounds % 3 == 2};
    if (!x.low_latency() || rounds % 10 == 9)
      return result;
    result.part = part;
    auto* last = x.last_whole();
    if (part == 0 && last != nullptr && !last->parts.empty() && rounds % 2 == 0)
      result.segment = last->number, result.part = last->parts.size(); // the same part, as one past this segment
    return result;
  }

  observation get(const resource& what) {
    auto seen = client.get(resolve(url, what.uri), answer_limit, what.range);
    std::lock_guard lock{player.mutex_};
    player.counts_.media_bytes += seen.body.size();
    return seen;
  }

  void load(const media_playlist& x) {
    if (!first) {
      auto whole = x.segments.size() > 3 && !x.end ? x.segments[x.segments.size() - 3].number : x.first_number;
      first = whole;
    }
    for (auto& segment : x.segments) {
      if (player.over())
        return;
      if (segment.number >= *first)
        load(segment);
    }
  }

  void load(const media_segment& x) {
    if (!x.map.uri.empty() && !(x.map == map)) {
      auto seen = get(x.map);
      map = x.map;
      player.judge([&](hls_judge& judge) { judge.init(url, seen); });
    }
    for (size_t i = 0; i < x.parts.size(); ++i) {
      if (x.parts[i].gap || !parts.emplace(x.number, i).second)
        continue;
      auto seen = get(x.parts[i].at);
      player.judge([&](hls_judge& judge) {
        judge.part(url, x, i, seen);
        ++player.counts_.parts;
      });
    }
    if (!x.duration_s || x.gap || !segments.insert(x.number).second)
      return;
    auto seen = get(x.at);
    player.judge([&](hls_judge& judge) {
      judge.segment(url, x, seen);
      ++player.counts_.segments;
    });
  }

  void load_hint(const media_playlist& x) {
    for (auto& hint : x.hints) {
      if (hint.type != "PART" || (!x.segments.empty() && x.segments.back().at.range))
        continue;
      auto seen = get({hint.uri, std::nullopt});
      player.judge([&](hls_judge& judge) { judge.hinted(url, seen); });
    }
  }

  /// Loads segments and parts that have just left the playlist.
  void load_expired(const media_playlist& before, const media_playlist& now) {
    for (auto& segment : before.segments) {
      if (segment.number < now.first_number && segment.duration_s && !segment.gap && expired_segments < expired_max) {
        ++expired_segments;
        auto seen = get(segment.at);
        player.judge([&](hls_judge& judge) { judge.probed(probe::expired_segment, url, seen); });
      }
      auto after =
        std::find_if(now.segments.begin(), now.segments.end(), [&](auto& x) { return x.number == segment.number; });
      if (!segment.parts.empty() && after != now.segments.end() && after->parts.empty()
          && expired_parts < expired_max) {
        ++expired_parts;
        auto seen = get(segment.parts.back().at);
        player.judge([&](hls_judge& judge) { judge.probed(probe::expired_part, url, seen); });
      }
    }
  }
};

void hls_player::wait(seconds time) const {
  std::this_thread::sleep_for(std::clamp(options_.duration - clock_.now(), seconds{0}, time));
}

void hls_player::probe_requests(const std::string& rendition) {
  web_client client{clock_};
  auto latest = judge([&](hls_judge& x) {
    auto* now = x.latest(rendition);
    return now == nullptr ? std::nullopt : std::optional{*now};
  });
  if (!latest)
    return;
  auto ask = [&](probe what, const std::string& url) {
    auto seen = client.get(url, answer_limit);
    judge([&](hls_judge& x) { x.probed(what, rendition, seen); });
  };
  auto* last = latest->last_whole();
  if (last != nullptr && !last->at.range)
    ask(probe::unknown_media, elsewhere(resolve(rendition, last->at.uri)));
  if (latest->end || !latest->server_control || !latest->server_control->yes("CAN-BLOCK-RELOAD"))
    return;
  auto [segment, part] = latest->next();
  auto directives = [&](const reload& asked) { return with_directives(rendition, asked); };
  ask(probe::far_segment, directives({segment + far, std::nullopt, false}));
  if (last != nullptr)
    ask(probe::old_segment, directives({last->number, std::nullopt, false}));
  if (!latest->low_latency())
    return;
  ask(probe::part_alone, directives({std::nullopt, 0, false}));
  ask(probe::far_part, directives({segment, part + far, false}));
  for (auto& hint : latest->hints)
    if (hint.type == "PART")
      ask(probe::unknown_part, elsewhere(resolve(rendition, hint.uri)));
}

void hls_player::run(watch_result& to) {
  web_client client{clock_};
  auto seen = client.get(options_.url, answer_limit);
  std::vector<std::string> renditions;
  if (seen.status == 200 && !is_multivariant(seen.body)) {
    renditions.push_back(seen.url);
  } else {
    judge_.multivariant(seen);
    renditions = judge_.renditions();
    for (auto& url : judge_.i_frame_playlists())
      judge_.i_frames(client.get(url, answer_limit));
  }
  renditions.resize(std::min(renditions.size(), renditions_max));
  {
    std::vector<std::jthread> threads;
    threads.reserve(renditions.size());
    for (auto& url : renditions)
      threads.emplace_back([this, url] { follower{*this, url}.run(); });
    // Probes in the middle of the run, when the followers have playlists.
    wait(std::min(options_.duration / 2, seconds{4}));
    if (!renditions.empty())
      probe_requests(renditions.front());
  }
  judge_.finish();
  to.renditions += renditions.size();
  to.playlists += counts_.playlists;
  to.parts += counts_.parts;
  to.segments += counts_.segments;
  to.media_bytes += counts_.media_bytes;
}

} // namespace troupe::bench::delivery

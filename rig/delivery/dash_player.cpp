#include "rig/delivery/dash_player.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <thread>

namespace troupe::bench::delivery {

namespace {

constexpr seconds segment_limit{30};
constexpr seconds poll_interval{0.1};
/// How much this machine's clock may be ahead of the server's.
constexpr double clock_margin_s = 0.05;
constexpr size_t representations_max = 64;
/// So many segments are loaded a second time.
constexpr int repeated_max = 3;

double wall_now() {
  return seconds{std::chrono::system_clock::now().time_since_epoch()}.count();
}

} // namespace

void dash_player::follow(const std::string& id) {
  web_client client{clock_};
  std::set<uint64_t> loaded;
  std::string init;
  auto repeated = 0;
  while (!over()) {
    auto now = judge([](dash_judge& x) { return *x.latest(); });
    auto of = std::find_if(now.representations.begin(), now.representations.end(), [&](auto& x) { return x.id == id; });
    if (of == now.representations.end())
      return;
    if (auto url = of->init_url(); url != init && !url.empty()) {
      auto seen = client.get(url, segment_limit);
      judge([&](dash_judge& x) { x.init(*of, seen); });
      init = url;
    }
    auto found = false;
    for (auto& segment : available(now, *of, wall_now() - clock_margin_s)) {
      if (over() || !loaded.insert(segment.time).second)
        continue;
      found = true;
      auto seen = client.get(of->url_of(segment), segment_limit);
      judge([&](dash_judge& x) {
        x.segment(*of, segment, seen);
        ++counts_.segments;
        counts_.media_bytes += seen.body.size();
      });
      if (!dash_judge::was_open(*of, seen) || repeated++ >= repeated_max)
        continue;
      auto later = client.get(of->url_of(segment), segment_limit);
      judge([&](dash_judge& x) { x.again(*of, segment, seen, later); });
    }
    if (!found && !now.dynamic)
      return;
    if (!found)
      std::this_thread::sleep_for(poll_interval);
  }
}

void dash_player::load_manifests(web_client& client, const mpd& first) {
  for (auto& clock : first.clocks) {
    if (clock.scheme.find("http") == std::string::npos)
      continue;
    auto seen = client.get(resolve(options_.url, clock.value), segment_limit);
    judge([&](dash_judge& x) { x.clock(clock, seen); });
  }
  auto dynamic = first.dynamic;
  auto interval = seconds{std::isnan(first.update_s) ? 2.0 : std::clamp(first.update_s, 0.5, 5.0)};
  while (dynamic && !over()) {
    std::this_thread::sleep_for(std::clamp(options_.duration - clock_.now(), seconds{0}, interval));
    auto seen = client.get(options_.url, segment_limit);
    dynamic = judge([&](dash_judge& x) {
      x.manifest(seen);
      ++counts_.playlists;
      return x.latest()->dynamic;
    });
  }
}

void dash_player::run(watch_result& to) {
  web_client client{clock_};
  auto seen = client.get(options_.url, segment_limit);
  options_.url = seen.url;
  judge_.manifest(seen);
  ++counts_.playlists;
  if (judge_.latest() != nullptr) {
    auto first = *judge_.latest();
    auto count = std::min(first.representations.size(), representations_max);
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < count; ++i)
      threads.emplace_back([this, id = first.representations[i].id] { follow(id); });
    load_manifests(client, first);
    threads.clear();
    to.renditions += count;
  }
  to.playlists += counts_.playlists;
  to.segments += counts_.segments;
  to.media_bytes += counts_.media_bytes;
}

} // namespace troupe::bench::delivery

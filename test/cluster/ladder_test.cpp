// Goal: the renditions of a ladder are one channel to a player: cut at the same pictures, each picture once, also while
// transcoders are killed. It is decoded as few times as the workers have room for.
// Method: four small renditions and their sound on three workers; tasks are killed while players of plain libavformat
// read every rendition. Their pictures carry numbers. All segments that the playlists name in that time are compared,
// and the manifest. Two tasks are killed; with TROUPE_LONG=1 five within ten minutes. The same on one worker, which
// makes all of them in one task, and on workers with one slot each. MPEG-TS is read in the same way.
#include "rig/delivery/mpd.hpp"
#include "rig/delivery/playlist.hpp"
#include "rig/viewer.hpp"
#include "test/cluster/media.hpp"
#include "test/support/cluster.hpp"
#include "test/support/environment.hpp"

#include <boost/test/unit_test.hpp>

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <map>
#include <set>
#include <tuple>
#include <vector>

using namespace troupe::test;
namespace bench = troupe::bench;
namespace delivery = troupe::bench::delivery;

BOOST_AUTO_TEST_SUITE(ladder_test)

namespace {

const std::string ladder_text = R"(  high:
    video: {codec: libx264, preset: ultrafast, width: 320, bit_rate: 400k, keyframe_interval: 1s}
    audio: {codec: aac, bit_rate: 96k}
  middle:
    video: {codec: libx264, preset: ultrafast, width: 240, bit_rate: 250k, keyframe_interval: 1s}
  low:
    video: {codec: libx264, preset: ultrafast, width: 160, bit_rate: 120k, keyframe_interval: 1s}
  least:
    video: {codec: libx264, preset: ultrafast, width: 128, bit_rate: 80k, keyframe_interval: 1s}
ladders:
  main: [high, middle, low, least]
)";

constexpr size_t videos = 4;
const std::vector<std::string> renditions{"main/high", "main/middle", "main/low", "main/least", "main/sound"};

milliseconds watching_time() {
  return is_long() ? milliseconds{600'000} : scaled(milliseconds{14'000});
}

/// The renditions whose tasks are killed, one after the other.
std::vector<std::string> victims() {
  if (is_long())
    return {"main/middle", "main/high", "main/low", "main/least", "main/middle"};
  return {"main/middle", "main/high"};
}

bench::viewing watch(const std::string& url, milliseconds duration) {
  bench::viewer_options options;
  options.url = url;
  options.duration = duration;
  options.connect_timeout = scaled(milliseconds{15'000});
  options.stall_timeout = scaled(milliseconds{8'000});
  options.loop_frames = small_sample_frames();
  return bench::watch(options);
}

/// The pid of the task that makes a rendition.
pid_t task_of(const cluster& c, const std::string& rendition) {
  auto task = text(c.variant("demo", rendition), "task");
  for (auto& worker : {"w1", "w2", "w3"})
    for (auto& x : list(c.daemon(worker), "tasks"))
      if (text(x.get_object(), "task") == task)
        return static_cast<pid_t>(count(object(x.get_object(), "process"), "pid"));
  return 0;
}

/// The tasks of the channel's renditions.
std::set<std::string> tasks_of_ladder(const cluster& c) {
  std::set<std::string> result;
  for (auto& x : list(c.session("demo"), "variants"))
    result.insert(text(x.get_object(), "task"));
  return result;
}

/// How many outputs each task of the worker makes.
std::vector<int64_t> outputs_of(const cluster& c, const std::string& worker) {
  std::vector<int64_t> result;
  for (auto& x : list(c.daemon(worker), "tasks"))
    if (text(x.get_object(), "kind") == "transcode")
      result.push_back(count(x.get_object(), "outputs"));
  return result;
}

/// Viewers of all renditions that playlists of the ladder name.
std::map<std::string, std::future<bench::viewing>> watch_all(const std::string& folder, const http_answer& entry,
                                                             milliseconds duration) {
  BOOST_REQUIRE_MESSAGE(entry.status == 200, entry.body);
  auto offered = delivery::parse_multivariant(entry.body);
  BOOST_REQUIRE(offered.variants.size() == videos);
  std::map<std::string, std::future<bench::viewing>> result;
  auto begin = [&](const std::string& uri) {
    result[uri] = std::async(std::launch::async, [=] { return watch(folder + uri, duration); });
  };
  for (auto& x : offered.variants)
    begin(x.uri);
  begin(std::string{offered.media.at(0).text("URI")});
  return result;
}

/// Each viewer saw each picture once, or heard all of the sound.
void check_all(std::map<std::string, std::future<bench::viewing>>& viewers, milliseconds duration) {
  for (auto& [uri, viewer] : viewers) {
    auto seen = viewer.get();
    auto sound = uri.find("sound") != std::string::npos;
    BOOST_TEST_CONTEXT(uri) {
      BOOST_TEST_MESSAGE(uri << ": " << seen.seen.frames.size() << " pictures, " << seen.seen.audio_samples
                             << " samples of sound");
      bench::expectations expected;
      expected.video = !sound;
      expected.audio = sound;
      for (auto& wrong : bench::problems(seen, expected))
        BOOST_ERROR(wrong);
      BOOST_TEST((sound || static_cast<int64_t>(seen.seen.frames.size()) > duration / milliseconds{70}));
    }
  }
}

void check_nothing_lost(const cluster& c) {
  for (auto& x : renditions) {
    BOOST_TEST(count(c.variant("demo", x), "frames_lost") == 0, x);
    BOOST_TEST(count(c.variant("demo", x), "sound_lost") == 0, x);
  }
}

void kill_task(const cluster& c, const std::string& rendition) {
  auto before = c.variant("demo", rendition);
  auto pid = task_of(c, rendition);
  BOOST_REQUIRE(pid > 0);
  ::kill(pid, SIGKILL);
  c.wait_until(rendition + " has another task", [&] {
    auto v = c.variant("demo", rendition);
    return count(v, "failovers") == count(before, "failovers") + 1 && text(v, "attempt") != text(before, "attempt");
  });
}

/// Begin and duration in seconds of each segment that a playlist named, by number.
using segments = std::map<uint64_t, std::pair<double, double>>;

/// Adds the segments of the playlist `text` to those that were `seen`, which they must not contradict.
void compare(segments& seen, const std::string& uri, const std::string& text) {
  for (auto& s : delivery::parse_media_playlist(text).segments)
    BOOST_TEST_CONTEXT(uri << ", segment " << s.number) {
      BOOST_TEST(!s.gap);
      BOOST_TEST(s.discontinuities == 0u);
      if (!s.duration_s)
        continue;
      auto [known, added] = seen.try_emplace(s.number, s.date_s, *s.duration_s);
      BOOST_TEST((added || known->second == std::pair(s.date_s, *s.duration_s)));
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(all_renditions_of_a_ladder_go_on_alike_while_transcoders_are_killed) {
  cluster c{{{{"demo", media("h264.ts")}}, {}, ladder_text}};
  c.start({"w1", "w2", "w3"}, 2);
  auto folder = "http://127.0.0.1:" + std::to_string(c.http_port()) + "/live/demo/main/";
  auto entry = c.get("/live/demo/main/index.m3u8", scaled(milliseconds{20'000}));
  BOOST_REQUIRE_MESSAGE(entry.status == 200, entry.body);
  auto offered = delivery::parse_multivariant(entry.body);
  BOOST_TEST(offered.faults.empty());
  BOOST_REQUIRE(offered.variants.size() == videos);
  BOOST_TEST(offered.i_frames.size() == videos);
  BOOST_REQUIRE(offered.media.size() == 1u);
  std::set<std::string> sizes;
  for (auto& x : offered.variants)
    sizes.emplace(x.with.text("RESOLUTION"));
  BOOST_TEST(sizes.size() == videos);
  // The videos share the tasks of two workers with two slots each. The sound is in one of these and takes no slot.
  BOOST_TEST(list(c.session("demo"), "variants").size() == videos + 1);
  BOOST_TEST(tasks_of_ladder(c).size() == 2u);
  auto duration = watching_time();
  auto viewers = watch_all(folder, entry, duration);
  segments cuts;
  auto until = [&](clock::time_point deadline) {
    for (; clock::now() < deadline; ::poll(nullptr, 0, 500))
      for (auto& x : offered.variants)
        compare(cuts, x.uri, c.get("/live/demo/main/" + x.uri).body);
  };
  auto tasks = victims();
  auto pause = duration / static_cast<int>(tasks.size() + 1);
  for (auto& x : tasks) {
    until(clock::now() + pause);
    kill_task(c, x);
  }
  until(clock::now() + pause);
  check_all(viewers, duration);
  for (auto& x : offered.variants)
    compare(cuts, x.uri, c.get("/live/demo/main/" + x.uri).body);
  BOOST_TEST(static_cast<int64_t>(cuts.size()) > duration / milliseconds{3'000});
  auto key = offered.variants[0].uri.substr(0, offered.variants[0].uri.find('/'));
  auto manifest = delivery::parse_mpd(c.get("/live/demo/main/" + key + ".mpd").body, folder);
  BOOST_REQUIRE(manifest.representations.size() == videos + 1);
  BOOST_TEST(manifest.periods.size() == 1u);
  std::set<std::string> sets;
  auto& first = manifest.representations.front();
  for (auto& x : manifest.representations) {
    sets.insert(x.set);
    BOOST_TEST(
      (std::tie(x.start_number, x.duration, x.offset) == std::tie(first.start_number, first.duration, first.offset)));
  }
  BOOST_TEST(sets.size() == 2u);
  check_nothing_lost(c);
}

BOOST_AUTO_TEST_CASE(a_worker_with_room_decodes_a_ladder_once_and_another_task_takes_over_all_of_it) {
  cluster c{{{{"demo", media("h264.ts")}}, {}, ladder_text}};
  c.start({"w1"}, videos);
  auto folder = "http://127.0.0.1:" + std::to_string(c.http_port()) + "/live/demo/main/";
  auto entry = c.get("/live/demo/main/index.m3u8", scaled(milliseconds{20'000}));
  auto duration = scaled(milliseconds{14'000});
  auto viewers = watch_all(folder, entry, duration);
  c.wait_until("one task makes all", [&] { return outputs_of(c, "w1") == std::vector<int64_t>{5}; });
  auto before = tasks_of_ladder(c);
  BOOST_TEST(before.size() == 1u);
  auto uri = viewers.begin()->first;
  auto at_first = delivery::parse_media_playlist(c.get("/live/demo/main/" + uri).body).next().first;
  c.wait_until("the players are under way", [&] {
    return delivery::parse_media_playlist(c.get("/live/demo/main/" + uri).body).next().first > at_first;
  });
  kill_task(c, "main/high");
  c.wait_until("another task makes all",
               [&] { return tasks_of_ladder(c).size() == 1u && outputs_of(c, "w1") == std::vector<int64_t>{5}; });
  BOOST_TEST((tasks_of_ladder(c) != before));
  check_all(viewers, duration);
  for (auto& x : renditions)
    BOOST_TEST(count(c.variant("demo", x), "failovers") == 1, x);
  check_nothing_lost(c);
}

BOOST_AUTO_TEST_CASE(a_ladder_is_spread_over_workers_with_one_slot_each) {
  cluster c{{{{"demo", media("h264.ts")}}, {}, ladder_text}};
  c.start({"w1", "w2", "w3", "w4"}, 1);
  auto entry = c.get("/live/demo/main/index.m3u8", scaled(milliseconds{20'000}));
  BOOST_REQUIRE_MESSAGE(entry.status == 200, entry.body);
  BOOST_TEST(tasks_of_ladder(c).size() == videos);
  c.wait_until("each worker makes one video, and one of them the sound", [&] {
    std::vector<int64_t> made;
    for (auto* worker : {"w1", "w2", "w3", "w4"})
      for (auto outputs : outputs_of(c, worker))
        made.push_back(outputs);
    std::ranges::sort(made);
    return made == std::vector<int64_t>{1, 1, 1, 2};
  });
}

BOOST_AUTO_TEST_CASE(a_ladder_in_mpeg_ts_has_the_sound_in_each_rendition) {
  cluster c{{{{"demo", media("h264.ts")}}, {}, ladder_text}};
  c.start({"w1"}, videos);
  auto folder = "http://127.0.0.1:" + std::to_string(c.http_port()) + "/live/demo/main/";
  auto entry = c.get("/live/demo/main/index.m3u8?container=ts", scaled(milliseconds{20'000}));
  BOOST_REQUIRE_MESSAGE(entry.status == 200, entry.body);
  auto offered = delivery::parse_multivariant(entry.body);
  BOOST_TEST(offered.faults.empty());
  BOOST_REQUIRE(offered.variants.size() == videos);
  BOOST_TEST(offered.media.empty());
  std::vector<std::future<bench::viewing>> viewers;
  for (auto& x : offered.variants)
    viewers.push_back(
      std::async(std::launch::async, [=] { return watch(folder + x.uri, scaled(milliseconds{10'000})); }));
  for (auto& viewer : viewers) {
    auto seen = viewer.get();
    bench::expectations expected;
    expected.video = expected.audio = true;
    for (auto& wrong : bench::problems(seen, expected))
      BOOST_ERROR(wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()

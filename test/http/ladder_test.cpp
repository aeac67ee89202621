// Goal: a player gets all renditions of a ladder at one address, also if some of them are late or fail, and its
// requests keep all of them running. Method: a server on a real socket; its coordinator is a dummy that gives out
// renditions which the test writes.
#include "client.hpp"
#include "dummy_gateway.hpp"
#include "http/server.hpp"
#include "test/packaging/coded_track.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

using namespace troupe;
using namespace troupe::http;
using namespace std::chrono_literals;

namespace ladder_test {
namespace {

constexpr delivery_times times{.segment = ticks_per_second};
constexpr int64_t begin = 100 * ticks_per_second;

/// The answers to those who watch, by rendition; without one it comes later.
struct dummy_ladder {
  std::mutex mutex;
  std::map<std::string, rendition_ptr> renditions;
  std::map<std::string, caf::error> failures;
  std::map<std::string, int> asked;
  std::vector<caf::typed_response_promise<rendition_ptr>> unanswered;
};

caf::behavior dummy_ladder_behavior(caf::event_based_actor* self, std::shared_ptr<dummy_ladder> x) {
  self->attach_functor([x] {
    std::lock_guard guard{x->mutex};
    x->unanswered.clear();
  });
  return {
    [self, x](watch_atom, const std::string&, const std::string& name) -> caf::result<rendition_ptr> {
      std::lock_guard guard{x->mutex};
      ++x->asked[name];
      if (auto failure = x->failures.find(name); failure != x->failures.end())
        return failure->second;
      if (auto known = x->renditions.find(name); known != x->renditions.end())
        return known->second;
      return x->unanswered.emplace_back(self->make_response_promise<rendition_ptr>());
    },
  };
}

struct ladder_fixture : type_registration {
  ladder_fixture() {
    config.listen.port = 0;
    config.watch_timeout = 10s;
    config.ladders["main"] = {{"hd", "main/hd"}, {"sd", "main/sd"}, {"sound", "main/sound", true}};
    auto gateway = caf::actor_cast<gateway_actor>(system.spawn(dummy_ladder_behavior, cluster));
    auto started = server::start(config, system, gateway);
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
  }

  /// From now on the rendition runs, and has `pictures` of video or as much sound.
  rendition_output& run(const std::string& name, int pictures = 75) {
    auto& out =
      outputs.try_emplace(name, core::client_ring::limits{}, name.substr(name.find('/') + 1), group).first->second;
    auto track =
      name == "main/sound"
        ? test::make_sound({.encoder = "aac", .first_sample = 100 * 48'000, .samples = pictures * 1920})
        : test::make_pictures({.frames = std::max(pictures, 1), .gop = 25, .b_frames = 0, .first_pts = begin});
    BOOST_REQUIRE(out.set_format({{track.format}}, times, {begin, 1'000'000}));
    formats[name] = {{track.format}};
    for (auto& x : track.samples) {
      x.info.track = 0;
      x.info.flags = (x.info.flags & sample::key) != 0 ? sample::key | sample::random_access : 0;
      x.info.size = static_cast<uint32_t>(x.bytes.size());
      if (pictures > 0)
        BOOST_REQUIRE(out.write({{x.info}, shared_bytes{x.bytes}}, {}));
    }
    std::lock_guard guard{cluster->mutex};
    cluster->renditions[name] = out.shared();
    return out;
  }

  void fail(const std::string& name, ec code) {
    std::lock_guard guard{cluster->mutex};
    cluster->failures[name] = caf::make_error(code, name + " fails");
  }

  int asked(const std::string& name) {
    std::lock_guard guard{cluster->mutex};
    return cluster->asked[name];
  }

  client::response get(const std::string& path) {
    client c{web->port()};
    c.get(path);
    return c.read_response();
  }

  /// The key that an entry gave.
  static std::string key_of(const std::string& text) {
    auto end = text.find("/hd/v.m3u8");
    BOOST_REQUIRE(end != std::string::npos);
    auto from = text.find_last_of("\n\"", end) + 1;
    return text.substr(from, end - from);
  }

  uint32_t clients(const std::string& name) {
    return outputs.at(name).shared()->clients(rendition::clock::now());
  }

  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  std::shared_ptr<dummy_ladder> cluster = std::make_shared<dummy_ladder>();
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  server_config config;
  std::shared_ptr<rendition_group> group = std::make_shared<rendition_group>();
  std::map<std::string, rendition_output> outputs;
  std::map<std::string, stream_format> formats; ///< of their tracks
  std::unique_ptr<server> web;
};

} // namespace
} // namespace ladder_test

BOOST_FIXTURE_TEST_SUITE(ladder_test, ladder_fixture)

BOOST_AUTO_TEST_CASE(one_address_offers_all_renditions_and_their_one_sound) {
  for (auto* name : {"main/hd", "main/sd", "main/sound"})
    run(name);
  auto hls = get("/live/demo/main/index.m3u8");
  BOOST_TEST(hls.status == 200);
  auto key = key_of(hls.body);
  BOOST_TEST(has(hls.body, "\n" + key + "/sd/v.m3u8\n"));
  BOOST_TEST(has(hls.body, "URI=\"" + key + "/sound/a0.m3u8\""));
  auto entry = get("/live/demo/main/manifest.mpd");
  BOOST_TEST(entry.status == 302);
  auto name = entry.head.find("Location: ");
  BOOST_REQUIRE(name != std::string::npos);
  name += std::string_view{"Location: "}.size();
  auto dash = get("/live/demo/main/" + entry.head.substr(name, entry.head.find('\r', name) - name));
  BOOST_TEST(dash.status == 200);
  for (auto* id : {"\"hd-v\"", "\"sd-v\"", "\"sound-a0\""})
    BOOST_TEST(has(dash.body, id), id);
  for (auto* file : {"hd/v.m3u8", "sd/v.keys.m3u8", "sound/a0.m3u8", "sd/v-101.m4s"})
    BOOST_TEST(get("/live/demo/main/" + key + "/" + file).status == 200, file);
  BOOST_TEST(get("/live/demo/main/" + key + "/other/v.m3u8").status == 404);
  BOOST_TEST(get("/live/demo/main/" + key + "/main/v.m3u8").status == 404);
}

BOOST_AUTO_TEST_CASE(old_receivers_get_all_renditions_in_mpeg_ts) {
  for (auto* name : {"main/sound", "main/hd", "main/sd"})
    run(name);
  client c{web->port()};
  c.get("/live/demo/main/index.m3u8?container=ts");
  BOOST_TEST(!c.waits(500ms)); // the pictures wait for the sound that joins them
  for (auto* name : {"main/hd", "main/sd"})
    BOOST_REQUIRE(outputs.at(name).set_sound(formats.at("main/sound"), {}));
  auto entry = c.read_response();
  BOOST_TEST(entry.status == 200);
  auto end = entry.body.find("/hd/ts.m3u8\n");
  BOOST_REQUIRE(end != std::string::npos);
  auto from = entry.body.rfind('\n', end) + 1;
  auto key = entry.body.substr(from, end - from);
  BOOST_TEST(has(entry.body, ",mp4a.40.2\""));
  BOOST_TEST(has(entry.body, "\n" + key + "/sd/ts.m3u8\n"));
  BOOST_TEST(!has(entry.body, "/sound/"));
  for (auto* file : {"hd/ts.m3u8", "sd/ts.m3u8", "sd/ts-101.ts"})
    BOOST_TEST(get("/live/demo/main/" + key + "/" + file).status == 200, file);
  for (auto* name : {"main/hd", "main/sd", "main/sound"})
    BOOST_TEST(clients(name) == 1u, name);
}

BOOST_AUTO_TEST_CASE(a_viewer_of_one_rendition_keeps_all_of_them_running) {
  for (auto* name : {"main/hd", "main/sd", "main/sound"})
    run(name);
  auto first = key_of(get("/live/demo/main/index.m3u8").body);
  for (auto* name : {"main/hd", "main/sd", "main/sound"})
    BOOST_TEST(clients(name) == 1u, name);
  // Another viewer, as after a restart of the server: its key is new here.
  BOOST_TEST(get("/live/demo/main/abcdef/sd/v.m3u8").status == 200);
  for (auto* name : {"main/hd", "main/sd", "main/sound"})
    BOOST_TEST(clients(name) == 2u, name);
}

BOOST_AUTO_TEST_CASE(a_rendition_that_has_ended_is_started_again_for_viewers_of_the_others) {
  for (auto* name : {"main/hd", "main/sd", "main/sound"})
    run(name);
  auto key = key_of(get("/live/demo/main/index.m3u8").body);
  outputs.at("main/hd").end("no worker");
  fail("main/hd", ec::no_worker);
  auto before = asked("main/hd");
  for (auto i = 0; i < 3; ++i)
    BOOST_TEST(get("/live/demo/main/" + key + "/sd/v.m3u8").status == 200);
  BOOST_TEST(asked("main/hd") == before + 1);
  BOOST_TEST(get("/live/demo/main/" + key + "/hd/v.m3u8").status == 503);
  // The update of a manifest does not wait for it.
  auto update = get("/live/demo/main/" + key + ".mpd");
  BOOST_TEST(update.status == 200);
  BOOST_TEST(!has(update.body, "\"hd-v\""));
  BOOST_TEST(has(update.body, "\"sd-v\""));
}

BOOST_AUTO_TEST_CASE(what_fails_is_left_out) {
  run("main/sd");
  run("main/sound");
  fail("main/hd", ec::no_worker);
  auto without_hd = get("/live/demo/main/index.m3u8");
  BOOST_TEST(without_hd.status == 200);
  BOOST_TEST(!has(without_hd.body, "/hd/v.m3u8"));
  BOOST_TEST(has(without_hd.body, "/sd/v.m3u8"));
}

BOOST_AUTO_TEST_CASE(a_source_without_sound_has_none_but_sound_that_fails_for_now_is_waited_for) {
  run("main/hd");
  run("main/sd");
  fail("main/sound", ec::no_worker);
  auto refused = get("/live/demo/main/index.m3u8");
  BOOST_TEST(refused.status == 503);
  BOOST_TEST(has(refused.body, "main/sound fails"));
  fail("main/sound", ec::encode_failed);
  auto silent = get("/live/demo/main/index.m3u8");
  BOOST_TEST(silent.status == 200);
  BOOST_TEST(!has(silent.body, "AUDIO"));
}

BOOST_AUTO_TEST_CASE(if_nothing_can_be_played_the_reason_is_told) {
  run("main/sound");
  fail("main/hd", ec::encode_failed);
  fail("main/sd", ec::no_worker);
  BOOST_TEST(get("/live/demo/main/index.m3u8").status == 503);
  for (auto* name : {"main/hd", "main/sd", "main/sound"})
    fail(name, ec::source_failed);
  // The sound is known by now.
  outputs.at("main/sound").end({});
  BOOST_TEST(get("/live/demo/main/index.m3u8").status == 502);
}

BOOST_AUTO_TEST_CASE(an_entry_waits_a_moment_for_the_late_and_then_leaves_them_out) {
  run("main/hd");
  run("main/sd", 0);
  run("main/sound");
  client c{web->port()};
  c.get("/live/demo/main/index.m3u8");
  BOOST_TEST(!c.waits(500ms));
  run("main/sd");
  auto all = c.read_response();
  BOOST_TEST(has(all.body, "/sd/v.m3u8"));
  // This one never comes.
  cluster->renditions.erase("main/sd");
  outputs.at("main/sd").end({});
  auto before = std::chrono::steady_clock::now();
  auto some = get("/live/demo/main/index.m3u8");
  auto waited = std::chrono::steady_clock::now() - before;
  BOOST_TEST(some.status == 200);
  BOOST_TEST(!has(some.body, "/sd/v.m3u8"));
  BOOST_TEST((waited >= 3900ms && waited < 6s));
}

BOOST_AUTO_TEST_SUITE_END()

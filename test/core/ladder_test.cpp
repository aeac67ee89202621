// Goal: the renditions of a ladder are made side by side, each by itself, from the same place of the source, and the
// sound once. Method: the test gives the session the actors' events; blocks carry their time as content. Their profiles
// wait for an encoder if need be, so each asks for a task of its own.
#include "test/core/ladder_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

BOOST_FIXTURE_TEST_SUITE(ladder_test, ladder_fixture)

BOOST_AUTO_TEST_CASE(each_profile_gives_its_video_and_the_first_gives_the_sound) {
  auto made = profiles_of(main, profiles);
  BOOST_REQUIRE(made.size() == 3u);
  BOOST_TEST(made[0].name == "main/hd");
  BOOST_TEST(made[1].name == "main/sd");
  BOOST_TEST(made[2].name == "main/sound");
  BOOST_TEST((made[0].video == profiles["hd"].video && made[0].audio.codec == "none"));
  BOOST_TEST((made[2].audio == profiles["hd"].audio && made[2].video.codec == "none"));
  profiles["hd"].audio.codec = "none";
  BOOST_TEST(profiles_of(main, profiles).size() == 2u);
  BOOST_TEST(ladder_of("main/hd") == "main");
  BOOST_TEST(ladder_of("hd") == "");
}

BOOST_AUTO_TEST_CASE(a_ladder_takes_one_task_for_each_video_and_one_for_the_sound) {
  begin();
  BOOST_REQUIRE(effects.requests.size() == 4u); // the ingest is one
  for (auto* name : {"main/hd", "main/sd"})
    run(name);
  run("main/sound");
  for (auto& x : effects.transcodes) {
    auto plan = plan_variant(x.source, x.target);
    auto made = std::count(plan.actions.begin(), plan.actions.end(), track_action::encode);
    BOOST_TEST(made == 1);
    BOOST_TEST(plan.encodes_video == (x.target.name != "main/sound"));
  }
}

struct slated : ladder_fixture {
  slated() : ladder_fixture(slate_kind::last) {}
};

BOOST_FIXTURE_TEST_CASE(whoever_makes_the_sound_is_told_of_an_absence_too, slated) {
  begin();
  for (auto* x : {"main/hd", "main/sound"})
    run(x);
  it->on(stream_end{ingest, "connection refused", false}, now);
  for (int i = 0; i < 50; ++i) {
    now += 100ms;
    it->tick(now);
  }
  for (auto* x : {"main/hd", "main/sound"}) {
    auto told = [&](auto& batch) { return batch.attempt == requested(x) && batch.block.is_absence(); };
    BOOST_TEST((std::find_if(effects.sent.begin(), effects.sent.end(), told) != effects.sent.end()), x);
  }
}

BOOST_FIXTURE_TEST_CASE(the_renditions_of_a_ladder_that_begins_during_an_absence_begin_at_the_same_time, slated) {
  // Somebody else watches when the source goes away.
  it->watch(wanting("alone", "libx264"), ++tickets, now);
  ingest = ingest_runs(with_sound());
  feed(0, 15);
  transcode_runs();
  effects.reading["alone"] = 1;
  it->on(stream_end{ingest, "connection refused", false}, now);
  auto wait = [&](int n) {
    for (int i = 0; i < n; ++i)
      it->tick(now += 100ms);
  };
  wait(100);
  watch_all();
  std::vector<int64_t> begin;
  for (auto* name : {"main/hd", "main/sd", "main/sound"}) {
    run(name);
    begin.push_back(effects.transcodes.back().spans.at(0).from_pts);
    wait(10);
  }
  BOOST_TEST(begin[0] > 6 * ticks_per_second);
  BOOST_TEST(begin[1] == begin[0]);
  BOOST_TEST(begin[2] == begin[0]);
  for (auto* name : {"main/hd", "main/sd"}) {
    deliver(name, 200);
    BOOST_TEST(effects.forms.at(name).from_pts == begin[0]);
    BOOST_TEST(!effects.forms.at(name).joins);
  }
  // Whoever comes much later begins at its own time, and with a whole segment.
  wait(100);
  it->down(requested("main/sound"), "killed", now);
  it->ask_together();
  run("main/sound");
  BOOST_TEST(effects.transcodes.back().spans.at(0).from_pts > begin[0] + 9 * ticks_per_second);
  deliver("main/sound", 500);
  BOOST_TEST(effects.forms.at("main/sound").joins);
}

BOOST_AUTO_TEST_CASE(whoever_makes_the_sound_is_sent_no_pictures) {
  begin();
  auto sound = requested("main/sound");
  run("main/hd");
  run("main/sound");
  uint64_t of_sound = 0;
  for (auto& x : effects.sent)
    for (auto& s : x.block.samples)
      if (x.attempt == sound) {
        BOOST_TEST(s.track == 1);
        ++of_sound;
      }
  BOOST_TEST(of_sound == 5u);
}

BOOST_AUTO_TEST_CASE(the_renditions_of_a_ladder_begin_at_the_same_place_of_the_source) {
  begin();
  BOOST_TEST(run("main/hd") == 10);
  feed(15, 25);
  BOOST_TEST(run("main/sd") == 10);
  BOOST_TEST(run("main/sound") == 10);
  for (auto* name : {"main/hd", "main/sd", "main/sound"}) {
    deliver(name, 10);
    BOOST_TEST(effects.forms.at(name).from_pts == 10 * frame);
    BOOST_TEST(effects.forms.at(name).on_grid);
    BOOST_TEST(!effects.forms.at(name).joins);
    BOOST_TEST(effects.forms.at(name).heard);
  }
}

BOOST_AUTO_TEST_CASE(a_rendition_that_is_late_begins_at_the_end_of_the_source_and_with_a_whole_segment) {
  begin();
  run("main/hd");
  deliver("main/hd", 10);
  feed(15, 205);
  BOOST_TEST(run("main/sd") == 200);
  deliver("main/sd", 200);
  BOOST_TEST(effects.forms.at("main/sd").joins);
}

BOOST_AUTO_TEST_CASE(a_start_in_vain_binds_nobody) {
  begin();
  run("main/hd");
  feed(15, 205);
  it->down(requested("main/hd"), "killed", now);
  BOOST_TEST(run("main/hd") == 200);
  BOOST_TEST(run("main/sd") == 200);
  deliver("main/sd", 200);
  BOOST_TEST(!effects.forms.at("main/sd").joins);
}

BOOST_AUTO_TEST_CASE(sound_that_is_copied_is_cut_like_the_video_and_has_the_same_clock) {
  profiles["hd"].audio.codec = "copy";
  now += 700ms;
  begin("aac");
  BOOST_TEST(effects.requests.size() == 3u);
  run("main/hd");
  deliver("main/hd", 10);
  auto& sound = effects.forms.at("main/sound");
  BOOST_TEST(sound.on_grid);
  BOOST_TEST((sound.keyframe_interval == effects.forms.at("main/hd").keyframe_interval));
  BOOST_TEST((sound.clock == effects.forms.at("main/hd").clock));
  BOOST_TEST(sound.from_pts == 0); // it needs no task, so it is first; the others begin there if they come soon
  BOOST_TEST(effects.forms.at("main/hd").from_pts == 0);
}

BOOST_AUTO_TEST_CASE(a_rendition_that_fails_is_told_and_leaves_the_others_alone) {
  begin();
  for (auto* name : {"main/hd", "main/sound"}) {
    run(name);
    deliver(name, 10);
    effects.reading[name] = 1;
  }
  it->lease_failed(requested("main/sd"), ec::no_worker, "no worker has a slot", now);
  BOOST_TEST(effects.refused.at(2).second == "no worker has a slot");
  BOOST_TEST(status_of("main/sd").state == "failed");
  BOOST_TEST(status_of("main/sd").reason == "no worker has a slot");
  BOOST_TEST(status_of("main/hd").state == "running");
  BOOST_TEST(effects.closed.size() == 1u);
  // The next viewer has it tried again.
  watch_all();
  it->tick(now);
  BOOST_TEST(status_of("main/sd").state == "waiting");
  BOOST_TEST(effects.answered.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_session_ends_with_the_last_rendition_of_its_ladder) {
  begin();
  it->lease_failed(requested("main/sd"), ec::no_worker, "no worker has a slot", now);
  for (auto* name : {"main/hd", "main/sound"}) {
    run(name);
    deliver(name, 10);
  }
  for (auto t = 0s; t <= 61s; t += 1s) {
    now += 1s;
    it->tick(now);
  }
  BOOST_TEST(it->finished());
  BOOST_TEST(it->status().variants.empty());
}

BOOST_AUTO_TEST_SUITE_END()

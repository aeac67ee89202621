// Goal: renditions of a ladder that need a task at the same time share one, where a worker has room. They are fed once,
// and each of them still ends and fails over by itself. Method: the test answers the session's requests for leases, and
// looks at what each task is sent.
#include "test/core/ladder_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> all{"main/hd", "main/sd", "main/sound"};

struct sharing_fixture : ladder_fixture {
  sharing_fixture() : ladder_fixture(slate_kind::none, true) {
    config.stall = {500ms, 5000ms};
    config.failover_timeout = 60s;
    make({"news", {}, {"http://one/a.ts", "http://two/b.ts"}, false});
    for (auto& x : all)
      effects.reading[x] = 1;
  }

  /// The rendition's latest request is granted, by this task.
  void grant(const std::string& rendition, uint64_t task) {
    auto attempt = requested(rendition);
    it->leased(attempt, {lease_id{attempt.value}, task_id{task}, worker_id{task}, "w"}, now);
  }

  void run_now(const std::string& rendition) {
    auto attempt = requested(rendition);
    it->started(attempt, now);
    auto made = with_sound("aac");
    made.tracks.erase(rendition == "main/sound" ? made.tracks.begin() : made.tracks.end() - 1);
    it->on(format_change{attempt, made}, now);
  }

  /// One task makes all of them.
  void run_all(uint64_t task = 5) {
    for (auto& x : all)
      grant(x, task);
    for (auto& x : all) {
      run_now(x);
      running[x] = requested(x);
    }
    output.clear();
  }

  /// The task that runs since `run_all` makes a picture of the rendition.
  void made(const std::string& rendition, int64_t i) {
    it->on(sample_batch{running.at(rendition), ++output[rendition], block(i * frame, true)}, now);
  }

  /// The source's pictures [from, to) come, and that task takes and makes them.
  void steady(int64_t from, int64_t to) {
    auto first = running.at("main/hd");
    for (; from < to; ++from) {
      now += 40ms;
      feed(from, from + 1);
      it->on(batch_ack{first, fed(first).size()}, now);
      for (auto& x : all)
        made(x, from);
    }
  }

  /// A picture comes that the task does not take: the time until another task is asked for.
  milliseconds stall(int64_t picture) {
    feed(picture, picture + 1);
    auto asked = effects.requests.size();
    milliseconds result{0};
    for (; effects.requests.size() == asked && result < 10s; result += 100ms) {
      now += 100ms;
      it->tick(now);
    }
    return result;
  }

  /// The source's sound changes at picture 20. The task of all makes the old one to its end, and another task makes the
  /// new one.
  void change_sound() {
    begin();
    run_all();
    feed(15, 20);
    deliver_all(10, 20);
    other_sound();
    feed(20, 25);
    it->on(batch_ack{requested("main/hd"), 10}, now);
    it->on(stream_end{requested("main/sound"), {}, false}, now);
    it->tick(now);
    grant("main/sound", 6);
    run_now("main/sound");
    output.erase("main/sound");
  }

  /// From the next random-access point on, the source has another sound.
  void other_sound() {
    auto x = with_sound();
    x.tracks[1].sample_rate = 32'000;
    it->on(format_change{ingest, x}, now);
  }

  /// The renditions have pictures [from, to).
  void deliver_all(int64_t from, int64_t to) {
    for (auto i = from; i < to; ++i)
      for (auto& x : all)
        deliver(x, i);
  }

  /// The process that makes these renditions is gone.
  void kill(const std::vector<std::string>& renditions) {
    std::vector<attempt_id> numbers;
    for (auto& x : renditions)
      numbers.push_back(requested(x));
    for (auto number : numbers)
      it->down(number, "killed", now);
    it->ask_together();
  }

  const transcode_work& work_of(const std::string& rendition) {
    auto x = std::find_if(effects.transcodes.rbegin(), effects.transcodes.rend(),
                          [&](auto& w) { return w.target.name == rendition; });
    BOOST_REQUIRE((x != effects.transcodes.rend()));
    return *x;
  }

  /// The source pictures that were sent with this number.
  std::vector<int64_t> fed(attempt_id number) {
    std::vector<int64_t> result;
    for (auto& x : effects.sent)
      if (x.attempt == number)
        result.push_back(x.block.samples.front().pts / frame);
    return result;
  }

  std::map<std::string, attempt_id> running; ///< since `run_all`
};

std::vector<int64_t> numbers(int64_t from, int64_t to) {
  std::vector<int64_t> result;
  for (auto i = from; i < to; ++i)
    result.push_back(i);
  return result;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(sharing_test, sharing_fixture)

BOOST_AUTO_TEST_CASE(renditions_that_begin_together_are_asked_for_beside_the_first_and_fed_once) {
  begin();
  BOOST_REQUIRE(effects.requests.size() == 2u); // the ingest, and the first rendition
  BOOST_TEST(effects.requests.back().label.profile == "main/hd");
  grant("main/hd", 5);
  BOOST_REQUIRE(effects.requests.size() == 4u);
  BOOST_TEST(request_of("main/sd").beside.value
             == requested("main/hd").value); // leases have the attempts' numbers here
  BOOST_TEST(request_of("main/sound").beside.value == requested("main/hd").value);
  BOOST_TEST(effects.transcodes.empty()); // until it is known who is made
  grant("main/sd", 5);
  grant("main/sound", 5);
  BOOST_REQUIRE(effects.transcodes.size() == 3u);
  auto first = requested("main/hd");
  BOOST_TEST(!work_of("main/hd").beside);
  BOOST_TEST((work_of("main/sd").beside == first && work_of("main/sound").beside == first));
  for (auto* x : {"main/sd", "main/sound"})
    run_now(x);
  BOOST_TEST(effects.sent.empty()); // until all are ready
  run_now("main/hd");
  BOOST_TEST(effects.sent.size() == 5u);
  BOOST_TEST(fed(first) == numbers(10, 15));
  feed(15, 20);
  BOOST_TEST(fed(first) == numbers(10, 20));
  deliver_all(10, 12);
  for (auto& x : all) {
    BOOST_TEST(effects.forms.at(x).from_pts == 10 * frame);
    BOOST_TEST(status_of(x).state == "running");
    BOOST_TEST(status_of(x).task.value == 5u);
  }
}

BOOST_AUTO_TEST_CASE(the_first_is_a_video_and_has_the_memory_of_all) {
  config.memory.encode_percent = 100;
  make({"news", {}, {"http://one/a.ts"}, false});
  begin();
  auto whole = effects.requests.back().label.limits.memory_bytes;
  BOOST_TEST(effects.requests.back().video.encoder == "libx264");
  grant("main/hd", 5);
  auto others = request_of("main/sd").label.limits.memory_bytes + request_of("main/sound").label.limits.memory_bytes;
  BOOST_TEST(whole > others);
}

BOOST_AUTO_TEST_CASE(those_that_find_no_room_beside_the_first_share_another_task) {
  begin();
  grant("main/hd", 5);
  it->lease_failed(requested("main/sd"), ec::no_worker, "no room", now);
  it->lease_failed(requested("main/sound"), ec::no_worker, "no room", now);
  BOOST_TEST(effects.transcodes.size() == 1u);
  BOOST_TEST(effects.requests.back().label.profile == "main/sd");
  BOOST_TEST(!effects.requests.back().beside);
  grant("main/sd", 6);
  BOOST_TEST(request_of("main/sound").beside.value == requested("main/sd").value);
  grant("main/sound", 6);
  BOOST_TEST(effects.transcodes.size() == 3u);
  BOOST_TEST((work_of("main/sound").beside == requested("main/sd")));
  for (auto& x : all)
    run_now(x);
  BOOST_TEST(fed(requested("main/hd")) == numbers(10, 15));
  BOOST_TEST(fed(requested("main/sd")) == numbers(10, 15));
  BOOST_TEST(effects.refused.empty());
}

BOOST_AUTO_TEST_CASE(workers_with_one_slot_each_get_one_rendition_each) {
  begin();
  uint64_t worker = 5;
  for (auto& x : all) {
    grant(x, worker++);
    for (auto& other : all)
      if (request_of(other).beside && other > x)
        it->lease_failed(requested(other), ec::no_worker, "no room", now);
  }
  BOOST_TEST(effects.transcodes.size() == 3u);
  for (auto& x : effects.transcodes)
    BOOST_TEST(!x.beside);
  for (auto& x : all)
    run_now(x);
  for (auto& x : all)
    BOOST_TEST(fed(requested(x)) == numbers(10, 15));
}

BOOST_AUTO_TEST_CASE(if_the_first_gets_no_lease_the_others_ask_for_themselves) {
  begin();
  it->lease_failed(requested("main/hd"), ec::no_worker, "no worker has a slot", now);
  for (auto* x : {"main/sd", "main/sound"}) {
    BOOST_TEST(!request_of(x).beside);
    grant(x, 5);
    run_now(x);
  }
  BOOST_TEST(effects.transcodes.size() == 2u);
  BOOST_TEST(effects.refused.at(1).second == "no worker has a slot");
}

BOOST_AUTO_TEST_CASE(if_the_first_is_not_wanted_any_more_the_others_begin_without_it) {
  begin();
  it->output_failed("main/hd", "it cannot be muxed");
  grant("main/hd", 5);
  BOOST_TEST(effects.stopped.size() == 1u);
  BOOST_TEST(effects.requests.back().label.profile == "main/sd");
  grant("main/sd", 6);
  grant("main/sound", 6);
  for (auto* x : {"main/sd", "main/sound"})
    run_now(x);
  BOOST_TEST(fed(requested("main/sd")) == numbers(10, 15));
}

BOOST_AUTO_TEST_CASE(their_credit_is_one) {
  config.credit_bytes = 25;
  make({"news", {}, {"http://one/a.ts"}, false});
  watch_all();
  ingest = ingest_runs(with_sound());
  for (int64_t i = 0; i < 10; ++i)
    source(ingest, i * frame, i == 0);
  run_all();
  auto first = requested("main/hd");
  BOOST_TEST(fed(first) == numbers(0, 3)); // of ten bytes each
  it->on(batch_ack{requested("main/sd"), 1}, now);
  BOOST_TEST(fed(first) == numbers(0, 3));
  it->on(batch_ack{first, 1}, now);
  BOOST_TEST(fed(first) == numbers(0, 4));
}

BOOST_AUTO_TEST_CASE(one_that_ends_leaves_the_others_alone_even_if_it_was_the_first) {
  begin();
  run_all();
  deliver_all(10, 15);
  auto first = requested("main/hd");
  it->output_failed("main/hd", "it cannot be muxed");
  BOOST_TEST(effects.stopped.size() == 1u);
  BOOST_TEST((effects.stopped.count(first) == 1u));
  feed(15, 20);
  BOOST_TEST(fed(first) == numbers(10, 20)); // the number stays
  it->on(batch_ack{first, 10}, now);
  feed(20, 25);
  for (int64_t i = 15; i < 25; ++i)
    for (auto* x : {"main/sd", "main/sound"})
      deliver(x, i);
  BOOST_TEST(effects.delivered["main/sd"].size() == 15u);
  BOOST_TEST(effects.delivered["main/sound"].size() == 15u);
}

BOOST_AUTO_TEST_CASE(those_that_lose_their_task_together_go_on_together_each_where_it_was) {
  begin();
  run_all();
  feed(15, 100);
  deliver_all(10, 60);
  for (int64_t i = 60; i < 75; ++i)
    deliver("main/sd", i);
  kill(all);
  BOOST_TEST(effects.requests.back().label.profile == "main/hd");
  auto before = effects.transcodes.size();
  run_all(6);
  BOOST_TEST(effects.transcodes.size() == before + 3);
  BOOST_TEST(work_of("main/hd").spans.at(0).from_pts == 59 * frame + 1);
  BOOST_TEST(work_of("main/sd").spans.at(0).from_pts == 74 * frame + 1);
  auto first = requested("main/hd");
  BOOST_TEST((work_of("main/sd").beside == first));
  auto sent = fed(first);
  BOOST_REQUIRE(!sent.empty());
  BOOST_TEST(sent == numbers(sent.front(), 100));
  BOOST_TEST(sent.front() <= 60 - 25); // early enough for the one that is furthest back, with a second of preroll
  deliver_all(75, 80);
  for (auto& x : all)
    BOOST_TEST(status_of(x).failovers == 1u);
  BOOST_TEST(effects.refused.empty());
}

BOOST_AUTO_TEST_CASE(one_that_fails_gets_a_task_of_its_own_and_the_others_keep_theirs) {
  begin();
  run_all();
  feed(15, 60);
  deliver_all(10, 40);
  auto first = requested("main/hd");
  it->on(stream_end{requested("main/sd"), "the encoder failed", false}, now);
  it->tick(now);
  grant("main/sd", 6);
  run_now("main/sd");
  BOOST_TEST(!work_of("main/sd").beside);
  feed(60, 70);
  BOOST_TEST(fed(first) == numbers(10, 70));
  BOOST_TEST(fed(requested("main/sd")).back() == 69);
  BOOST_TEST(effects.stopped.size() == 1u);
}

BOOST_AUTO_TEST_CASE(after_two_deaths_at_one_place_each_is_made_alone) {
  begin();
  run_all();
  feed(15, 60);
  deliver_all(10, 40);
  kill(all);
  run_all(6);
  kill(all);
  for (auto& x : all) {
    BOOST_TEST(!request_of(x).beside);
    grant(x, 7);
    BOOST_TEST(!work_of(x).beside);
  }
  BOOST_TEST(effects.quarantined.empty());
}

BOOST_AUTO_TEST_CASE(a_track_beside_them_that_the_source_loses_disturbs_none) {
  auto with_text = with_sound();
  with_text.tracks.push_back({});
  with_text.tracks.back().kind = track_kind::subtitle;
  with_text.tracks.back().codec = "webvtt";
  watch_all();
  ingest = ingest_runs(with_text);
  feed(0, 15);
  run_all();
  auto asked = effects.requests.size();
  it->on(format_change{ingest, with_sound()}, now);
  feed(15, 25);
  deliver_all(10, 20);
  BOOST_TEST(effects.requests.size() == asked);
  BOOST_TEST(effects.finished.empty());
  BOOST_TEST(fed(requested("main/hd")) == numbers(10, 25), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(if_only_the_sound_changes_only_the_sound_is_made_anew) {
  change_sound();
  auto first = requested("main/hd");
  BOOST_TEST((effects.finished == std::vector{running.at("main/sound")}));
  BOOST_TEST(fed(first) == numbers(10, 25), boost::test_tools::per_element());
  BOOST_TEST(effects.stopped.size() == 1u);
  BOOST_TEST(effects.stopped.at(running.at("main/sound")) == "");
  BOOST_TEST(!request_of("main/sound").beside);
  BOOST_TEST(work_of("main/sound").source.tracks[1].sample_rate == 32'000);
  BOOST_TEST(fed(requested("main/sound")) == numbers(20, 25), boost::test_tools::per_element());
  feed(25, 30);
  BOOST_TEST(fed(first) == numbers(10, 30), boost::test_tools::per_element());
  deliver_all(20, 30);
  BOOST_TEST(status_of("main/hd").failovers == 0u);
  BOOST_TEST(effects.delivered["main/sound"].size() == 20u);
}

BOOST_AUTO_TEST_CASE(
  renditions_whose_tracks_began_at_different_places_share_no_task_while_the_source_is_kept_from_there) {
  change_sound();
  kill(all);
  BOOST_TEST(!request_of("main/sound").beside);
  grant("main/hd", 7);
  BOOST_TEST(request_of("main/sd").beside.value == requested("main/hd").value);
  BOOST_TEST(!request_of("main/sound").beside);
  grant("main/sd", 7);
  grant("main/sound", 8);
  for (auto& x : all)
    run_now(x);
  output.clear();
  feed(25, 120);
  for (auto* x : {"main/hd", "main/sound"})
    it->on(batch_ack{requested(x), fed(requested(x)).size()}, now);
  deliver_all(20, 120);
  feed(120, 131); // the source buffer drops what nobody needs any more
  auto asked = effects.requests.size();
  kill(all);
  BOOST_TEST(effects.requests.size() == asked + 1);
  grant("main/hd", 9);
  BOOST_TEST(request_of("main/sound").beside.value == requested("main/hd").value);
}

BOOST_AUTO_TEST_CASE(a_false_alarm_about_their_task_doubles_its_patience_once) {
  begin();
  run_all();
  deliver_all(10, 15);
  steady(15, 40);
  BOOST_TEST((stall(40) < 1000ms));
  for (auto& x : all)
    made(x, 40); // it worked all the time
  it->lease_failed(requested("main/hd"), ec::no_worker, "too late", now);
  steady(41, 80);
  auto patience = stall(80);
  BOOST_TEST((patience > 1000ms && patience < 1500ms));
}

BOOST_AUTO_TEST_CASE(the_end_of_one_rendition_is_none_for_the_second_attempt_at_another_in_its_task) {
  begin();
  run_all();
  deliver_all(10, 15);
  steady(15, 40);
  stall(40);
  run_all(6);
  made("main/sound", 40); // the second attempt at it is now the only one
  other_sound();
  feed(41, 55);
  BOOST_TEST((effects.finished == std::vector{running.at("main/sound")}));
  BOOST_TEST(fed(running.at("main/hd")).back() == 54);
}

BOOST_AUTO_TEST_CASE(a_rendition_is_convicted_only_by_deaths_of_a_task_of_its_own) {
  config.quarantine_after = 1;
  make({"news", {}, {"http://one/a.ts", "http://two/b.ts"}, false});
  begin();
  run_all();
  deliver_all(10, 12);
  kill(all);
  BOOST_TEST(effects.quarantined.empty());
  for (auto& x : all) {
    grant(x, 6);
    BOOST_TEST(!work_of(x).beside);
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_the_source_is_told_to_each_of_them) {
  begin();
  run_all();
  it->on(stream_end{ingest, "", false}, now);
  std::set<attempt_id> told{effects.finished.begin(), effects.finished.end()};
  BOOST_TEST(told.size() == 3u);
  BOOST_TEST(effects.finished.size() == 3u);
}

BOOST_AUTO_TEST_CASE(if_their_task_is_too_slow_the_one_that_takes_most_of_its_time_leaves) {
  begin();
  run_all();
  feed(15, 20);
  deliver_all(10, 12);
  uint64_t busy = 1;
  for (auto& x : {"main/sound", "main/hd", "main/sd"}) {
    work_statistics done;
    done.busy_ms = busy++ * 1000;
    it->on(requested(x), done, now);
  }
  int64_t i = 20;
  auto leaves = [&] {
    auto asked = effects.requests.size();
    for (; effects.requests.size() == asked && i < 1200; ++i) {
      now += 40ms;
      feed(i, i + 1);
      it->on(batch_ack{running.at("main/hd"), static_cast<uint64_t>(i - 10)}, now);
      it->tick(now);
    }
    BOOST_REQUIRE(effects.requests.size() == asked + 1);
    BOOST_TEST(effects.requests.back().elsewhere);
    return effects.requests.back().label.profile;
  };
  BOOST_TEST(leaves() == "main/sd");
  // If no worker is faster, it stays, and the next one tries.
  it->lease_failed(requested("main/sd"), ec::no_worker, "none is faster", now);
  BOOST_TEST(leaves() == "main/hd");
}

BOOST_AUTO_TEST_CASE(a_drain_moves_them_together) {
  begin();
  run_all();
  feed(15, 60);
  deliver_all(10, 40);
  std::vector<attempt_id> old;
  for (auto& x : all)
    old.push_back(requested(x));
  for (auto number : old)
    it->move(lease_id{number.value}, now);
  it->tick(now);
  BOOST_TEST(effects.requests.back().label.profile == "main/hd");
  BOOST_TEST(effects.requests.back().elsewhere);
  run_all(6);
  auto end = effects.ends.at(old.front());
  for (auto number : old)
    BOOST_TEST(effects.ends.at(number) == end);
  for (auto& x : all)
    BOOST_TEST(work_of(x).spans.at(0).from_pts == end);
  BOOST_TEST((work_of("main/sound").beside == requested("main/hd")));
}

BOOST_AUTO_TEST_SUITE_END()

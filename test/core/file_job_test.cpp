// A file job from its probe to its end. Effects are recorded. The test simulates tasks, which answer, fail, die, fall
// silent or come too late. It compares the job's requests and records.
#include "test/core/file_job_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <random>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace file_job_test {
namespace {

struct fixture {
  time_point now{1000s};
  file_job_recorder effects;
  file_job_begin given = [] {
    file_job_begin x;
    x.name = "film";
    x.order.input = "/in.mkv";
    x.order.output = "/out.mp4";
    x.order.container = "mp4";
    x.order.video.codec = "libx264";
    x.order.audio.codec = "aac";
    x.order.chunk_duration = 10s;
    x.folder = "/work";
    x.staging = "/.out";
    return x;
  }();
  file_job_config config = [] {
    file_job_config x;
    x.head_start = 0ms;
    return x;
  }();
  std::optional<file_job> job;
  uint64_t next_lease = 1;
  source_summary seen = source();

  void begin() {
    job.emplace(config, given, effects);
    job->capacity({2, 2});
    job->begin(now);
  }

  /// Gives leases to all that are asked for, and returns what was started.
  std::vector<file_work> grant(uint64_t worker = 1) {
    std::vector<file_work> result;
    store_all(*job, now);
    while (!effects.unanswered.empty()) {
      auto attempt = effects.unanswered.front();
      effects.unanswered.erase(effects.unanswered.begin());
      job->granted(attempt, {lease_id{next_lease++}, task_id{1}, worker_id{worker}, "w" + std::to_string(worker)}, now);
      result.push_back(effects.started.at(attempt));
    }
    return result;
  }

  void answer(const file_work& x) {
    file_result result{x.attempt, {}};
    if (std::holds_alternative<probe_work>(x.work))
      result.outcome = seen;
    else if (auto* chunk = std::get_if<chunk_work>(&x.work))
      result.outcome = chunk_done{1000, std::string(64, 'a'), chunk->pictures.value_or(1875), 0, 40 * second, true};
    else
      result.outcome = file_published{4000, 1000, 1875, 40 * second, {}};
    job->on(result, now);
  }

  std::vector<file_work> begin_chunks() {
    begin();
    answer(grant().at(0));
    return grant();
  }

  void finish() {
    for (auto more = grant(); !more.empty(); more = grant())
      for (auto& x : more)
        answer(x);
  }

  void fail(const file_work& x, bool terminal, const std::string& why) {
    job->on(file_result{x.attempt, file_failure{terminal, false, why}}, now);
  }
};

} // namespace
} // namespace file_job_test

BOOST_FIXTURE_TEST_SUITE(file_job_test, fixture)

BOOST_AUTO_TEST_CASE(a_job_probes_plans_encodes_and_assembles_in_order) {
  auto work = begin_chunks();
  BOOST_REQUIRE(work.size() == 5u);
  BOOST_TEST(std::get<chunk_work>(work[0].work).number == 0u);
  BOOST_TEST((std::get<chunk_work>(work[1].work).kind == chunk_kind::audio));
  // Every window of the video knows the picture rate and the first time; sound windows have neither.
  BOOST_TEST((std::get<chunk_work>(work[2].work).even_rate == rational{25, 1}));
  BOOST_TEST(std::get<chunk_work>(work[2].work).first_pts == 0);
  BOOST_TEST(std::get<chunk_work>(work[1].work).first_pts == no_timestamp);
  BOOST_TEST(effects.chunks.size() == 5u);
  for (auto& x : work)
    answer(x);
  auto last = grant();
  BOOST_REQUIRE(last.size() == 1u);
  auto& assembly = std::get<assemble_work>(last[0].work);
  BOOST_TEST((assembly.pictures == 1000u));
  BOOST_REQUIRE(assembly.video.size() == 4u);
  for (uint32_t i = 0; i < 4; ++i)
    BOOST_TEST(assembly.video[i].number == i);
  BOOST_TEST(assembly.audio.size() == 1u);
  answer(last[0]);
  BOOST_TEST(effects.result.has_value());
  BOOST_TEST(effects.stopped.size() == 7u);
  BOOST_TEST(job->status().done == 1.0, boost::test_tools::tolerance(1e-9));
}

BOOST_AUTO_TEST_CASE(the_windows_are_everything_once) {
  begin_chunks();
  auto next = std::numeric_limits<int64_t>::min();
  for (auto& c : effects.chunks)
    if (c.kind == chunk_kind::video) {
      BOOST_TEST(c.from == next);
      next = c.to;
    }
  BOOST_TEST(next == std::numeric_limits<int64_t>::max());
}

BOOST_AUTO_TEST_CASE(a_killed_tasks_chunk_is_encoded_again_at_once_and_no_other) {
  auto work = begin_chunks();
  for (size_t i = 0; i < 4; ++i)
    answer(work[i]);
  job->down(work[4].attempt, "gone", now);
  auto again = grant(2);
  BOOST_REQUIRE(again.size() == 1u);
  BOOST_TEST(std::get<chunk_work>(again[0].work).number == std::get<chunk_work>(work[4].work).number);
  BOOST_TEST((effects.asked[again[0].attempt].refused_by == std::vector{worker_id{1}}));
  answer(work[4]); // too late
  BOOST_TEST(effects.encoded.size() == 4u);
  answer(again[0]);
  finish();
  BOOST_TEST(effects.result.has_value());
  for (auto& [number, times] : effects.encoded)
    BOOST_TEST(times == 1u);
}

BOOST_AUTO_TEST_CASE(an_error_of_the_machine_is_tried_again_after_pauses_that_double) {
  auto work = begin_chunks();
  auto x = work[1];
  for (auto pause : {1s, 2s, 4s}) {
    fail(x, false, "no space left");
    BOOST_TEST(effects.unanswered.empty());
    job->tick(now += pause - 1ms);
    BOOST_TEST(effects.unanswered.empty());
    for (auto& other : work)
      job->on(file_progress{other.attempt, 1, 1, 0.1}, now);
    job->tick(now += 1ms);
    auto again = grant();
    BOOST_REQUIRE(again.size() == 1u);
    x = again[0];
  }
  fail(x, false, "no space left");
  BOOST_REQUIRE(effects.failure.has_value());
  BOOST_TEST((effects.failure->first == failure_kind::transient));
  BOOST_TEST(effects.failure->second == "no space left");
  BOOST_TEST(job->ended());
}

BOOST_AUTO_TEST_CASE(an_error_of_the_media_ends_the_job_and_all_its_tasks_at_once) {
  auto work = begin_chunks();
  fail(work[2], true, "Invalid data found");
  BOOST_TEST((effects.failure->first == failure_kind::terminal));
  BOOST_TEST(effects.stopped.size() == 6u);
  answer(work[0]);
  BOOST_TEST(effects.encoded.empty());
}

BOOST_AUTO_TEST_CASE(a_part_that_goes_on_killing_its_tasks_is_quarantined) {
  auto work = begin_chunks();
  auto x = work[1];
  for (int i = 0; i < 2; ++i) {
    job->down(x.attempt, "signal 11", now);
    job->tick(now += 1s);
    x = grant(static_cast<uint64_t>(i) + 2).at(0);
  }
  job->down(x.attempt, "signal 11", now);
  BOOST_TEST((effects.failure->first == failure_kind::quarantined));
}

BOOST_AUTO_TEST_CASE(a_task_that_falls_silent_or_comes_no_further_is_replaced) {
  auto work = begin_chunks();
  for (size_t i = 1; i < work.size(); ++i)
    job->on(file_progress{work[i].attempt, 1, 1, 0.1}, now + 5s);
  job->tick(now += 5001ms);
  BOOST_TEST(effects.stopped.contains(work[0].attempt));
  BOOST_TEST(grant(2).size() == 1u);
  for (int i = 0; i < 120; ++i) {
    now += 1s;
    for (size_t k = 1; k < work.size(); ++k)
      job->on(file_progress{work[k].attempt, k == 1 ? 1u : 2u + static_cast<uint64_t>(i), 1, 0.1}, now);
    for (auto& [attempt, x] : effects.started)
      job->on(file_progress{attempt, 2u + static_cast<uint64_t>(i) + (attempt == work[1].attempt ? 0 : 1), 1, 0.2},
              now);
  }
  BOOST_TEST(!effects.stopped.contains(work[2].attempt));
}

BOOST_AUTO_TEST_CASE(a_chunk_that_is_given_back_is_done_later_and_nobody_is_blamed) {
  auto work = begin_chunks();
  job->give_back(lease_id{4}, now);
  auto given = work[2];
  BOOST_TEST(effects.stopped.at(given.attempt).empty());
  BOOST_TEST(job->status().given_back == 1u);
  BOOST_TEST((effects.waits == std::vector{std::get<chunk_work>(given.work).number}));
  answer(given); // too late
  BOOST_TEST(effects.encoded.empty());
  auto again = grant();
  BOOST_REQUIRE(again.size() == 1u);
  BOOST_TEST(effects.asked[again[0].attempt].refused_by.empty());
}

BOOST_AUTO_TEST_CASE(a_later_life_keeps_what_is_done_and_makes_the_rest) {
  auto work = begin_chunks();
  answer(work[0]);
  answer(work[2]);
  given.chunks = effects.chunks;
  given.attempt = 2;
  effects = {};
  begin();
  auto probe = grant().at(0);
  auto& asked = std::get<probe_work>(probe.work);
  BOOST_REQUIRE(asked.chunks.size() == 2u);
  auto found = source();
  found.whole_chunks = {asked.chunks[0].number, asked.chunks[1].number};
  job->on(file_result{probe.attempt, found}, now);
  auto rest = grant();
  BOOST_TEST(rest.size() == 3u);
  BOOST_TEST(effects.plans == 0);
  for (auto& x : rest)
    answer(x);
  auto last = grant();
  BOOST_TEST(std::get<assemble_work>(last.at(0).work).video.size() == 4u);
  BOOST_TEST(std::get<assemble_work>(last.at(0).work).overwrite);
}

BOOST_AUTO_TEST_CASE(damaged_chunks_and_those_of_another_source_are_made_again) {
  for (auto& x : begin_chunks())
    answer(x);
  given.chunks = effects.chunks;
  given.attempt = 2;
  effects = {};
  begin();
  auto found = source();
  found.whole_chunks = {0, 1, 2, 4};
  job->on(file_result{grant().at(0).attempt, found}, now);
  BOOST_TEST((effects.spoiled == std::vector<uint32_t>{3}));
  BOOST_TEST(grant().size() == 1u);
  effects = {};
  begin();
  found.identity = "b";
  job->on(file_result{grant().at(0).attempt, found}, now);
  BOOST_TEST(effects.spoiled.size() == 5u);
  effects = {};
  begin();
  found.cuts.erase(found.cuts.begin() + 1);
  job->on(file_result{grant().at(0).attempt, found}, now);
  BOOST_TEST(effects.plans == 1);
}

BOOST_AUTO_TEST_CASE(a_chunk_in_the_making_is_left_to_the_task_that_makes_it) {
  auto work = begin_chunks();
  given.chunks = effects.chunks;
  for (auto& c : given.chunks)
    c.begun = true;
  given.attempt = 2;
  effects = {};
  begin();
  answer(grant().at(0));
  BOOST_TEST(grant().empty());
  auto made = std::get<chunk_work>(work[0].work);
  auto other = made;
  other.video.crf = 40;
  BOOST_TEST(!job->awaits(other, now));
  auto attempt = job->take_over(made, {lease_id{99}, task_id{9}, worker_id{1}, "w1"}, now);
  BOOST_REQUIRE(attempt.has_value());
  BOOST_TEST((effects.attached == std::vector{*attempt}));
  BOOST_TEST(!job->awaits(made, now));
  job->tick(now += 4s);
  BOOST_TEST(grant().size() == 4u);
  BOOST_TEST(effects.waits.size() == 4u);
  job->on(file_result{*attempt, chunk_done{1, std::string(64, 'a'), 250, 0, 0, true}}, now);
  BOOST_TEST(effects.encoded[made.number] == 1u);
}

BOOST_AUTO_TEST_CASE(a_seeked_chunk_with_another_number_of_pictures_is_refused) {
  auto work = begin_chunks();
  job->on(file_result{work[0].attempt, chunk_done{1, std::string(64, 'a'), 249, 0, 0, true}}, now);
  BOOST_TEST(effects.encoded.empty());
  BOOST_TEST(job->status().retries == 1u);
}

BOOST_AUTO_TEST_CASE(whatever_dies_every_job_ends_with_each_chunk_encoded_once) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937 random{seed};
      effects = {};
      next_lease = 1;
      begin();
      std::vector<file_work> running;
      for (int step = 0; step < 10'000 && !job->ended(); ++step) {
        job->tick(now += 100ms);
        for (auto& x : grant(1 + random() % 3))
          running.push_back(x);
        for (auto& x : running)
          job->on(file_progress{x.attempt, static_cast<uint64_t>(step), 1, 0.1}, now);
        if (running.empty())
          continue;
        auto i = random() % running.size();
        auto x = running[i];
        running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
        if (random() % 8 == 0)
          job->down(x.attempt, "killed", now);
        else
          answer(x);
      }
      BOOST_TEST(job->ended());
      BOOST_TEST((effects.result.has_value() != effects.failure.has_value()));
      if (effects.result)
        BOOST_TEST(effects.encoded.size() == 5u);
      for (auto& [number, times] : effects.encoded)
        BOOST_TEST(times == 1u);
      for (auto& [attempt, work] : effects.started)
        BOOST_TEST(effects.stopped.contains(attempt));
    }
  }
}

// -- limits and liars -----------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_death_for_memory_is_tried_once_elsewhere_and_then_ends_the_job) {
  auto work = begin_chunks();
  job->down(work[1].attempt, "killed", now, true);
  auto again = grant(2);
  BOOST_REQUIRE(again.size() == 1u);
  BOOST_TEST((effects.asked[again[0].attempt].refused_by == std::vector{worker_id{1}}));
  job->down(again[0].attempt, "killed", now, true);
  BOOST_REQUIRE(effects.failure.has_value());
  BOOST_TEST((effects.failure->first == failure_kind::terminal));
  BOOST_TEST(effects.failure->second.find("more memory than its limit") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_job_whose_tasks_die_on_three_workers_is_quarantined_whatever_the_part) {
  auto work = begin_chunks();
  job->down(work[1].attempt, "crashed", now);
  job->down(grant(2).at(0).attempt, "crashed", now);
  job->down(work[2].attempt, "crashed", now);
  auto last = grant(3);
  BOOST_TEST(!effects.failure.has_value());
  job->down(last.at(0).attempt, "crashed", now);
  BOOST_REQUIRE(effects.failure.has_value());
  BOOST_TEST((effects.failure->first == failure_kind::quarantined));
  BOOST_TEST(effects.failure->second.find("on 3 workers") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(deaths_with_something_finished_in_between_are_no_reason_to_give_up) {
  auto work = begin_chunks();
  for (size_t i = 0; i < 4; ++i) {
    job->down(work[i].attempt, "killed", now);
    auto again = grant(i + 2);
    BOOST_REQUIRE(again.size() == 1u);
    answer(again[0]);
  }
  BOOST_TEST(!effects.failure.has_value());
}

BOOST_AUTO_TEST_CASE(a_job_out_of_time_ends) {
  given.order.limits.time = 10s;
  auto work = begin_chunks();
  for (auto t = 0s; t <= 10s; t += 2s) {
    for (auto& x : work)
      job->on(file_progress{x.attempt, 1, 1, 0.1}, now);
    job->tick(now);
    BOOST_TEST(!effects.failure.has_value());
    now += 2s;
  }
  job->tick(now);
  BOOST_REQUIRE(effects.failure.has_value());
  BOOST_TEST((effects.failure->first == failure_kind::terminal));
  BOOST_TEST(effects.failure->second.starts_with("out of time"));
}

BOOST_AUTO_TEST_CASE(a_job_that_writes_more_than_its_limit_ends) {
  given.order.limits.disk_bytes = 2500;
  auto work = begin_chunks();
  answer(work[0]);
  answer(work[1]);
  BOOST_TEST(!effects.failure.has_value());
  job->on(file_progress{work[2].attempt, 5, 501, 0.1}, now);
  BOOST_TEST(effects.failure.has_value());
}

BOOST_AUTO_TEST_CASE(limits_and_the_disks_refusal_go_with_the_work) {
  given.order.limits.nice = 5;
  auto work = begin_chunks();
  for (auto& x : work)
    BOOST_TEST(effects.asked[x.attempt].label.limits.nice == 5);
}

BOOST_AUTO_TEST_CASE(an_assembly_that_fails_has_the_chunks_examined_and_damaged_ones_made_again_elsewhere) {
  for (auto& x : begin_chunks())
    answer(x);
  auto assembly = grant();
  BOOST_REQUIRE(assembly.size() == 1u);
  fail(assembly[0], true, "a checksum is wrong");
  BOOST_TEST(!effects.failure.has_value());
  auto look = grant();
  BOOST_REQUIRE(look.size() == 1u);
  BOOST_TEST(std::get<probe_work>(look[0].work).chunks.size() == 5u);
  auto found = source();
  found.whole_chunks = {0, 1, 3, 4};
  job->on(file_result{look[0].attempt, found}, now);
  auto again = grant(2);
  BOOST_REQUIRE(again.size() == 1u);
  BOOST_TEST(std::get<chunk_work>(again[0].work).number == 2u);
  BOOST_TEST((effects.asked[again[0].attempt].refused_by == std::vector{worker_id{1}}));
  answer(again[0]);
  finish();
  BOOST_TEST(effects.result.has_value());
}

BOOST_AUTO_TEST_CASE(an_assembly_that_fails_with_chunks_that_are_whole_ends_the_job_with_its_own_reason) {
  for (auto& x : begin_chunks())
    answer(x);
  fail(grant().at(0), true, "the container says no");
  auto look = grant();
  auto found = source();
  found.whole_chunks = {0, 1, 2, 3, 4};
  job->on(file_result{look.at(0).attempt, found}, now);
  BOOST_REQUIRE(effects.failure.has_value());
  BOOST_TEST(effects.failure->second == "the container says no");
}

BOOST_AUTO_TEST_CASE(the_first_chunk_has_the_machine_to_itself_until_its_first_picture_but_not_for_long) {
  config.head_start = 50ms;
  auto work = begin_chunks();
  BOOST_REQUIRE(work.size() == 1u);
  BOOST_TEST(std::get<chunk_work>(work[0].work).number == 0u);
  job->on(file_progress{work[0].attempt, 1, 100, 0.1}, now += 10ms);
  BOOST_TEST(grant().size() == 4u);
  effects = {};
  work = begin_chunks();
  job->tick(now += 49ms);
  BOOST_TEST(grant().empty());
  job->tick(now += 1ms);
  BOOST_TEST(grant().size() == 4u);
}

BOOST_AUTO_TEST_CASE(chunks_share_the_cores_and_the_last_one_has_what_the_others_leave) {
  given.order.chunk_duration = 20s;
  auto work = begin_chunks();
  BOOST_REQUIRE(work.size() == 3u);
  BOOST_TEST(std::get<chunk_work>(work[0].work).threads == 1u);
  BOOST_TEST(std::get<chunk_work>(work[2].work).threads == 1u);
  answer(work[0]);
  job->down(work[2].attempt, "gone", now);
  auto last = grant(2);
  BOOST_TEST(std::get<chunk_work>(last.at(0).work).threads == 0u);
}

BOOST_AUTO_TEST_CASE(an_encoder_that_goes_by_time_makes_its_key_pictures_where_the_source_can_be_cut) {
  given.order.chunk_duration = 0s;
  given.order.video.codec = "libsvtav1";
  auto told = [this](std::chrono::milliseconds asked) {
    given.order.video.keyframe_interval = asked;
    effects = {};
    return std::get<chunk_work>(begin_chunks().at(0).work).video.keyframe_interval;
  };
  BOOST_TEST((told(0ms) == 0ms)); // the source has an access point only every ten seconds
  seen.cuts.clear();
  for (uint64_t i = 0; i < 40; ++i)
    seen.cuts.push_back({static_cast<int64_t>(i) * second, i * 25});
  BOOST_TEST((told(0ms) == 6s));
  BOOST_TEST(effects.chunks.size() > 2u);
  BOOST_TEST((told(2s) == 2s));
  BOOST_TEST(effects.chunks.size() == 2u);
}

BOOST_AUTO_TEST_CASE(sound_that_the_container_does_not_hold_is_converted_and_the_result_says_so) {
  given.order.audio.codec = "copy";
  seen.streams.push_back(seen.streams.back());
  seen.streams.back().stream = 2;
  seen.streams.back().codec = "pcm_s16le";
  seen.streams.back().instead = "aac";
  std::vector<file_work> todo = begin_chunks();
  std::optional<assemble_work> assembly;
  while (!todo.empty() && !assembly) {
    for (auto& x : todo) {
      if (auto* made = std::get_if<chunk_work>(&x.work); made != nullptr && made->kind == chunk_kind::audio) {
        BOOST_TEST(made->audio.codec == "copy");
        BOOST_TEST(made->converted == std::vector<int32_t>{2}, boost::test_tools::per_element());
        BOOST_TEST(made->converted_to == "aac");
        BOOST_TEST(effects.asked.at(x.attempt).encoders == std::vector<std::string>{"aac"},
                   boost::test_tools::per_element());
      }
      answer(x);
    }
    todo = grant();
    if (!todo.empty())
      if (auto* x = std::get_if<assemble_work>(&todo[0].work))
        assembly = *x;
  }
  BOOST_REQUIRE(assembly.has_value());
  BOOST_TEST(assembly->copied == std::vector<int32_t>{1}, boost::test_tools::per_element());
  answer(todo[0]);
  BOOST_REQUIRE(effects.result.has_value());
  BOOST_REQUIRE(effects.result->notes.size() == 1u);
  BOOST_TEST(effects.result->notes[0].find("aac instead of pcm_s16le") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(pictures_that_the_container_does_not_hold_end_the_job_before_anything_is_done) {
  given.order.video.codec = "copy";
  seen.streams[0].instead = "vp9";
  begin();
  for (auto& x : grant())
    answer(x);
  BOOST_REQUIRE(effects.failure.has_value());
  BOOST_TEST(effects.failure->second.find("does not hold") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_result_must_have_what_the_sources_decoder_made_and_says_what_the_source_lacks) {
  seen.notes = {"the source is cut off"};
  seen.late = {{1, {}, 0, {}}, {7, {}, 0, {}}};
  auto work = begin_chunks();
  for (auto& x : work) {
    auto& chunk = std::get<chunk_work>(x.work);
    auto video = chunk.kind == chunk_kind::video;
    BOOST_TEST(chunk.late.size() == (video ? 0u : 1u));
    chunk_done made{1000, std::string(64, 'a'), chunk.pictures.value_or(1875), 0, 37 * second, true};
    // In chunk 1, the decoder makes one picture fewer than planned, although the result reports all 250 pictures.
    if (video)
      made.source_pictures = chunk.number == 1 ? 249 : 250;
    made.damaged = video ? 1 : 0;
    job->on(file_result{x.attempt, made}, now);
  }
  auto last = grant();
  BOOST_REQUIRE(last.size() == 1u);
  auto& assembly = std::get<assemble_work>(last[0].work);
  BOOST_TEST((assembly.pictures == 999u));
  BOOST_TEST(assembly.late.size() == 2u);
  answer(last[0]);
  BOOST_REQUIRE(effects.result.has_value());
  auto& notes = effects.result->notes;
  BOOST_REQUIRE(notes.size() == 4u);
  BOOST_TEST(notes[0] == "the source is cut off");
  BOOST_TEST(notes[1].find("fault with 4 packets") != std::string::npos);
  BOOST_TEST(notes[2].find("1 of the source's 1000 pictures are missing") != std::string::npos);
  BOOST_TEST(notes[3].find("the sound ends 3 s before") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_first_picture_is_counted_from_the_submission) {
  given.waited = 12ms;
  auto work = begin_chunks();
  BOOST_TEST(job->status().first_frame_ms == -1);
  now += 30ms;
  job->on(file_progress{work[1].attempt, 3, 100, 0.1}, now); // sound
  BOOST_TEST(job->status().first_frame_ms == -1);
  job->on(file_progress{work[0].attempt, 1, 100, 0.1}, now);
  BOOST_TEST(job->status().first_frame_ms == 42);
}

BOOST_AUTO_TEST_SUITE_END()

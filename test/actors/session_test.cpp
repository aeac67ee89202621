// A channel session among dummies: its leases come late, too late or for dead tasks, and its tasks die or hang. The
// test compares what a client reads with what the source sent. Each picture's content is a text with its number, which
// can be found in the client's bytes.
#include "actors/live/session.hpp"
#include "dummies.hpp"

#include "packaging/rendition.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace troupe;

namespace session_test {
namespace {

/// The duration of a picture in ticks.
constexpr int64_t frame = 3600;

struct fixture : virtual_time {
  static session_actor_config configured() {
    session_actor_config x;
    x.core.idle_timeout = 10s;
    x.core.stall = {500ms, 5000ms};
    x.core.read_timeout = 1h;
    x.core.slate = slate_kind::none; // silence means something only to the tests that are about it
    return x;
  }

  static profile wanting(const std::string& name, const std::string& video) {
    profile x;
    x.name = name;
    x.video.codec = video;
    return x;
  }

  static stream_format format() {
    stream_format x;
    x.tracks.resize(1);
    x.tracks[0].codec = "mpeg2video";
    x.tracks[0].width = 320;
    x.tracks[0].height = 180;
    x.tracks[0].frame_rate = {25, 1};
    return x;
  }

  /// The picture with this number, or what has another name; `joins` for a random-access point.
  static sample_block picture(int64_t i, bool joins, const std::string& name = "picture") {
    auto text = name + " " + std::to_string(i) + ".";
    auto begin = reinterpret_cast<const std::byte*>(text.data());
    auto flags = static_cast<uint8_t>(sample::closed | (joins ? sample::key | sample::random_access : 0));
    return {{{0, flags, (i + 100) * frame, (i + 100) * frame, frame, static_cast<uint32_t>(text.size())}},
            shared_bytes{shared_bytes::container(begin, begin + text.size())}};
  }

  std::shared_ptr<answer<rendition_ptr>> watch(const profile& x) {
    return ask<rendition_ptr>(*this, session, watch_atom_v, x);
  }

  /// Gives the request with this number a lease for the task.
  void grant(size_t request, const dummy_task_ptr& task) {
    lease x;
    x.id = lease_id{request + 1};
    x.worker = worker_id{request + 1};
    within(coordinator->actor,
           [answer = coordinator->requests.at(request).answer, x, task]() mutable { answer.deliver(x, task->task); });
  }

  void refuse(size_t request, ec code) {
    within(coordinator->actor, [answer = coordinator->requests.at(request).answer, code]() mutable {
      answer.deliver(caf::make_error(code, "no"));
    });
  }

  /// A task that has the lease of that request, and has told its format.
  dummy_task_ptr working(size_t request) {
    auto result = make_dummy_task(*this);
    grant(request, result);
    settle();
    BOOST_REQUIRE(result->attempt());
    caf::anon_send(result->sink, format_change{result->attempt(), format()});
    settle();
    return result;
  }

  /// Sends pictures [from, to) from the task. Every tenth of a source, and the first of a transcode, is random access.
  void send(const dummy_task_ptr& task, int64_t from, int64_t to) {
    for (auto i = from; i < to; ++i)
      task->send(picture(i, task->ingest ? i % 10 == 0 : task->sent == 0));
    settle();
  }

  /// Begins to read the client's stream, from its first picture on.
  void read() {
    reader.emplace((**client)->stream());
    (void)seen();
  }

  /// Starts a source that sends the pictures [0, 20), and a transcode "hd" that delivers [0, made) of them.
  void run_hd(int64_t made) {
    client = watch(wanting("hd", "libx264"));
    source = working(0);
    send(source, 0, 20);
    first = working(1);
    send(first, 0, made);
    read();
    take_all(first);
  }

  /// Acknowledges all batches that the transcoder was sent.
  void take_all(const dummy_task_ptr& task) {
    if (!task->input.empty())
      caf::anon_send(session, batch_ack{task->attempt(), task->input.back().sequence});
    settle();
  }

  /// The numbers of all pictures that the client has read.
  std::vector<int64_t> seen() {
    std::vector<shared_bytes> chunks;
    while (reader->read(chunks, 1 << 20) == variant_stream::reader::outcome::data) {
    }
    for (auto& x : chunks)
      bytes.append(reinterpret_cast<const char*>(x.span().data()), x.size());
    std::vector<int64_t> result;
    constexpr std::string_view word = "picture ";
    for (auto at = bytes.find(word); at != bytes.npos; at = bytes.find(word, at + 1))
      result.push_back(std::stoll(bytes.substr(at + word.size(), 8)));
    return result;
  }

  static std::vector<int64_t> numbers(int64_t from, int64_t to) {
    std::vector<int64_t> result;
    for (; from < to; ++from)
      result.push_back(from);
    return result;
  }

  dummy_coordinator_ptr coordinator = make_dummy_coordinator(*this);
  session_actor session = keep(
    spawn_session(system, configured(), session_id{1}, {"news", {}, {"http://one/a.ts"}, false}, coordinator->actor));
  std::shared_ptr<answer<rendition_ptr>> client;
  dummy_task_ptr source;
  dummy_task_ptr first;
  std::optional<variant_stream::reader> reader;
  std::string bytes;
};

} // namespace
} // namespace session_test

BOOST_FIXTURE_TEST_SUITE(session_test, fixture)

BOOST_AUTO_TEST_CASE(a_client_gets_the_source_as_it_is_from_its_first_random_access_point) {
  client = watch(wanting("source", "copy"));
  BOOST_REQUIRE(coordinator->requests.size() == 1u);
  source = working(0);
  BOOST_TEST(source->ingest->url == "http://one/a.ts");
  send(source, 5, 10);
  BOOST_TEST(!client->came());
  send(source, 10, 13);
  read();
  send(source, 13, 15);
  BOOST_TEST(seen() == numbers(10, 15), boost::test_tools::per_element());
  BOOST_TEST(source->acknowledged.back().sequence == source->sent);
}

BOOST_AUTO_TEST_CASE(the_successor_of_a_dead_transcoder_replays_and_clients_see_each_picture_once) {
  run_hd(15);
  kill(first->task);
  settle();
  BOOST_REQUIRE(coordinator->requests.size() == 3u);
  BOOST_TEST(coordinator->requests[2].what.resumes);
  BOOST_TEST(coordinator->released.at(lease_id{2}).process_failed);
  auto second = working(2);
  BOOST_TEST(second->transcode->spans.at(0).from_pts == (14 + 100) * frame + 1);
  BOOST_TEST(second->input.front().block.samples.front().is_random_access());
  send(first, 15, 20); // sent before it died, but no longer accepted
  send(second, 15, 20);
  send(source, 20, 25);
  send(second, 20, 25);
  BOOST_TEST(seen() == numbers(0, 25), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_task_that_dies_before_its_work_arrives_is_replaced_at_once) {
  client = watch(wanting("hd", "libx264"));
  source = working(0);
  send(source, 0, 10);
  auto dead = make_dummy_task(*this);
  kill(dead->task);
  settle();
  grant(1, dead);
  settle();
  BOOST_REQUIRE(coordinator->requests.size() == 3u);
  BOOST_TEST(coordinator->released.at(lease_id{2}).process_failed);
  first = working(2);
  send(first, 0, 5);
  BOOST_TEST(client->came());
}

BOOST_AUTO_TEST_CASE(a_transcoder_that_takes_nothing_races_a_second_one_and_the_loser_is_stopped) {
  run_hd(15);
  for (int64_t i = 20; i < 60; ++i) { // steady acknowledgements
    send(source, i, i + 1);
    take_all(first);
    pass(40ms);
  }
  send(source, 60, 61);
  pass(1s);
  BOOST_REQUIRE(coordinator->requests.size() == 3u);
  BOOST_TEST((coordinator->requests[2].what.refused_by == std::vector{worker_id{2}}));
  BOOST_TEST(!coordinator->released.contains(lease_id{2}));
  auto second = working(2);
  send(second, 15, 61);
  BOOST_TEST(coordinator->released.contains(lease_id{2}));
  BOOST_TEST(first->stopped);
  send(first, 15, 20);
  BOOST_TEST(seen() == numbers(0, 61), boost::test_tools::per_element());
}

/// Two renditions of a ladder, for which one task has both leases, in front of a source with pictures [0, 20).
struct ladder : fixture {
  ladder() {
    other = watch(wanting("main/sd", "libx264"));
    client = watch(wanting("main/hd", "libx264"));
    source = working(0);
    send(source, 0, 20);
    BOOST_REQUIRE(coordinator->requests.size() == 2u);
    first = shared(1);
  }

  dummy_task_ptr shared(size_t request) {
    auto result = make_dummy_task(*this);
    grant(request, result);
    settle();
    BOOST_REQUIRE(coordinator->requests.size() == request + 2);
    BOOST_TEST(coordinator->requests[request + 1].what.beside.value == request + 1);
    BOOST_TEST(!result->attempt()); // until the second request is answered
    grant(request + 1, result);
    settle();
    BOOST_REQUIRE(result->others.size() == 1u);
    BOOST_TEST((result->others[0].beside == result->attempt()));
    return result;
  }

  /// The task's output for both.
  void make(const dummy_task_ptr& by, int64_t from, int64_t to) {
    for (auto attempt : {by->attempt(), by->others[0].attempt}) {
      caf::anon_send(by->sink, format_change{attempt, format()});
      for (auto i = from; i < to; ++i)
        caf::anon_send(by->sink, sample_batch{attempt, static_cast<uint64_t>(i - from + 1), picture(i, i == from)});
    }
    settle();
  }

  std::shared_ptr<answer<rendition_ptr>> other;
};

BOOST_FIXTURE_TEST_CASE(a_task_that_makes_several_renditions_gets_each_batch_once, ladder) {
  BOOST_TEST(first->input.size() == 10u);
  for (auto& x : first->input)
    BOOST_TEST((x.attempt == first->attempt()));
  make(first, 10, 15);
  BOOST_TEST((client->came() && other->came()));
  BOOST_TEST(first->acknowledged.size() >= 10u);
}

BOOST_AUTO_TEST_CASE(the_sound_of_a_ladder_joins_its_pictures_in_mpeg_ts) {
  auto spoken = wanting("main/sound", "none");
  spoken.audio.codec = "mp2";
  auto shown = wanting("main/hd", "libx264");
  shown.audio.codec = "none";
  auto heard = watch(spoken);
  client = watch(shown);
  auto tracks = format();
  auto& sound = tracks.tracks.emplace_back();
  sound.kind = track_kind::audio;
  sound.codec = "aac";
  sound.sample_rate = 48'000;
  sound.channel_layout = "stereo";
  sound.frame_size = 1152;
  source = make_dummy_task(*this);
  grant(0, source);
  settle();
  caf::anon_send(source->sink, format_change{source->attempt(), tracks});
  send(source, 0, 20);
  first = make_dummy_task(*this);
  for (size_t request : {1, 2}) {
    grant(request, first);
    settle();
  }
  BOOST_REQUIRE(first->others.size() == 1u);
  auto shows_first = first->transcode->target.name == "main/hd";
  auto pictures = shows_first ? first->attempt() : first->others[0].attempt;
  auto words = shows_first ? first->others[0].attempt : first->attempt();
  sound.codec = "mp2";
  caf::anon_send(first->sink, format_change{words, {{sound}}});
  caf::anon_send(first->sink, format_change{pictures, format()});
  for (int64_t i = 10; i < 20; ++i) {
    auto sequence = static_cast<uint64_t>(i - 9);
    caf::anon_send(first->sink, sample_batch{words, sequence, picture(i, true, "word")});
    caf::anon_send(first->sink, sample_batch{pictures, sequence, picture(i, i == 10)});
  }
  pass(1s);
  BOOST_REQUIRE((client->came() && heard->came()));
  read();
  BOOST_TEST(bytes.find("picture 12.") != bytes.npos);
  BOOST_TEST(bytes.find("word 12.") != bytes.npos);
}

BOOST_FIXTURE_TEST_CASE(when_it_dies_one_task_takes_over_all_of_them, ladder) {
  make(first, 10, 15);
  read();
  kill(first->task);
  settle();
  BOOST_TEST((coordinator->released.contains(lease_id{2}) && coordinator->released.contains(lease_id{3})));
  BOOST_REQUIRE(coordinator->requests.size() == 4u);
  auto second = shared(3);
  make(second, 15, 20);
  BOOST_TEST(seen() == numbers(10, 20), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_rendition_that_ends_closes_its_encoder_and_leaves_the_task_to_the_others, ladder) {
  make(first, 10, 15);
  read(); // the second one has no reader
  pass(11s);
  auto of_other = first->transcode->target.name == "main/sd" ? first->attempt() : first->others[0].attempt;
  BOOST_TEST((first->closed == std::vector{of_other}));
  BOOST_TEST(coordinator->released.size() == 1u);
  BOOST_TEST(coordinator->released.begin()->second.closed);
  send(source, 20, 25);
  BOOST_TEST(first->input.size() == 15u);
}

BOOST_FIXTURE_TEST_CASE(of_two_that_end_one_after_the_other_the_last_is_over_with_its_process, ladder) {
  auto keeps_the_session = watch(wanting("source", "copy"));
  variant_stream::reader reads{(**keeps_the_session)->stream()};
  make(first, 10, 15); // nobody reads them
  pass(11s);
  BOOST_TEST(first->closed.size() == 2u);
  BOOST_REQUIRE(coordinator->released.size() == 2u);
  BOOST_TEST(coordinator->released.at(lease_id{2}).closed != coordinator->released.at(lease_id{3}).closed);
}

BOOST_AUTO_TEST_CASE(a_rendition_whose_start_is_not_answered_is_stopped_and_the_others_go_on) {
  auto other = watch(wanting("main/sd", "libx264"));
  client = watch(wanting("main/hd", "libx264"));
  source = working(0);
  send(source, 0, 20);
  first = make_dummy_task(*this);
  first->answers = false;
  for (size_t request : {1, 2}) {
    grant(request, first);
    settle();
  }
  BOOST_REQUIRE(first->others.size() == 1u);
  BOOST_TEST(first->input.empty());
  for (auto i = 20; i < 80; i += 10) {
    pass(1s);
    send(source, i, i + 10);
  }
  BOOST_TEST((first->closed == std::vector{first->others[0].attempt}));
  BOOST_TEST(!first->input.empty());
}

BOOST_AUTO_TEST_CASE(the_late_answer_to_a_request_that_was_asked_again_is_given_back) {
  auto other = watch(wanting("main/sd", "libx264"));
  client = watch(wanting("main/hd", "libx264"));
  source = working(0);
  send(source, 0, 20);
  first = make_dummy_task(*this);
  grant(1, first);
  settle();
  BOOST_REQUIRE(coordinator->requests.size() == 3u);
  pass(configured().lease_timeout + 1s);
  BOOST_REQUIRE(coordinator->requests.size() == 4u);
  BOOST_TEST((coordinator->requests[3].what.label.attempt == coordinator->requests[2].what.label.attempt));
  grant(2, first);
  settle();
  BOOST_TEST(coordinator->released.contains(lease_id{3}));
  auto second = working(3);
  BOOST_TEST((second->attempt() == coordinator->requests[3].what.label.attempt));
  BOOST_TEST(first->others.empty());
  BOOST_TEST(!coordinator->released.contains(lease_id{4}));
}

BOOST_AUTO_TEST_CASE(a_lease_that_comes_after_the_session_stopped_waiting_for_it_is_given_back) {
  auto watching = watch(wanting("source", "copy"));
  source = working(0);
  send(source, 0, 10);
  variant_stream::reader keeps_the_session{(**watching)->stream()};
  client = watch(wanting("hd", "libx264"));
  pass(8s);
  BOOST_TEST((client->error == ec::no_worker));
  auto unused = make_dummy_task(*this);
  grant(1, unused);
  settle();
  BOOST_TEST(!unused->attempt());
  BOOST_TEST(coordinator->released.contains(lease_id{2}));
}

BOOST_AUTO_TEST_CASE(a_session_that_is_stopped_tells_its_clients_and_releases_its_leases) {
  client = watch(wanting("hd", "libx264"));
  source = working(0);
  send(source, 0, 10);
  BOOST_REQUIRE(coordinator->requests.size() == 2u);
  ask(*this, session, stop_atom_v, std::string{"maintenance"});
  BOOST_TEST((client->error == ec::stopping));
  BOOST_TEST(coordinator->released.contains(lease_id{1}));
  BOOST_TEST(source->stopped);
  BOOST_TEST(is_over(session)); // when the session ends, the registry takes back leases that are on their way to it
}

BOOST_AUTO_TEST_CASE(a_session_ends_after_the_registry_took_its_releases) {
  coordinator->unanswered.emplace();
  client = watch(wanting("hd", "libx264"));
  source = working(0);
  send(source, 0, 10);
  ask(*this, session, stop_atom_v, std::string{"maintenance"});
  BOOST_TEST(!is_over(session)); // otherwise the registry could hear of its end first
  BOOST_REQUIRE(coordinator->unanswered->size() == 1u);
  within(coordinator->actor, [answer = coordinator->unanswered->front()]() mutable { answer.deliver(); });
  settle();
  BOOST_TEST(is_over(session));
}

BOOST_AUTO_TEST_CASE(a_session_ends_with_the_idle_time_of_its_last_client) {
  run_hd(15);
  pass(20s);
  BOOST_TEST(!is_over(session));
  reader.reset();
  pass(9s);
  BOOST_TEST(!is_over(session));
  pass(2s);
  BOOST_TEST(is_over(session));
  BOOST_TEST(coordinator->released.size() == 2u);
  for (auto& [id, how] : coordinator->released)
    BOOST_TEST(how.reason == "");
}

BOOST_AUTO_TEST_CASE(a_viewer_between_two_requests_keeps_the_session_running_and_one_that_left_does_not) {
  run_hd(15);
  reader.reset();
  auto shared = **client;
  auto asks = [&] { shared->seen("a viewer's key", scheduler.clock().now()); };
  for (auto i = 0; i < 10; ++i) {
    asks();
    pass(9s);
    BOOST_TEST(!is_over(session));
  }
  // It counts for 10 s after its last request; then the idle time begins, another 10 s.
  asks();
  pass(19s);
  BOOST_TEST(!is_over(session));
  pass(2s);
  BOOST_TEST(is_over(session));
}

BOOST_AUTO_TEST_CASE(a_lease_that_is_over_ends_its_attempt) {
  coordinator->lease_holds = false;
  client = watch(wanting("hd", "libx264"));
  source = working(0);
  send(source, 0, 10);
  first = make_dummy_task(*this);
  lease x;
  x.id = lease_id{2};
  x.seat.gpu = "GPU-a";
  within(coordinator->actor,
         [answer = coordinator->requests.at(1).answer, x, this]() mutable { answer.deliver(x, first->task); });
  settle();
  caf::anon_send(first->sink, format_change{first->attempt(), format()});
  settle();
  BOOST_TEST(coordinator->confirmed.size() == 1u);
  BOOST_TEST(coordinator->released.contains(lease_id{2}));
  BOOST_TEST(coordinator->requests.size() == 3u);
}

BOOST_AUTO_TEST_CASE(the_death_of_the_coordinator_ends_the_session_and_its_clients_streams) {
  run_hd(15);
  kill(coordinator->actor);
  BOOST_TEST(is_over(session));
  (void)seen();
  std::vector<shared_bytes> rest;
  BOOST_TEST((reader->read(rest, 1) == variant_stream::reader::outcome::end));
}

BOOST_AUTO_TEST_CASE(a_source_whose_task_dies_is_opened_again_and_clients_stay) {
  client = watch(wanting("source", "copy"));
  source = working(0);
  send(source, 0, 5);
  read();
  kill(source->task);
  pass(1s);
  BOOST_REQUIRE(coordinator->requests.size() == 2u);
  refuse(1, ec::no_worker);
  pass(2s);
  BOOST_REQUIRE(coordinator->requests.size() == 3u);
  auto again = working(2);
  BOOST_TEST(again->ingest->resume_from == (5 + 100) * frame);
  send(again, 10, 13);
  BOOST_TEST(seen() == (std::vector<int64_t>{0, 1, 2, 3, 4, 10, 11, 12}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(clients_stay_while_the_source_is_away_and_a_successor_continues_the_slate) {
  auto x = configured();
  x.core.slate = slate_kind::last;
  session = keep(spawn_session(system, x, session_id{2}, {"news", {}, {"http://one/a.ts"}, false}, coordinator->actor));
  run_hd(15);
  // A transcoder makes a picture of each 40 ms of absence.
  auto made = int64_t{15};
  auto fill = [&](const dummy_task_ptr& task) {
    auto to = task->input.back().block.samples.front().pts / frame - 100;
    send(task, made, to);
    made = std::max(made, to);
    take_all(task);
  };
  auto later = [&](const dummy_task_ptr& task, std::chrono::milliseconds time) {
    for (auto passed = 0ms; passed < time; passed += 200ms) {
      pass(200ms);
      fill(task);
      (void)seen(); // a client that does not read is moved ahead
    }
  };
  fill(first);
  caf::anon_send(source->sink, stream_end{source->attempt(), "connection refused", false});
  later(first, 10s);
  auto status = ask<session_status>(*this, session, status_atom_v);
  BOOST_TEST((**status).state == "slate");
  BOOST_TEST((**status).outages == 1u);
  BOOST_TEST(made > 20 + 240);
  kill(first->task);
  settle();
  auto last = coordinator->requests.size() - 1;
  BOOST_TEST((coordinator->requests[last].what.label.kind == work_kind::transcode));
  auto second = working(last);
  BOOST_TEST(second->input.front().block.starts_with_random_access());
  BOOST_TEST(second->input.back().block.is_absence());
  later(second, 20s);
  // Pulls were tried meanwhile, and this one succeeds.
  auto pulls = coordinator->requests.size();
  while (coordinator->requests.size() == pulls)
    later(second, 200ms);
  source = working(pulls);
  send(source, 0, 1);
  auto back = second->input.back().block.samples.front();
  BOOST_TEST(back.is_random_access());
  BOOST_TEST(back.pts / frame - 100 >= made);
  send(second, made, back.pts / frame - 99);
  BOOST_TEST(seen() == numbers(0, back.pts / frame - 99), boost::test_tools::per_element());
  status = ask<session_status>(*this, session, status_atom_v);
  BOOST_TEST((**status).state == "running");
}

BOOST_AUTO_TEST_SUITE_END()

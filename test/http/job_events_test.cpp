// Server-sent events: which client gets which texts, and what is kept for a slow client. Over real sockets, with a
// dummy queue: no event comes twice, none is missed between the store and the live events, and a stream ends with its
// job.
#include "client.hpp"
#include "dummy_gateway.hpp"
#include "http/job_events.hpp"
#include "http/server.hpp"

#include <boost/test/unit_test.hpp>
#include <caf/send.hpp>

#include <condition_variable>
#include <deque>

using namespace troupe;
using namespace troupe::http;

BOOST_AUTO_TEST_SUITE(job_events_test)

namespace {

constexpr job_id one{1, 1};
constexpr job_id two{2, 2};

job_event moved(job_id id, int64_t number, const char* from, const char* to, job_queue queue = job_queue::normal) {
  job_event x;
  x.id = id;
  x.queue = queue;
  x.row.number = number;
  x.row.at_ms = 1;
  x.row.from = from;
  x.row.to = to;
  x.row.why = "why\nnot";
  return x;
}

job_event chunk(job_id id, int64_t number, int64_t which) {
  auto x = moved(id, number, "waiting", "leased");
  x.row.chunk = which;
  return x;
}

job_event progress(job_id id, double done) {
  job_event x;
  x.id = id;
  x.status.emplace();
  x.status->done = done;
  return x;
}

job_replay replay_of(job_state state, std::vector<job_event> rows) {
  job_replay result;
  result.job.emplace();
  result.job->job.id = one;
  result.job->job.state = state;
  result.rows = std::move(rows);
  return result;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// A dummy job queue whose answers the test sets.
struct dummy_queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<job_watcher_actor> watchers;
  job_replay replay;
  caf::error failure;
  std::deque<job_replay_question> questions;

  /// Sets the queue's answer to later questions.
  void says(job_replay x) {
    std::lock_guard guard{mutex};
    replay = std::move(x);
  }

  void refuses(caf::error x) {
    std::lock_guard guard{mutex};
    failure = std::move(x);
  }

  void wait_for_watcher() {
    std::unique_lock guard{mutex};
    BOOST_REQUIRE(changed.wait_for(guard, std::chrono::seconds{10}, [this] { return !watchers.empty(); }));
  }

  job_replay_question wait_for_question() {
    std::unique_lock guard{mutex};
    BOOST_REQUIRE(changed.wait_for(guard, std::chrono::seconds{10}, [this] { return !questions.empty(); }));
    auto result = questions.front();
    questions.pop_front();
    return result;
  }

  void tell(std::vector<job_event> events) {
    wait_for_watcher();
    std::lock_guard guard{mutex};
    for (auto& w : watchers)
      caf::anon_send(w, job_news{events});
  }
};

caf::behavior dummy_queue_behavior(caf::event_based_actor* self, std::shared_ptr<dummy_queue> queue) {
  self->attach_functor([queue] {
    std::lock_guard guard{queue->mutex};
    queue->watchers.clear();
  });
  return {
    [queue](const job_subscription& x) {
      std::lock_guard guard{queue->mutex};
      queue->watchers.push_back(x.watcher);
      queue->changed.notify_all();
    },
    [queue](const job_replay_question& x) -> caf::result<job_replay> {
      std::lock_guard guard{queue->mutex};
      queue->questions.push_back(x);
      queue->changed.notify_all();
      if (queue->failure)
        return queue->failure;
      return queue->replay;
    },
  };
}

struct fixture : type_registration {
  explicit fixture(uint32_t clients_max = 16, std::chrono::milliseconds heartbeat = std::chrono::seconds{30},
                   uint32_t per_client = 16) {
    config.listen.port = 0;
    config.event_clients_max = clients_max;
    config.event_heartbeat = heartbeat;
    config.event_clients_per_client = per_client;
    config.log = [](const access_record&) {};
    actor = system.spawn(dummy_queue_behavior, queue);
    auto started = server::start(config, system, caf::actor_cast<gateway_actor>(actor));
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
  }

  ~fixture() {
    web.reset();
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  }

  client listen(const std::string& path, const std::string& more = {}) {
    client result{web->port()};
    result.get(path, more);
    return result;
  }

  /// Reads until the text is there; returns all of the body so far.
  static std::string read_until(client& c, const std::string& part) {
    std::string body;
    c.read_until([&](auto& t) {
      body = client::dechunk(t);
      return contains(body, part);
    });
    return body;
  }

  std::shared_ptr<dummy_queue> queue = std::make_shared<dummy_queue>();
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  server_config config;
  caf::actor actor;
  std::unique_ptr<server> web;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_transition_is_an_event_with_its_number) {
  auto text = event_text(moved(one, 7, "assigned", "running"));
  BOOST_TEST(text.starts_with("id: 7\nevent: state\ndata: {"));
  BOOST_TEST(text.ends_with("}\n\n"));
  BOOST_TEST(contains(text, R"("from":"assigned","to":"running","why":"why\nnot")"));
  BOOST_TEST(event_text(moved(one, 8, "running", "failed")).starts_with("id: 8\nevent: end\n"));
  BOOST_TEST(event_text(chunk(one, 9, 3)).starts_with("id: 9\nevent: chunk\n"));
  BOOST_TEST(event_text(progress(one, 0.5)).starts_with("event: progress\n"));
}

BOOST_AUTO_TEST_CASE(a_filter_lets_through_what_it_names) {
  event_filter all;
  BOOST_TEST(all.passes(moved(one, 1, "", "queued")));
  BOOST_TEST(!all.passes(chunk(one, 1, 3)));
  event_filter of_one;
  of_one.id = one;
  BOOST_TEST(of_one.passes(chunk(one, 1, 3)));
  BOOST_TEST(!of_one.passes(moved(two, 1, "", "queued")));
  auto some = read_event_filter("state=running&state=failed&queue=batch");
  BOOST_REQUIRE(some);
  BOOST_TEST(some->passes(moved(one, 1, "running", "queued", job_queue::batch)));
  BOOST_TEST(!some->passes(moved(one, 1, "running", "queued", job_queue::live)));
  BOOST_TEST(!some->passes(moved(one, 1, "queued", "paused", job_queue::batch)));
  BOOST_TEST(!read_event_filter("state=walking"));
  BOOST_TEST(!read_event_filter("colour=red"));
  BOOST_TEST(read_last_event_id("12").value() == 12);
  for (auto bad : {"", "-1", "x", "1x", "99999999999999999999"})
    BOOST_TEST(!read_last_event_id(bad));
}

BOOST_AUTO_TEST_CASE(of_progress_only_the_latest_waits) {
  auto counters = std::make_shared<event_statistics>();
  event_feed feed{{}, counters};
  std::shared_ptr<const std::string> text;
  for (int i = 0; i < 100; ++i) {
    text.reset();
    feed.offer(progress(one, i / 100.0), text);
  }
  text.reset();
  feed.offer(moved(one, 5, "running", "completed"), text);
  auto pieces = feed.take();
  BOOST_REQUIRE(pieces.has_value());
  BOOST_REQUIRE(pieces->size() == 2u);
  BOOST_TEST(contains(*(*pieces)[0].text, "9.9E-1"));
  BOOST_TEST((*pieces)[1].end);
  BOOST_TEST(counters->skipped == 99u);
  BOOST_TEST(counters->dropped == 0u);
}

BOOST_AUTO_TEST_CASE(one_for_whom_too_much_waits_is_told_that_it_missed_something) {
  auto counters = std::make_shared<event_statistics>();
  event_feed feed{{}, counters};
  for (size_t i = 0; i < 3 * event_feed::events_max; ++i) {
    std::shared_ptr<const std::string> text;
    feed.offer(moved(one, static_cast<int64_t>(i) + 1, "queued", "assigned"), text);
  }
  BOOST_TEST(!feed.take());
  BOOST_TEST(counters->dropped == 1u);
}

BOOST_AUTO_TEST_CASE(a_job_is_followed_from_what_it_is_to_its_end) {
  fixture f;
  f.queue->says(replay_of(job_state::running, {moved(one, 4, "assigned", "running")}));
  auto c = f.listen("/api/v1/jobs/" + to_string(one) + "/events");
  auto head = c.read_head();
  BOOST_TEST(head.status == 200);
  BOOST_TEST(head.has("Content-Type: text/event-stream"));
  auto asked = f.queue->wait_for_question();
  BOOST_TEST((asked.id == one));
  BOOST_TEST(!asked.after);
  BOOST_TEST(fixture::read_until(c, "\n\n").starts_with("id: 4\nevent: job\ndata: {"));
  // A transition that the first event contains is not sent again; events of other jobs are not sent at all.
  f.queue->tell({moved(one, 4, "assigned", "running"), moved(two, 5, "", "queued"), progress(one, 0.25),
                 chunk(one, 6, 0), moved(one, 7, "running", "completed")});
  auto rest = c.read_all();
  bool ended = false;
  auto body = client::dechunk(rest, &ended);
  BOOST_TEST(ended);
  BOOST_TEST(!contains(body, "event: state"));
  BOOST_TEST(!contains(body, to_string(two)));
  BOOST_TEST(contains(body, "event: progress"));
  BOOST_TEST(contains(body, "id: 6\nevent: chunk"));
  BOOST_TEST(contains(body, "id: 7\nevent: end"));
}

BOOST_AUTO_TEST_CASE(who_comes_back_gets_what_was_missed_once) {
  fixture f;
  f.queue->says({{}, {moved(one, 11, "", "queued"), moved(two, 12, "", "queued")}, false});
  auto c = f.listen("/api/v1/jobs/events", "Last-Event-ID: 10\r\n");
  BOOST_TEST(c.read_head().status == 200);
  auto asked = f.queue->wait_for_question();
  BOOST_TEST(!asked.id);
  BOOST_TEST(asked.after.value() == 10);
  fixture::read_until(c, "id: 12\n");
  f.queue->tell({moved(two, 12, "", "queued"), moved(two, 13, "queued", "assigned")});
  auto body = fixture::read_until(c, "id: 13\n");
  for (auto id : {"id: 11\n", "id: 12\n", "id: 13\n"})
    BOOST_TEST(body.find(id) == body.rfind(id));
}

BOOST_AUTO_TEST_CASE(a_job_that_was_over_already_is_no_stream) {
  fixture f;
  f.queue->says(replay_of(job_state::failed, {}));
  auto seen = f.listen("/api/v1/jobs/" + to_string(one) + "/events", "Last-Event-ID: 9\r\n");
  BOOST_TEST(seen.read_response().status == 204);
  f.queue->says(replay_of(job_state::failed, {moved(one, 9, "running", "failed")}));
  auto late = f.listen("/api/v1/jobs/" + to_string(one) + "/events");
  late.read_head();
  auto body = client::dechunk(late.read_all());
  BOOST_TEST(contains(body, "event: job\n"));
  BOOST_TEST(contains(body, "event: end\n"));
}

BOOST_AUTO_TEST_CASE(an_end_between_two_reads_of_the_store_ends_the_stream) {
  fixture f;
  f.queue->says(replay_of(job_state::assigned, {moved(one, 9, "assigned", "failed")}));
  for (auto seen : {"", "Last-Event-ID: 8\r\n"}) {
    auto c = f.listen("/api/v1/jobs/" + to_string(one) + "/events", seen);
    c.read_head();
    BOOST_TEST(contains(client::dechunk(c.read_all()), "id: 9\nevent: end\n"));
  }
  // A job that failed and was then retried is not over.
  f.queue->says(replay_of(job_state::failed, {moved(one, 9, "running", "failed"), moved(one, 10, "failed", "queued")}));
  auto c = f.listen("/api/v1/jobs/" + to_string(one) + "/events");
  c.read_head();
  fixture::read_until(c, "event: job");
  f.queue->tell({moved(one, 11, "queued", "cancelled")});
  BOOST_TEST(contains(client::dechunk(c.read_all()), "id: 11\nevent: end\n"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_followed_is_refused) {
  fixture f{1};
  BOOST_TEST(f.listen("/api/v1/jobs/12/events").read_response().status == 404);
  BOOST_TEST(f.listen("/api/v1/jobs/events?state=x").read_response().status == 400);
  f.queue->refuses(caf::make_error(ec::unknown_job, "there is none"));
  BOOST_TEST(f.listen("/api/v1/jobs/" + to_string(one) + "/events").read_response().status == 404);
  auto first = f.listen("/api/v1/jobs/events");
  first.read_head();
  fixture::read_until(first, ": welcome");
  BOOST_TEST(f.listen("/api/v1/jobs/events").read_response().status == 503);
  BOOST_TEST(f.listen("/api/v1/jobs/events", "Connection: close\r\n").read_response().status == 503);
}

BOOST_AUTO_TEST_CASE(a_silent_stream_shows_that_it_lives) {
  fixture f{4, std::chrono::milliseconds{50}};
  auto c = f.listen("/api/v1/jobs/events");
  c.read_head();
  fixture::read_until(c, ": nothing new\n\n");
}

BOOST_AUTO_TEST_CASE(one_client_does_not_take_every_stream) {
  fixture f{16, std::chrono::seconds{30}, 2};
  std::vector<client> listening;
  for (int i = 0; i < 2; ++i) {
    listening.push_back(f.listen("/api/v1/jobs/events"));
    BOOST_TEST(listening.back().read_head().status == 200);
  }
  auto more = f.listen("/api/v1/jobs/events").read_response();
  BOOST_TEST(more.status == 503);
  BOOST_TEST(contains(more.body, "limit of event streams"));
  listening.clear();
  while (f.listen("/api/v1/jobs/events").read_head().status == 503) {
  }
}

BOOST_AUTO_TEST_SUITE_END()

#include "actors/jobs/file_worker.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/jobs/file_tasks.hpp"
#include "encoder/log.hpp"
#include "encoder/window/scheduling.hpp"
#include "telemetry/log.hpp"

#include <caf/send.hpp>

#include <atomic>
#include <mutex>
#include <thread>

namespace troupe {

namespace {

constexpr auto report_interval = std::chrono::milliseconds{500};

/// How long the client may take to receive the message that the work is over.
constexpr auto result_timeout = std::chrono::seconds{5};

std::string_view name_of(const file_work& x) {
  constexpr std::string_view names[] = {"probe", "chunk", "assemble"};
  return names[x.work.index()];
}

} // namespace

/// The thread that works. Everything that it shares with the actor is guarded or atomic. Only the actor knows for which
/// attempt it works.
class file_runner {
public:
  file_runner(const file_work& work, const task_place& place, const av::engine& codecs,
              file_worker_state::interface owner)
    : work_(work), place_(place), codecs_(codecs), owner_(std::move(owner)), thread_([this] { run(); }) {}

  ~file_runner() {
    stop_ = true;
    thread_.join();
  }

  file_progress progress() {
    auto said = said_so_far(false);
    std::lock_guard guard{mutex_};
    return {{}, latest_.frames, latest_.bytes, latest_.done, std::move(said)};
  }

private:
  void run() {
    av::prefer_throughput();
    av::work_control control{stop_, [this](const av::work_progress& x) {
                               auto first = false;
                               {
                                 std::lock_guard guard{mutex_};
                                 first = x.frames > 0 && latest_.frames == 0;
                                 latest_ = x;
                               }
                               if (first)
                                 caf::anon_send(owner_, finish_atom_v);
                             }};
    file_result result{{}, do_file_work(work_, place_, codecs_, control), {}};
    result.log = said_so_far(true);
    if (!stop_)
      caf::anon_send(owner_, std::move(result));
  }

  std::vector<file_log_line> said_so_far(bool all) {
    std::vector<file_log_line> result;
    for (auto& x : said_.take(all))
      result.push_back({x.at_ms, x.error, std::move(x.text)});
    return result;
  }

  const file_work work_;
  const task_place& place_;
  const av::engine& codecs_;
  file_worker_state::interface owner_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_; ///< guards `latest_`
  av::work_progress latest_;
  av::work_log said_;
  std::thread thread_;
};

file_worker_state::file_worker_state(interface::pointer self, file_work work, file_client_actor client,
                                     task_place place, const av::engine& codecs)
  : self(self), work(std::move(work)), client(std::move(client)), place(std::move(place)), codecs(codecs) {}

file_worker_state::~file_worker_state() = default;

bool file_worker_state::outlives_clients() const {
  return std::holds_alternative<chunk_work>(work.work);
}

void file_worker_state::follow(file_client_actor x) {
  if (client)
    self->demonitor(client);
  client = std::move(x);
  self->monitor(client);
}

void file_worker_state::lose_client() {
  if (!outlives_clients())
    return self->quit();
  if (client)
    log::info("file work goes on without a client", {{"kind", name_of(work)}, {"attempt", work.attempt}});
  client = nullptr;
}

void file_worker_state::deliver() {
  if (!client || !result)
    return;
  result->attempt = work.attempt;
  self->request(client, result_timeout, *result)
    .then([this] { self->quit(); }, [this](const caf::error&) { lose_client(); });
}

file_worker_state::interface::behavior_type file_worker_state::make_behavior() {
  self->set_down_handler([this](const caf::down_msg& x) {
    if (client == x.source)
      lose_client();
  });
  follow(std::move(client));
  runner = std::make_unique<file_runner>(work, place, codecs, interface{self});
  self->delayed_send(self, report_interval, tick_atom_v);
  return {
    [this](stop_atom) { self->quit(); },
    [this](attempt_id attempt, file_client_actor& x) {
      work.attempt = attempt;
      follow(std::move(x));
      deliver();
    },
    [this](file_result& x) {
      if (auto* why = std::get_if<file_failure>(&x.outcome))
        log::warning("file work failed", {{"kind", name_of(work)}, {"attempt", work.attempt}, {"reason", why->reason}});
      result = std::move(x);
      deliver();
    },
    [this](finish_atom) { report(); },
    [this](tick_atom) {
      self->delayed_send(self, report_interval, tick_atom_v);
      report();
    },
  };
}

void file_worker_state::report() {
  if (!client)
    return;
  auto x = runner->progress();
  x.attempt = work.attempt;
  self->send(client, x);
}

local_file_worker_actor spawn_file_worker(caf::actor_system& system, file_work work, file_client_actor client,
                                          task_place place, const av::engine& codecs) {
  log::info("file work begins", {{"kind", name_of(work)}, {"attempt", work.attempt}});
  return system.spawn<actor_of<file_worker_state>>(std::move(work), std::move(client), std::move(place), codecs);
}

} // namespace troupe

#include "actors/live/session.hpp"

#include "actors/common/actor_of.hpp"
#include "messages/unix_time.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <type_traits>

namespace troupe {

namespace {

constexpr auto session_interval = std::chrono::milliseconds{100};

/// How long a warm task may take to accept its work; the work then reports by itself.
constexpr auto transcode_start_timeout = std::chrono::seconds{5};

/// A task may make several renditions. If one of them ends, the task must close its encoder within this time.
constexpr auto stop_timeout = std::chrono::seconds{5};

/// A lease that comes after the session has stopped waiting for it is given back, if it comes within this time.
constexpr auto late_lease_timeout = std::chrono::hours{1};

/// Number of attempts in one session before their numbers would overlap those of the next.
constexpr uint64_t attempts_per_session = uint64_t{1} << 24;

/// Errors of the media and of encoders are terminal, because they are the same on any worker.
bool is_terminal(const caf::error& x) {
  return x == ec::encode_failed || x == ec::source_failed;
}

std::string words(const caf::error& x) {
  if (x.context().size() == 1 && x.context().match_element<std::string>(0))
    return x.context().get_as<std::string>(0);
  return caf::to_string(x);
}

core::session_config for_transport_streams(core::session_config x) {
  x.held = delivery_holds;
  // The output's clock is behind the decoding times by 0.7 s, and encoded audio begins a little earlier.
  x.earliest_dts = std::chrono::seconds{1};
  return x;
}

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (auto& x : words)
    result += (result.empty() ? "" : ", ") + x;
  return result;
}

ec code_of(const caf::error& x) {
  return x.category() == caf::type_id_v<ec> ? static_cast<ec>(x.code()) : ec::no_worker;
}

} // namespace

session_state::session_state(interface::pointer self, session_actor_config config, session_id id, channel source,
                             leases_actor coordinator)
  : self(self),
    config(config),
    id(id),
    channel_name(source.name),
    coordinator(std::move(coordinator)),
    memory(config.memory_folder, channel_name),
    session(for_transport_streams(config.core), id, std::move(source), *this, self->now(), unix_ms(), memory.read()),
    quarantined(config.quarantine_for) {}

session_state::~session_state() {
  for (auto& [name, out] : outputs)
    out.end("the session has ended");
}

session_state::interface::behavior_type session_state::make_behavior() {
  self->monitor(coordinator);
  self->set_down_handler([this](const caf::down_msg& x) {
    if (coordinator == x.source)
      return self->quit(x.reason);
    task_gone(x.source);
  });
  self->delayed_send(self, session_interval, tick_atom_v);
  log::info("the session starts", {{"channel", channel_name}, {"session", id}});
  return {
    [this](const sample_batch& x) {
      session.on(x, self->now());
      settle();
    },
    [this](const format_change& x) {
      confirm(x.attempt);
      if (!x.not_carried.empty() && x.not_carried != session.not_carried())
        log::warning("streams of the source are not carried",
                     {{"channel", channel_name}, {"session", id}, {"streams", joined(x.not_carried)}});
      session.on(x, self->now());
      settle();
    },
    [this](const stream_end& x) {
      auto a = attempts.find(x.attempt);
      auto is_source = a != attempts.end() && std::holds_alternative<ingest_actor>(a->second.worker);
      if (is_source && !x.reason.empty())
        log::warning("the source is lost",
                     {{"channel", channel_name}, {"session", id}, {"attempt", x.attempt}, {"reason", x.reason}});
      else
        log::info("a task's work is over",
                  {{"channel", channel_name}, {"session", id}, {"attempt", x.attempt}, {"reason", x.reason}});
      session.on(x, self->now());
      settle();
    },
    [this](attempt_id attempt, const work_statistics& x) {
      session.on(attempt, x, self->now());
      if (auto i = attempts.find(attempt); i != attempts.end() && i->second.held)
        self->send(coordinator, i->second.held->id, x);
    },
    [this](watch_atom, const profile& target) -> caf::result<rendition_ptr> {
      if (over)
        return caf::make_error(caf::sec::request_receiver_down); // as if it came a moment later
      if (auto why = quarantined.refusal(target.name, self->now()); !why.empty())
        return caf::make_error(ec::encode_failed, why);
      auto result = self->make_response_promise<rendition_ptr>();
      auto ticket = next_ticket++;
      waiting.emplace(ticket, result);
      session.watch(target, ticket, self->now());
      settle();
      return result;
    },
    [this](status_atom) {
      auto result = session.status();
      for (auto& v : result.variants) {
        auto i = outputs.find(v.profile);
        if (i == outputs.end())
          continue;
        auto& out = *i->second.shared();
        auto count = out.stream()->count();
        v.clients = out.clients(self->now());
        v.clients_total = out.clients_total();
        v.skips = count.skips;
        v.buffered_bytes = count.buffered_bytes;
        v.bytes_out = count.bytes_total;
      }
      return result;
    },
    [this](stop_atom, const std::string& reason) {
      session.shut_down(reason);
      settle();
    },
    [this](const batch_ack& x) {
      session.on(x, self->now());
      settle();
    },
    [this](move_atom, lease_id lease) {
      session.move(lease, self->now());
      settle();
    },
    [this](tick_atom) {
      if (over)
        return;
      self->delayed_send(self, session_interval, tick_atom_v);
      session.tick(self->now());
      release();
      for (auto& [profile, out] : outputs)
        out.pass_time(self->now());
      remember();
      settle();
    },
  };
}

void session_state::settle() {
  for (auto& [profile, why] : std::exchange(failed_outputs, {})) {
    log::warning("a rendition cannot be put into its container",
                 {{"channel", channel_name}, {"profile", profile}, {"session", id}, {"reason", why}});
    session.output_failed(profile, why);
  }
  for (; source_restarts_told < session.source_restarts(); ++source_restarts_told)
    config.failovers->source_restarted();
  if (auto lost = session.frames_lost(); lost != frames_lost_told) {
    if (lost > frames_lost_told)
      config.failovers->lost_frames(lost - frames_lost_told);
    frames_lost_told = lost;
  }
  if (!over && session.finished()) {
    log::info("the session ends", {{"channel", channel_name}, {"session", id}});
    memory.forget();
    over = true;
  }
  if (over && releases == 0)
    self->quit();
}

// -- tasks --------------------------------------------------------------------

attempt_id session_state::next_attempt() {
  return attempt_id{id.value * attempts_per_session + ++attempts_made};
}

void session_state::request_lease(const lease_request& x) {
  auto number = x.label.attempt;
  auto request = attempts[number].request = ++requests_made;
  auto patience = config.lease_timeout;
  if (x.video.policy == exhaustion_policy::queue)
    patience += std::max(config.core.queue_timeout, x.video.queue_timeout);
  self->run_delayed(patience, [this, number, request] {
    if (auto* a = asked(number, request); a != nullptr && !a->held)
      lease_failed(number, caf::make_error(ec::no_worker, "the coordinator does not answer"));
  });
  self->request(coordinator, late_lease_timeout, x)
    .then(
      [this, number, request](const lease& held, const task_actor& task) {
        auto* a = asked(number, request);
        if (a == nullptr) {
          self->send(coordinator, release_atom_v, held.id, lease_end{});
          return;
        }
        if (!is_shared(task))
          self->monitor(task);
        a->held = held;
        a->task = task;
        session.leased(number, held, self->now());
        settle();
      },
      [this, number, request](const caf::error& why) {
        if (asked(number, request) != nullptr)
          lease_failed(number, why);
      });
}

void session_state::task_gone(const caf::actor_addr& task) {
  std::vector<attempt_id> over;
  for (auto& [number, a] : attempts)
    if (a.task == task)
      over.push_back(number);
  for (auto number : over)
    session.down(number, "the task process is gone", self->now());
  session.ask_together(); // those that it made together are made together again
  settle();
}

bool session_state::is_shared(const task_actor& task) const {
  return std::any_of(attempts.begin(), attempts.end(), [&](auto& x) { return x.second.task == task; });
}

transcoder_actor session_state::transcoder_of(attempt_id attempt) const {
  auto i = attempts.find(attempt);
  auto* found = i == attempts.end() ? nullptr : std::get_if<transcoder_actor>(&i->second.worker);
  return found == nullptr ? transcoder_actor{} : *found;
}

transcoder_actor session_state::transcoder_of(const task_actor& task) const {
  for (auto& [number, a] : attempts)
    if (auto* found = std::get_if<transcoder_actor>(&a.worker); found != nullptr && a.task == task)
      return *found;
  return {};
}

session_state::attempt* session_state::asked(attempt_id attempt, uint64_t request) {
  auto i = attempts.find(attempt);
  return i == attempts.end() || i->second.request != request ? nullptr : &i->second;
}

void session_state::lease_failed(attempt_id attempt, const caf::error& why) {
  attempts.erase(attempt);
  log::warning("no task for the work",
               {{"channel", channel_name}, {"session", id}, {"attempt", attempt}, {"reason", words(why)}});
  session.lease_failed(attempt, code_of(why), words(why), self->now());
  settle();
}

template <class Handle, class Work>
void session_state::start_on_task(const Work& work) {
  auto number = work.attempt;
  auto i = attempts.find(number);
  if (i == attempts.end())
    return;
  if (auto& warning = i->second.held->seat.warning; !warning.empty())
    log::warning("another encoder than the profile's",
                 {{"channel", channel_name}, {"session", id}, {"reason", warning}});
  log::info("a task starts",
            {{"channel", channel_name},
             {"session", id},
             {"task", i->second.held->task},
             {"attempt", number},
             {"worker", i->second.held->worker_name.empty() ? "coordinator" : i->second.held->worker_name}});
  self->request(i->second.task, transcode_start_timeout, work, sample_sink_actor{self})
    .then(
      [this, number](const Handle& handle) {
        auto a = attempts.find(number);
        if (a != attempts.end()) {
          a->second.worker = handle;
          session.started(number, self->now());
          settle();
        } else if constexpr (std::is_same_v<Handle, transcoder_actor>) {
          self->send(handle, stop_atom_v, number);
        } else {
          self->send(handle, stop_atom_v);
        }
      },
      [this, number](const caf::error& why) {
        // An error that is not an `ec` concerns the task process: it is gone, or does not answer.
        auto process_failed = why.category() != caf::type_id_v<ec>;
        session.start_failed(number, {words(why), process_failed}, is_terminal(why), self->now());
        settle();
      });
}

void session_state::start(const ingest_work& x) {
  start_on_task<ingest_actor>(x);
}

void session_state::start(const transcode_work& x) {
  if (auto i = attempts.find(x.attempt); i != attempts.end())
    i->second.feed = x.beside ? x.beside : x.attempt;
  start_on_task<transcoder_actor>(x);
}

void session_state::send(const sample_batch& x) {
  auto fed = std::find_if(attempts.begin(), attempts.end(), [&](auto& a) { return a.second.feed == x.attempt; });
  if (fed != attempts.end())
    if (auto transcoder = transcoder_of(fed->first))
      self->send(transcoder, x);
}

void session_state::acknowledge(const batch_ack& x) {
  auto i = attempts.find(x.attempt);
  if (i == attempts.end())
    return;
  if (auto ingest = std::get_if<ingest_actor>(&i->second.worker))
    self->send(*ingest, x);
  else if (auto transcoder = transcoder_of(x.attempt))
    self->send(transcoder, x);
}

void session_state::finish(attempt_id attempt) {
  if (auto transcoder = transcoder_of(attempt))
    self->send(transcoder, finish_atom_v, attempt);
}

void session_state::finish(attempt_id attempt, int64_t to_pts) {
  if (auto transcoder = transcoder_of(attempt))
    self->send(transcoder, finish_atom_v, attempt, to_pts);
}

void session_state::stop(attempt_id attempt, const lease_end& how) {
  auto i = attempts.find(attempt);
  if (i == attempts.end() || !i->second.held)
    return; // its lease is still to come: `session::leased` will find that the attempt is over, and stop it then
  if (!how.reason.empty())
    log::warning("a task is given up",
                 {{"channel", channel_name}, {"session", id}, {"attempt", attempt}, {"reason", how.reason}});
  // If the start of one attempt is not answered, the task may make it all the same, beside the others.
  auto transcoder = transcoder_of(i->second.task);
  auto a = std::move(i->second);
  attempts.erase(i);
  auto shared = is_shared(a.task);
  if (!shared)
    self->demonitor(a.task);
  // The registry learns of this actor's end by another way than of a release, and then takes all its tasks for ended
  // well. So the session ends only after its releases are answered.
  auto release = [this, lease = a.held->id, how](bool closed) {
    ++releases;
    auto answered = [this] {
      --releases;
      settle();
    };
    lease_end end{how.reason, how.process_failed, closed};
    self->request(coordinator, config.lease_timeout, release_atom_v, lease, end)
      .then(answered, [answered](const caf::error&) { answered(); });
  };
  if (transcoder && shared && !how.process_failed) {
    // The process lives on, so the lease is over when the encoder is closed.
    self->request(transcoder, stop_timeout, stop_atom_v, attempt)
      .then([release] { release(true); }, [release](const caf::error&) { release(false); });
    return;
  }
  if (auto ingest = std::get_if<ingest_actor>(&a.worker))
    self->send(*ingest, stop_atom_v);
  else if (transcoder)
    self->send(transcoder, stop_atom_v, attempt);
  release(false);
}

void session_state::device_failed(attempt_id attempt, const std::string& why) {
  auto i = attempts.find(attempt);
  if (i == attempts.end() || !i->second.held)
    return;
  log::warning("a device refused its task", {{"channel", channel_name},
                                             {"session", id},
                                             {"attempt", attempt},
                                             {"worker", i->second.held->worker_name},
                                             {"device", i->second.held->seat.device},
                                             {"reason", why}});
  self->send(coordinator, quarantine_atom_v, i->second.held->id, why);
}

void session_state::confirm(attempt_id attempt) {
  auto i = attempts.find(attempt);
  if (i == attempts.end() || !i->second.held || i->second.held->seat.gpu.empty() || i->second.confirmed)
    return;
  i->second.confirmed = true;
  self->request(coordinator, config.lease_timeout, confirm_atom_v, i->second.held->id)
    .then(
      [this, attempt](bool holds) {
        if (holds)
          return;
        session.down(attempt, "its lease is over", self->now());
        settle();
      },
      [](const caf::error&) {}); // a restarted registry counts what the driver reports
}

session_actor spawn_session(caf::actor_system& system, session_actor_config config, session_id id, channel source,
                            leases_actor coordinator) {
  return system.spawn<actor_of<session_state>>(config, id, std::move(source), std::move(coordinator));
}

} // namespace troupe

#include "actors/coordinator.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/live/live_plan.hpp"
#include "base/mask_url.hpp"
#include "base/random_id.hpp"
#include "config/waits.hpp"
#include "messages/unix_time.hpp"
#include "telemetry/log.hpp"

#include <caf/send.hpp>

#include <memory>

namespace troupe {

namespace {

constexpr auto status_timeout = config::defaults::status_wait;

} // namespace

coordinator_state::coordinator_state(interface::pointer self, coordinator_config config)
  : self(self),
    config(std::move(config)),
    renditions(this->config.profiles),
    quarantined(this->config.session.quarantine_for) {
  for (auto& [name, ladder] : this->config.ladders)
    for (auto& x : core::profiles_of(ladder, this->config.profiles))
      renditions.emplace(x.name, x);
}

coordinator_state::~coordinator_state() {
  caf::anon_send_exit(registry, caf::exit_reason::user_shutdown);
  if (jobs)
    caf::anon_send_exit(jobs, caf::exit_reason::user_shutdown);
  if (ingest_host)
    caf::anon_send_exit(ingest_host, caf::exit_reason::user_shutdown);
  for (auto& [name, session] : sessions)
    caf::anon_send_exit(session, caf::exit_reason::user_shutdown);
}

coordinator_state::interface::behavior_type coordinator_state::make_behavior() {
  self->set_down_handler([this](const caf::down_msg& x) { on_down(x); });
  start_registry();
  start_jobs();
  return {
    [this](register_atom, const std::string& address) {
      config.ingest_host.connect_to(address);
      start_ingest_host();
    },
    [this](const registration& x, const task_host_actor& host) -> caf::result<caf::timespan, daemon_registry_actor> {
      auto answer = self->make_response_promise<caf::timespan, daemon_registry_actor>();
      self->request(registry, status_timeout, x, host)
        .then([this, answer](caf::timespan every) mutable { answer.deliver(every, daemon_registry_actor{registry}); },
              [answer](caf::error& why) mutable { answer.deliver(std::move(why)); });
      return answer;
    },
    [this](const task_join& x, const task_actor& task) { return self->delegate(registry, x, task); },
    [this](const task_join& x, const file_work& work, const orphan_actor& task) -> caf::result<void> {
      if (x.version != config.registry.workers.version)
        return caf::make_error(ec::refused, "the task is of another version");
      return self->delegate(jobs, x, work, task);
    },
    [this](const task_join& x, const lease_request& what, const orphan_actor& task) {
      return self->delegate(registry, x, what, task);
    },
    [this](watch_atom, const std::string& channel, const std::string& profile) -> caf::result<rendition_ptr> {
      auto answer = self->make_response_promise<rendition_ptr>();
      watch(channel, profile, answer, false);
      return answer;
    },
    [this](const lease_request& x) { return self->delegate(registry, x); },
    [this](release_atom x, lease_id id, const lease_end& how) { return self->delegate(registry, x, id, how); },
    [this](confirm_atom x, lease_id id) { return self->delegate(registry, x, id); },
    [this](quarantine_atom x, lease_id id, const std::string& why) { return self->delegate(registry, x, id, why); },
    [this](status_atom x) { return self->delegate(registry, x); },
    [this](lease_id id, const work_statistics& x) { return self->delegate(registry, id, x); },
    [this](status_atom x, worker_id host, task_id task) { return self->delegate(registry, x, host, task); },
    [this](quarantine_atom, const std::string& channel, const std::string& profile, const std::string& why) {
      quarantined.add(channel + "/" + profile, why, self->now());
    },
    [this](daemons_atom x) { return self->delegate(registry, x); },
    [this](drain_atom x, const std::string& worker) { return self->delegate(registry, x, worker); },
    [this](resume_atom x, const std::string& worker) { return self->delegate(registry, x, worker); },
    [this](remove_atom x, const std::string& worker) { return self->delegate(registry, x, worker); },
    [this](sessions_atom) { return sessions_status(); },
    [this](channels_atom) {
      std::vector<channel_status> result;
      for (auto& [name, x] : config.channels)
        result.push_back(status_of(x));
      return result;
    },
    [this](profiles_atom) {
      std::vector<profile> result;
      for (auto& [name, x] : config.profiles)
        result.push_back(x);
      return result;
    },
    [this](submit_atom x, const job_submission& job) { return self->delegate(jobs, x, job); },
    [this](cancel_atom x, job_id id) { return self->delegate(jobs, x, id); },
    [this](pause_atom x, job_id id) { return self->delegate(jobs, x, id); },
    [this](resume_atom x, job_id id) { return self->delegate(jobs, x, id); },
    [this](retry_atom x, job_id id) { return self->delegate(jobs, x, id); },
    [this](remove_atom x, job_id id) { return self->delegate(jobs, x, id); },
    [this](jobs_atom x, const job_question& what) { return self->delegate(jobs, x, what); },
    [this](job_atom x, job_id id) { return self->delegate(jobs, x, id); },
    [this](const job_subscription& x) { return self->delegate(jobs, x); },
    [this](const job_replay_question& x) { return self->delegate(jobs, x); },
    [this](const job_log_question& x) { return self->delegate(jobs, x); },
    [this](const callbacks_question& x) { return self->delegate(jobs, x); },
    [this](const callback_outcome& x) { return self->delegate(jobs, x); },
  };
}

channel_status coordinator_state::status_of(const channel& x) {
  channel_status result{x.name, x.title, x.urls, x.loop, {}};
  for (auto& url : result.urls)
    url = base::mask_url(url);
  auto now = self->now();
  for (auto& [name, p] : renditions)
    if (auto q = quarantined.find(x.name + "/" + name, now)) {
      auto left = std::chrono::duration_cast<std::chrono::milliseconds>(q->until - now);
      result.quarantined.push_back({name, q->reason, unix_ms() + left.count()});
    }
  return result;
}

void coordinator_state::start_jobs() {
  jobs = config.start.jobs(self->system(), config.jobs, gateway_actor{self});
  self->monitor(jobs);
}

void coordinator_state::start_registry() {
  auto with = config.registry;
  with.leases.first_lease = base::random_id() >> 1; // random, so that no id of an earlier registry's lease comes again
  registry = config.start.registry(self->system(), std::move(with));
  self->monitor(registry);
  if (ingest_host)
    self->send(registry, config.ingest_host.host, task_host_actor{ingest_host});
}

void coordinator_state::start_ingest_host() {
  ingest_host = config.start.ingest_host(self->system(), config.ingest_host);
  self->monitor(ingest_host);
  self->send(registry, config.ingest_host.host, task_host_actor{ingest_host});
}

bool coordinator_state::may_restart(const char* what) {
  auto now = self->now();
  while (!restarts.empty() && now - restarts.front() > config.restart_window)
    restarts.pop_front();
  restarts.push_back(now);
  if (restarts.size() <= config.restarts_max) {
    log::error("restarted after it ended by itself", {{"actor", what}});
    return true;
  }
  log::error("gives up: it restarted too often", {{"actor", what}, {"restarts", restarts.size()}});
  self->quit(caf::make_error(ec::limit, "an essential part restarted too often"));
  return false;
}

void coordinator_state::on_down(const caf::down_msg& x) {
  if (x.source == registry) {
    if (may_restart("daemon_registry"))
      start_registry();
    return;
  }
  if (x.source == ingest_host) {
    if (may_restart("task_host"))
      start_ingest_host();
    return;
  }
  if (x.source == jobs) {
    if (may_restart("job_queue"))
      start_jobs();
    return;
  }
  std::erase_if(sessions, [&](const auto& kv) { return kv.second == x.source; });
}

void coordinator_state::watch(const std::string& channel, const std::string& profile, stream_promise answer,
                              bool again) {
  auto c = config.channels.find(channel);
  if (c == config.channels.end())
    return answer.deliver(caf::make_error(ec::unknown_channel, "no channel is named " + channel.substr(0, 128)));
  auto p = renditions.find(profile);
  if (config.ladders.contains(profile))
    return answer.deliver(caf::make_error(ec::unknown_profile, profile + " is a ladder: it is watched by HLS or DASH"));
  if (p == renditions.end())
    return answer.deliver(caf::make_error(ec::unknown_profile, "no profile is named " + profile.substr(0, 128)));
  if (auto why = misfit(p->second); !why.empty())
    return answer.deliver(caf::make_error(ec::invalid_argument, why));
  if (auto why = quarantined.refusal(channel + "/" + profile, self->now()); !why.empty())
    return answer.deliver(caf::make_error(ec::encode_failed, why));
  auto i = sessions.find(channel);
  if (i == sessions.end()) {
    if (sessions.size() >= config.sessions_max)
      return answer.deliver(caf::make_error(ec::limit, "the limit of running channels is reached"));
    auto session =
      config.start.session(self->system(), config.session, session_id{next_session++}, c->second, gateway_actor{self});
    self->monitor(session);
    i = sessions.emplace(channel, std::move(session)).first;
  }
  auto patience = config.session.core.patience(p->second.video);
  self->request(i->second, config::defaults::outer_wait(patience), watch_atom_v, p->second)
    .then([answer](rendition_ptr& x) mutable { answer.deliver(std::move(x)); },
          [this, channel, profile, answer, again, session = i->second](const caf::error& why) mutable {
            // The session ended while this request was on its way, as happens when its last client has left: start
            // another one.
            if (again || why != caf::sec::request_receiver_down)
              return answer.deliver(why);
            std::erase_if(sessions, [&](const auto& kv) { return kv.second == session; });
            watch(channel, profile, std::move(answer), true);
          });
}

caf::result<std::vector<session_status>> coordinator_state::sessions_status() {
  auto answer = self->make_response_promise<std::vector<session_status>>();
  struct gathering {
    std::vector<session_status> result;
    queue_places waiting;
    size_t missing;
  };
  auto all = std::make_shared<gathering>(gathering{{}, {}, sessions.size() + 1});
  auto one_less = [all, answer]() mutable {
    if (--all->missing > 0)
      return;
    for (auto& s : all->result)
      for (auto& v : s.variants)
        if (auto i = all->waiting.find(v.attempt); v.attempt && i != all->waiting.end())
          v.waits_behind = i->second;
    answer.deliver(std::move(all->result));
  };
  self->request(registry, status_timeout, status_atom_v)
    .then(
      [all, one_less](queue_places& x) mutable {
        all->waiting = std::move(x);
        one_less();
      },
      [one_less](const caf::error&) mutable { one_less(); });
  for (auto& [name, session] : sessions)
    self->request(session, status_timeout, status_atom_v)
      .then(
        [all, one_less](session_status& x) mutable {
          all->result.push_back(std::move(x));
          one_less();
        },
        [one_less](const caf::error&) mutable { one_less(); }); // it just ended, or is busy: the other sessions count
  return answer;
}

gateway_actor spawn_coordinator(caf::actor_system& system, coordinator_config config) {
  return system.spawn<actor_of<coordinator_state>>(std::move(config));
}

} // namespace troupe

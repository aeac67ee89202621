#include "http/routes.hpp"

#include "http/ask.hpp"
#include "http/file_request.hpp"
#include "http/job_files.hpp"
#include "http/job_log.hpp"
#include "http/jobs.hpp"
#include "http/json.hpp"
#include "http/json_body.hpp"
#include "http/live.hpp"
#include "http/placement.hpp"
#include "http/presets.hpp"
#include "http/problem.hpp"
#include "http/query.hpp"
#include "messages/unix_time.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>

namespace troupe::http {

namespace {

namespace json = boost::json;

constexpr std::string_view any = "{}";
constexpr std::string_view any_more = "{*}";

template <class T>
reply list_reply(std::string_view name, const std::vector<T>& xs) {
  json::object result;
  result.emplace(json::string_view{name.data(), name.size()}, to_json(xs));
  result.emplace("total", xs.size());
  return json_reply(result);
}

/// Takes the first segment off a path such as "/api/v1".
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  auto n = std::min(path.find('/'), path.size());
  auto result = path.substr(0, n);
  path.remove_prefix(n);
  return result;
}

bool matches(std::string_view pattern, const request& of) {
  if (auto question = pattern.find('?'); question != std::string_view::npos) {
    if (raw_parameter(of.query, pattern.substr(question + 1)).empty())
      return false;
    pattern = pattern.substr(0, question);
  }
  if (pattern == "/")
    return of.path.empty();
  for (auto& segment : of.path) {
    if (pattern.empty())
      return false;
    auto expected = next_segment(pattern);
    if (expected == any_more)
      return true;
    if (expected != any && expected != segment)
      return false;
  }
  return pattern.empty();
}

std::string_view name_of(verb method) {
  auto text = boost::beast::http::to_string(method);
  return {text.data(), text.size()};
}

/// True if the worker takes work and has a proven video encoder. A worker that is avoided after failures counts, too:
/// it still takes live work if no other can.
bool can_work(const daemon_status& x) {
  auto proven = [](const codec_capability& c) { return c.works && c.kind == "video"; };
  auto left_alone = x.state == health::unhealthy && !x.breaker.reason.empty() && x.reason == x.breaker.reason;
  return (x.state == health::healthy || x.state == health::degraded || left_alone)
         && std::any_of(x.can.encoders.begin(), x.can.encoders.end(), proven);
}

} // namespace

routes::routes(caf::actor_system& system, gateway_actor gateway, const server_config& config,
               std::shared_ptr<statistics> counters, std::shared_ptr<const viewer_list> viewers)
  : system_(system),
    gateway_(std::move(gateway)),
    timeout_(config.ask_timeout),
    counters_(std::move(counters)),
    viewers_(std::move(viewers)),
    failovers_(config.failovers),
    file_jobs_(config.file_jobs),
    files_(config.files),
    session_life_(config.session_life),
    address_life_(config.address_life),
    keys_(config.keys),
    audit_(config.audit),
    authority_(config.authority),
    cluster_secret_(config.cluster_secret),
    join_fault_(config.join_fault),
    started_at_ms_(unix_ms()) {}

tl::expected<const routes::route*, reply> routes::find(const request& of) {
  const route* get = nullptr;
  std::string allow;
  for (auto& r : table()) {
    if (!matches(r.pattern, of))
      continue;
    if (r.method == of.method)
      return &r;
    if (r.method == verb::get && get == nullptr)
      get = &r;
    auto name = r.method == verb::get ? std::string_view{"GET, HEAD"} : name_of(r.method);
    allow += (allow.empty() ? "" : ", ") + std::string{name};
  }
  // HEAD is GET without a body, unless it has a route of its own.
  if (get != nullptr && of.method == verb::head)
    return get;
  if (allow.empty())
    return tl::unexpected(
      problem(status::not_found, "unknown_path", "there is nothing here; GET / lists what there is", of.id));
  auto x = problem(status::method_not_allowed, "method", "this path does not support that method; it supports " + allow,
                   of.id);
  x.fields.emplace_back("Allow", allow);
  return tl::unexpected(std::move(x));
}

void routes::handle(const route& by, const request& of, reply_handler done) const {
  (this->*by.call)(of, std::move(done));
}

template <class Result, class Then, class... Args>
void routes::query(const std::string& id, const reply_handler& done, Then then, Args... args) const {
  auto take = [id, done, then](caf::expected<Result> x) {
    if (!x)
      return done(problem(x.error(), id));
    if constexpr (std::is_void_v<Result>)
      then();
    else
      done(then(*x));
  };
  ask<Result>(system_, gateway_, timeout_, std::move(take), std::move(args)...);
}

void routes::index(const request&, reply_handler done) const {
  std::string text = "Troupe " TROUPE_VERSION "\n\nMethod, path, the role that it needs, and what it is.\n\n";
  for (auto& r : table()) {
    if (r.about.empty())
      continue;
    auto line = std::string{name_of(r.method)};
    line.resize(8, ' ');
    for (auto rest = r.pattern; !rest.empty();)
      line += "/" + std::string{[](auto s) { return s == any ? std::string_view{"{name}"} : s; }(next_segment(rest))};
    line.resize(std::max<size_t>(line.size() + 2, 48), ' ');
    line += to_string(r.needs);
    line.resize(std::max<size_t>(line.size() + 2, 58), ' ');
    text += line + std::string{r.about} + "\n";
  }
  done({status::ok, "text/plain; charset=utf-8", std::move(text), {}});
}

void routes::health(const request&, reply_handler done) const {
  done(json_reply({{"status", "ok"}, {"version", TROUPE_VERSION}}));
}

void routes::ready(const request& of, reply_handler done) const {
  auto then = [id = of.id](const std::vector<daemon_status>& xs) {
    auto n = std::count_if(xs.begin(), xs.end(), can_work);
    if (n > 0)
      return json_reply({{"status", "ready"}, {"workers", n}});
    return problem(ec::no_worker, "no healthy worker with a working video encoder is registered; see /api/v1/daemons",
                   id);
  };
  query<std::vector<daemon_status>>(of.id, done, then, daemons_atom_v);
}

void routes::metrics(const request& of, reply_handler done) const {
  telemetry::coordinator_counters counters;
  counters.version = TROUPE_VERSION;
  counters.started_at_ms = started_at_ms_;
  for (size_t i = 0; i < counters.http_responses.size(); ++i)
    counters.http_responses[i] = counters_->responses[i];
  counters.http_connections = counters_->connections;
  counters.http_sent_bytes = counters_->sent_bytes;
  auto watching = viewers_->count(clock::now());
  for (size_t i = 0; i < watching.size(); ++i)
    counters.viewers.push_back(
      {std::string{to_string(delivery_formats[i])}, watching[i], counters_->delivered_bytes[i]});
  counters.event_clients = counters_->events.clients;
  counters.events_skipped = counters_->events.skipped;
  counters.event_clients_dropped = counters_->events.dropped;
  if (audit_)
    counters.audit = audit_counters();
  if (failovers_)
    counters.failovers = failovers_->totals();
  if (file_jobs_)
    counters.file_jobs = file_jobs_->totals();
  auto me = shared_from_this();
  auto page = [me, counters](const std::vector<daemon_status>& ds, const std::vector<session_status>& ss) {
    std::lock_guard guard{me->mutex_};
    me->totals_.observe(ds, ss);
    return reply{status::ok,
                 "text/plain; version=0.0.4; charset=utf-8",
                 telemetry::render_metrics(ds, ss, counters, me->totals_),
                 {}};
  };
  ask<std::vector<daemon_status>>(
    system_, gateway_, timeout_,
    [me, id = of.id, done, page](caf::expected<std::vector<daemon_status>> ds) {
      if (!ds)
        return done(problem(ds.error(), id));
      auto then = [page, ds = std::move(*ds)](const std::vector<session_status>& ss) { return page(ds, ss); };
      me->query<std::vector<session_status>>(id, done, then, sessions_atom_v);
    },
    daemons_atom_v);
}

void routes::daemons(const request& of, reply_handler done) const {
  auto then = [](const std::vector<daemon_status>& xs) { return list_reply("daemons", xs); };
  query<std::vector<daemon_status>>(of.id, done, then, daemons_atom_v);
}

template <class Then>
void routes::with_daemon(const request& of, const reply_handler& done, Then then) const {
  auto pick = [id = of.id, key = of.path[3], then](const std::vector<daemon_status>& xs) {
    // A name takes precedence over an id, so that a worker cannot hide another by using a number as its name.
    auto i = std::find_if(xs.begin(), xs.end(), [&](auto& x) { return x.name == key; });
    if (i == xs.end())
      i = std::find_if(xs.begin(), xs.end(), [&](auto& x) { return to_string(x.id) == key; });
    if (i == xs.end())
      return problem(ec::unknown_daemon, "no worker of that name or id is registered; see /api/v1/daemons", id);
    return then(*i);
  };
  query<std::vector<daemon_status>>(of.id, done, pick, daemons_atom_v);
}

void routes::daemon(const request& of, reply_handler done) const {
  with_daemon(of, done, [](const daemon_status& x) { return json_reply(to_json(x)); });
}

void routes::jobs(const request& of, reply_handler done) const {
  with_daemon(of, done, [](const daemon_status& x) {
    return json_reply({{"jobs", to_json(x.tasks)}, {"total", x.tasks.size()}, {"ended", to_json(x.ended)}});
  });
}

template <class Atom, class Id>
void routes::change(const request& of, const reply_handler& done, handler show, Atom what, const Id& id) const {
  constexpr bool removes = std::is_same_v<Atom, remove_atom>;
  auto then = [me = shared_from_this(), of, done, show] {
    if (removes)
      done({status::no_content, {}, {}, {}});
    else
      (*me.*show)(of, done);
  };
  query<void>(of.id, done, then, what, id);
}

template <class Atom>
void routes::command(const request& of, const reply_handler& done, Atom what) const {
  change(of, done, &routes::daemon, what, of.path[3]);
}

void routes::drain(const request& of, reply_handler done) const {
  command(of, done, drain_atom_v);
}

void routes::resume(const request& of, reply_handler done) const {
  command(of, done, resume_atom_v);
}

void routes::remove(const request& of, reply_handler done) const {
  command(of, done, remove_atom_v);
}

void routes::channels(const request& of, reply_handler done) const {
  auto then = [](const std::vector<channel_status>& xs) { return list_reply("channels", xs); };
  query<std::vector<channel_status>>(of.id, done, then, channels_atom_v);
}

void routes::profiles(const request& of, reply_handler done) const {
  auto then = [](const std::vector<profile>& xs) { return list_reply("profiles", xs); };
  query<std::vector<profile>>(of.id, done, then, profiles_atom_v);
}

void routes::presets(const request&, reply_handler done) const {
  done(json_reply(presets_json()));
}

void routes::sessions(const request& of, reply_handler done) const {
  auto then = [](const std::vector<session_status>& xs) { return list_reply("sessions", xs); };
  query<std::vector<session_status>>(of.id, done, then, sessions_atom_v);
}

void routes::session(const request& of, reply_handler done) const {
  auto then = [id = of.id, key = of.path[3]](const std::vector<session_status>& xs) {
    for (auto& x : xs)
      if (to_string(x.id) == key || x.channel == key)
        return json_reply(to_json(x));
    return problem(status::not_found, "unknown_session", "no such channel runs now; see /api/v1/sessions", id);
  };
  query<std::vector<session_status>>(of.id, done, then, sessions_atom_v);
}

void routes::viewers(const request& of, reply_handler done) const {
  auto what = read_viewer_question(of.query);
  if (!what)
    return done(problem(ec::invalid_argument, what.error(), of.id));
  done(json_reply(to_json(viewers_->list(*what, clock::now()))));
}

void routes::submit_job(const request& of, reply_handler done) const {
  auto then = [me = shared_from_this(), of, done](const std::vector<profile>& profiles) {
    auto job = read_submission(of.body, profiles);
    if (!job)
      return done(problem(ec::invalid_argument, job.error(), of.id));
    job->idempotency_key = of.idempotency_key;
    job->from = "api";
    if (auto placed = place_files(*job, me->files_); !placed)
      return done(problem(placed.error(), of.id));
    auto made = [](const job_submitted& x) {
      auto id = to_string(x.id);
      json::object said{{"id", id}, {"existed", x.existed}};
      if (!x.warning.empty())
        said["warning"] = to_json(x.warning);
      reply result{x.existed ? status::ok : status::created, "application/json", json::serialize(said) + "\n", {}};
      result.fields.emplace_back("Location", "/api/v1/jobs/" + id);
      return result;
    };
    me->query<job_submitted>(of.id, done, made, submit_atom_v, std::move(*job));
  };
  ask<std::vector<profile>>(
    system_, gateway_, timeout_,
    [then, done, id = of.id](caf::expected<std::vector<profile>> xs) {
      if (!xs)
        return done(problem(xs.error(), id));
      then(*xs);
    },
    profiles_atom_v);
}

void routes::file_jobs(const request& of, reply_handler done) const {
  auto what = read_question(of.query);
  if (!what)
    return done(problem(ec::invalid_argument, what.error(), of.id));
  auto then = [](const job_listing& x) { return json_reply(to_json(x)); };
  query<job_listing>(of.id, done, then, jobs_atom_v, std::move(*what));
}

template <class Then>
void routes::with_job_id(const request& of, const reply_handler& done, Then then) const {
  if (auto id = parse_job_id(of.path[3]))
    return then(*id);
  done(problem(ec::unknown_job, "a job's id is 32 hexadecimal digits; see /api/v1/jobs", of.id));
}

void routes::file_job(const request& of, reply_handler done) const {
  with_job_id(of, done, [&](job_id id) {
    auto then = [](const job_details& x) { return json_reply(to_json(x)); };
    query<job_details>(of.id, done, then, job_atom_v, id);
  });
}

void routes::job_placement(const request& of, reply_handler done) const {
  with_job_id(of, done, [&](job_id id) {
    auto then = [](const job_details& x) { return json_reply(placement_json(x)); };
    query<job_details>(of.id, done, then, job_atom_v, id);
  });
}

template <class Atom>
void routes::change_job(const request& of, const reply_handler& done, Atom what) const {
  with_job_id(of, done, [&](job_id id) { change(of, done, &routes::file_job, what, id); });
}

void routes::cancel_job(const request& of, reply_handler done) const {
  change_job(of, done, cancel_atom_v);
}

void routes::pause_job(const request& of, reply_handler done) const {
  change_job(of, done, pause_atom_v);
}

void routes::resume_job(const request& of, reply_handler done) const {
  change_job(of, done, resume_atom_v);
}

void routes::retry_job(const request& of, reply_handler done) const {
  change_job(of, done, retry_atom_v);
}

void routes::remove_job(const request& of, reply_handler done) const {
  change_job(of, done, remove_atom_v);
}

void routes::no_files(const request& of, reply_handler done) const {
  done(problem(status::not_found, "unknown_path", "this server keeps no files", of.id));
}

void routes::events(const request&, reply_handler done) const {
  // Only a HEAD gets here.
  done({status::ok, "text/event-stream", {}, {}, true});
}

void routes::job_log(const request& of, reply_handler done) const {
  with_job_id(of, done, [&](job_id id) {
    auto what = read_log_question(id, of.query);
    if (!what)
      return done(problem(ec::invalid_argument, what.error(), of.id));
    auto then = [as_json = what->as_json](const troupe::job_log& x) { return log_reply(x, as_json); };
    query<troupe::job_log>(of.id, done, then, what->what);
  });
}

void routes::live(const request& of, reply_handler done) const {
  auto wanted = live_target::of(of.path);
  if (!wanted)
    return done(problem(status::not_found, "unknown_path",
                        "a channel is /live/{channel}/{profile}, .ts, /index.m3u8 or /manifest.mpd", of.id));
  // Only a HEAD gets here: nothing starts, but the names must be right.
  auto found = [](auto& xs, const std::string& name) {
    return std::any_of(xs.begin(), xs.end(), [&](auto& x) { return x.name == name; });
  };
  auto check_profile = [=, id = of.id](const std::vector<profile>& xs) {
    if (!found(xs, wanted->profile))
      return problem(ec::unknown_profile, "no such profile; see /api/v1/profiles", id);
    return reply{status::ok, "video/mp2t", {}, {}, true};
  };
  ask<std::vector<channel_status>>(
    system_, gateway_, timeout_,
    [=, me = shared_from_this(), id = of.id](caf::expected<std::vector<channel_status>> xs) {
      if (!xs)
        return done(problem(xs.error(), id));
      if (!found(*xs, wanted->channel))
        return done(problem(ec::unknown_channel, "no such channel; see /api/v1/channels", id));
      me->query<std::vector<profile>>(id, done, check_profile, profiles_atom_v);
    },
    channels_atom_v);
}

} // namespace troupe::http

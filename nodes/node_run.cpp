#include "nodes/node_run.hpp"

#include "actors/cluster/link.hpp"
#include "actors/cluster/worker.hpp"
#include "actors/coordinator.hpp"
#include "base/descriptor_limit.hpp"
#include "base/random_id.hpp"
#include "config/token.hpp"
#include "config/waits.hpp"
#include "core/placement/exhaustion.hpp"
#include "core/plan.hpp"
#include "http/callbacks.hpp"
#include "http/server.hpp"
#include "nodes/node_access.hpp"
#include "nodes/node_begin.hpp"
#include "nodes/node_http.hpp"
#include "nodes/node_https.hpp"
#include "nodes/node_keys.hpp"
#include "nodes/node_link.hpp"
#include "nodes/node_prove.hpp"
#include "nodes/node_task.hpp"
#include "nodes/node_uploads.hpp"
#include "telemetry/failover_log.hpp"
#include "telemetry/log.hpp"
#include "transfer/upload_registry.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <systemd/sd-daemon.h>

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

namespace troupe::nodes {

namespace {

namespace log = telemetry::log;

/// All arguments except the coordinator's address.
std::vector<std::string> task_arguments(const config::configuration& x) {
  std::vector<std::string> result{task_role,
                                  "--node.state_dir=" + x.node.state_dir,
                                  "--task.orphan_timeout=" + std::to_string(x.task.orphan_timeout.count()) + "ms",
                                  "--jobs.orphan_timeout=" + std::to_string(x.jobs.orphan_timeout.count()) + "ms",
                                  "--log.level=" + std::string{to_string(x.log.level)},
                                  "--log.format=" + std::string{to_string(x.log.format)}};
  auto access = access_arguments(x);
  result.insert(result.end(), access.begin(), access.end());
  if (x.cluster.insecure)
    result.emplace_back("--cluster.insecure=true");
  if (x.cluster.tls.enabled()) {
    result.push_back("--cluster.tls.ca=" + x.cluster.tls.ca);
    result.push_back("--cluster.tls.certificate=" + x.cluster.tls.certificate);
    result.push_back("--cluster.tls.key=" + x.cluster.tls.key);
  }
  return result;
}

task_host_config host_config(const config::configuration& x, const std::string& token) {
  task_host_config result;
  result.host = worker_id{base::random_id()};
  result.token = token;
  result.arguments = task_arguments(x);
  result.stop_timeout = x.task.stop_timeout;
  result.file_stop_timeout = x.jobs.stop_timeout;
  result.work_folder = x.node.state_dir + "/work";
  result.limits = true;
  return result;
}

gpu_override limit_of(const std::string& sessions) {
  return {session_limit_from(sessions), std::nullopt};
}

/// The slate's picture goes to the transcoders as it is. It was checked before, so an unreadable one is only missing.
shared_bytes slate_image(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (text.size() > config::live_options::slate_image_bytes_max)
    return {};
  auto begin = reinterpret_cast<const std::byte*>(text.data());
  return shared_bytes{shared_bytes::container(begin, begin + text.size())};
}

coordinator_config coordinator_settings(const config::configuration& x, const std::string& token) {
  coordinator_config result;
  result.registry = {x.workers, x.leases, x.cluster.heartbeat_interval};
  result.registry.workers.token = token;
  result.registry.workers.version = TROUPE_VERSION;
  result.registry.leases.orphan_timeout = x.jobs.orphan_timeout;
  auto& gpus = result.registry.leases.places.gpus;
  gpus.settle_after = std::max(x.workers.unhealthy_after, 3 * x.cluster.heartbeat_interval);
  for (auto& [gpu, sessions] : x.coordinator.gpu_sessions)
    gpus.overrides.emplace(gpu, limit_of(sessions));
  result.ingest_host = host_config(x, token);
  auto& s = result.session;
  s.core = x.session;
  s.core.memory = x.task.memory;
  if (!x.live.slate_image.empty())
    s.core.slate_image = slate_image(x.live.slate_image);
  s.core.watch_timeout = config::defaults::first_bytes_wait(x.session.open_timeout, x.leases.selection_timeout);
  s.core.queue_timeout = x.leases.queue_timeout;
  s.stream = x.stream;
  s.delivery = x.delivery;
  s.quarantine_for = x.live.quarantine_for;
  s.lease_timeout = config::defaults::lease_wait(x.leases.selection_timeout);
  auto& j = result.jobs;
  j.store_url = x.jobs.store;
  j.work_folder = x.jobs.work_dir;
  j.book = x.book;
  j.job = x.file_job;
  j.job.memory = x.task.memory;
  j.keep_failed = x.jobs.keep_failed;
  result.channels = x.channels;
  result.profiles = x.profiles;
  result.ladders = x.ladders;
  result.sessions_max = x.live.sessions_max;
  return result;
}

/// An address for this machine's own processes, if the endpoint listens on all interfaces.
config::endpoint reachable(config::endpoint x) {
  if (x.host == "0.0.0.0")
    x.host = "127.0.0.1";
  else if (x.host == "::")
    x.host = "::1";
  return x;
}

/// All parts of a node; those that its role does not need stay empty.
class node {
public:
  explicit node(const config::configuration& x)
    : config_(x), link_(coordinator_link(x.cluster, x.cluster.listen)), system_(cfg_) {}

  ~node() {
    stop();
  }

  /// False, with the reason logged, if the node cannot start.
  bool start() {
    auto token = config::cluster_token(config_);
    if (!token) {
      log::error("the node does not start", {{"reason", token.error()}});
      return false;
    }
    token_ = *token;
    if (config_.role != config::role::worker && !start_coordinator())
      return false;
    if (config_.role != config::role::coordinator)
      start_worker();
    return true;
  }

  /// Blocks until a signal comes and, on SIGTERM, the worker has drained. Returns the exit status.
  int wait() {
    ::sd_notify(0, "READY=1");
    auto signal = next_signal();
    ::sd_notify(0, "STOPPING=1");
    if (signal == SIGTERM && !lost_ && !coordinator_ && config_.worker.drain_timeout.count() > 0) {
      drain();
      signal = next_signal();
    }
    log::info("the node stops", {{"signal", signal}});
    return lost_ ? 1 : 0;
  }

private:
  static int next_signal() {
    auto signals = ending_signals();
    int signal = 0;
    while (::sigwait(&signals, &signal) != 0) {
      // only an invalid set fails
    }
    return signal;
  }

  /// Has the worker's tasks moved away. The node ends when that is done, or on a second signal.
  void drain() {
    auto at_most = config_.worker.drain_timeout;
    log::info("the worker drains; a second signal ends it at once", {{"at_most_ms", at_most}});
    auto end = [] { ::kill(::getpid(), SIGTERM); };
    system_.spawn([worker = worker_, at_most, end](caf::event_based_actor* self) {
      self->request(worker, config::defaults::outer_wait(at_most), drain_atom_v, caf::timespan{at_most})
        .then([end] { end(); }, [end](const caf::error&) { end(); });
    });
  }

  /// Logs why the node does not start.
  static bool refused(const std::string& why) {
    log::error("the node does not start", {{"reason", why}});
    return false;
  }

  bool start_coordinator() {
    for (auto& [name, p] : config_.profiles)
      if (auto& codec = p.video.codec; codec != "copy" && codec != "none")
        if (auto rungs = core::rungs_of(core::wish_of(p.video)); !rungs) {
          log::error("the node does not start", {{"profile", name}, {"reason", rungs.error()}});
          return false;
        }
    auto claim = claim_store(config_, [this](const std::string& why) { end(why); });
    if (!claim)
      return refused(claim.error());
    claim_.emplace(std::move(*claim));
    auto uploads = open_uploads(config_);
    if (!uploads)
      return refused(uploads.error());
    auto keys = open_keys(config_);
    if (!keys)
      return refused(keys.error());
    auto certificate = open_certificate(config_);
    if (!certificate)
      return refused(certificate.error());
    auto coordinator = coordinator_settings(config_, token_);
    coordinator.session.failovers = failovers_;
    coordinator.jobs.counts = file_jobs_;
    coordinator.jobs.files = *uploads;
    coordinator_ = spawn_coordinator(system_, std::move(coordinator));
    // The HTTP server starts before any worker can connect: workers get file URLs with its port.
    auto settings = http_settings(config_, descriptors_);
    settings.failovers = failovers_;
    settings.file_jobs = file_jobs_;
    settings.files = *uploads;
    settings.keys = std::move(*keys);
    settings.certificate = std::move(*certificate);
    auto server = http::server::start(settings, system_, coordinator_);
    if (!server)
      return refused(server.error());
    http_ = std::move(*server);
    auto& advertised = config_.coordinator.http_advertise;
    (*uploads)->set_address(advertised.empty() ? "http://:" + std::to_string(http_->port()) : advertised);
    link_.connections_max = share_of(descriptors_, cluster_parts, link_.connections_max, "cluster");
    auto published = publish(system_, coordinator_actor{coordinator_}, link_);
    if (!published)
      return refused("cannot listen for nodes on " + to_string(config_.cluster.listen) + ": " + published.error());
    gate_ = std::move(published->gate);
    at_ = reachable({config_.cluster.listen.host, published->port});
    caf::anon_send(coordinator_, register_atom_v, to_string(at_));
    end_with(coordinator_, "the coordinator is gone");
    http::callback_config calls;
    calls.secret = config_.jobs.callback_secret;
    calls.urls = core::url_policy{config_.urls};
    callbacks_ = std::make_unique<http::callback_sender>(system_, coordinator_, std::move(calls));
    if (!write_port(config_.cluster.port_file, published->port)
        || !write_port(config_.http.tls.port_file, http_->https_port())
        || !write_port(config_.http.port_file, http_->port()))
      return refused("a port file cannot be written");
    log::info("the coordinator listens", {{"cluster", to_string(at_)},
                                          {"http_port", http_->port()},
                                          {"https_port", http_->https_port()},
                                          {"tls", config_.cluster.tls.enabled()}});
    return true;
  }

  void start_worker() {
    auto to = coordinator_ ? at_ : config_.cluster.coordinator;
    worker_config w;
    w.name = config_.node.name;
    w.token = token_;
    w.version = TROUPE_VERSION;
    w.work_dir = config_.node.state_dir;
    w.slots = config_.worker.slots;
    w.reconnect_delay = config_.cluster.reconnect_delay;
    w.reconnect_max_delay = config_.cluster.reconnect_max_delay;
    w.host = host_config(config_, token_);
    w.host.connect_to(to_string(to));
    w.prove = [this, x = config_.worker] {
      return x.trust_codecs ? assume() : prove(x.capability_cache, x.prove, stopping_);
    };
    w.gpus.for_worker = limit_of(config_.worker.gpu_sessions);
    for (auto& [gpu, sessions] : config_.worker.gpu_limits)
      w.gpus.for_gpu.emplace(gpu, limit_of(sessions));
    if (coordinator_)
      w.find_coordinator = [c = coordinator_actor{coordinator_}]() -> caf::expected<coordinator_actor> { return c; };
    else
      w.find_coordinator = [this, link = coordinator_link(config_.cluster, to)] { return connect(system_, link); };
    worker_ = spawn_worker(system_, std::move(w));
    if (!coordinator_)
      end_with(worker_, "the worker was removed, or its task host is gone");
  }

  /// Ends the node when the actor ends.
  template <class Handle>
  void end_with(const Handle& x, const char* why) {
    x->attach_functor([this, why] { end(why); });
  }

  void end(const std::string& why) {
    if (stopping_)
      return;
    lost_ = true;
    log::error("the node ends", {{"reason", why}});
    ::kill(::getpid(), SIGTERM);
  }

  /// Stops clients first, then channels and tasks, then the connections.
  void stop() {
    stopping_ = true;
    if (http_)
      http_->stop();
    callbacks_.reset();
    gate_.reset();
    if (worker_)
      caf::anon_send_exit(worker_, caf::exit_reason::user_shutdown);
    if (coordinator_)
      caf::anon_send_exit(coordinator_, caf::exit_reason::user_shutdown);
    caf::scoped_actor self{system_};
    if (worker_)
      self->wait_for(worker_);
    if (coordinator_)
      self->wait_for(coordinator_);
    worker_ = nullptr;
    coordinator_ = nullptr;
  }

  const config::configuration& config_;
  uint64_t descriptors_ = base::raise_descriptor_limit();
  link_config link_;
  node_system_config cfg_;
  // Threads of the actor system and of libraries use these members, so they are destroyed after those threads.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> lost_{false};
  std::optional<store::store_claim> claim_; ///< of a coordinator; released after all writers
  caf::actor_system system_;
  std::string token_;
  config::endpoint at_;
  gateway_actor coordinator_;
  worker_state::interface worker_;
  std::unique_ptr<http::server> http_;
  std::shared_ptr<link_gate> gate_;
  std::unique_ptr<http::callback_sender> callbacks_;
  std::shared_ptr<telemetry::failover_log> failovers_ = std::make_shared<telemetry::failover_log>();
  std::shared_ptr<telemetry::file_job_log> file_jobs_ = std::make_shared<telemetry::file_job_log>();
};

} // namespace

int run_node(const config::configuration& x) {
  // The signals are blocked in every thread, so that only the thread that waits for them gets them.
  auto signals = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  if (auto made = config::make_state_dir(x.node.state_dir); !made) {
    log::error("the node does not start", {{"reason", made.error()}});
    return 1;
  }
  if (!check_private(x))
    return 1;
  if (!await_token(x))
    return 0;
  node n{x};
  if (!n.start())
    return 1;
  return n.wait();
}

} // namespace troupe::nodes

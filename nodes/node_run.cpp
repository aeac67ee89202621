#include "nodes/node_run.hpp"

#include "actors/cluster/link.hpp"
#include "actors/cluster/link_gate.hpp"
#include "actors/cluster/worker.hpp"
#include "actors/coordinator.hpp"
#include "base/descriptor_limit.hpp"
#include "base/private_folder.hpp"
#include "base/random_id.hpp"
#include "config/token.hpp"
#include "config/waits.hpp"
#include "core/placement/exhaustion.hpp"
#include "core/trust/link_proof.hpp"
#include "http/callbacks.hpp"
#include "http/server.hpp"
#include "nodes/node_authority.hpp"
#include "nodes/node_begin.hpp"
#include "nodes/node_cage.hpp"
#include "nodes/node_http.hpp"
#include "nodes/node_https.hpp"
#include "nodes/node_keys.hpp"
#include "nodes/node_link.hpp"
#include "nodes/node_member.hpp"
#include "nodes/node_prove.hpp"
#include "nodes/node_settings.hpp"
#include "nodes/node_uploads.hpp"
#include "processes/cage.hpp"
#include "telemetry/failover_log.hpp"
#include "telemetry/log.hpp"
#include "transfer/upload_registry.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <systemd/sd-daemon.h>

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <optional>

namespace troupe::nodes {

namespace {

namespace log = telemetry::log;

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
  /// `secret` is the node's, if it has joined; else it is made of the cluster's token.
  node(config::configuration x, std::string secret)
    : config_(std::move(x)), secret_(std::move(secret)), system_(cfg_) {}

  ~node() {
    stop();
  }

  /// False, with the reason logged, if the node cannot start.
  bool start() {
    if (secret_.empty() && !make_secret())
      return false;
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
  /// Makes the node's secret, and in a coordinator keeps the cluster's.
  bool make_secret() {
    auto token = config::cluster_token(config_);
    if (!token) {
      log::error("the node does not start", {{"reason", token.error()}});
      return false;
    }
    secret_ = core::node_secret(*token, pass_name());
    if (config_.role != config::role::worker)
      cluster_secret_ = std::move(*token);
    return true;
  }

  /// The name in the passes of this node's tasks.
  std::string pass_name() const {
    return config_.role == config::role::worker ? config_.node.name : std::string{};
  }

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
    auto audit = open_audit(config_);
    if (!audit)
      return refused(audit.error());
    audit_.log = std::move(*audit);
    auto authority = open_authority(config_);
    if (!authority)
      return refused(authority.error());
    auto certificate = open_certificate(config_, (*authority)->own());
    if (!certificate)
      return refused(certificate.error());
    // Tasks that start before it exists could not see it later. A failure shows when jobs use it.
    (void)base::make_private_folder(config_.jobs.work_dir);
    auto why_not = join_fault(config_);
    auto own_authority = uses_own_authority(config_);
    if (own_authority)
      config_.cluster.tls = node_certificates(config_.node.state_dir);
    auto coordinator = coordinator_settings(config_, secret_);
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
    settings.audit = audit_.log;
    settings.certificate = std::move(*certificate);
    settings.authority = *authority;
    settings.cluster_secret = cluster_secret_;
    settings.join_fault = std::move(why_not);
    auto server = http::server::start(settings, system_, coordinator_);
    if (!server)
      return refused(server.error());
    http_ = std::move(*server);
    auto& advertised = config_.coordinator.http_advertise;
    (*uploads)->set_address(advertised.empty() ? "http://:" + std::to_string(http_->port()) : advertised);
    auto link = coordinator_link(config_.cluster, config_.cluster.listen);
    link.secret = cluster_secret_;
    if (own_authority)
      link.admits = [members = *authority](const std::string& name) { return name.empty() || members->has(name); };
    link.connections_max = share_of(descriptors_, cluster_parts, link.connections_max, "cluster");
    auto published = publish(system_, coordinator_actor{coordinator_}, link);
    if (!published)
      return refused("cannot listen for nodes on " + to_string(config_.cluster.listen) + ": " + published.error());
    gate_ = std::move(published->gate);
    (*authority)->on_revocation([gate = std::weak_ptr{gate_}](const std::string& name) {
      if (auto open = gate.lock())
        open->end(name);
    });
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
    w.version = TROUPE_VERSION;
    w.work_dir = config_.node.state_dir;
    w.slots = config_.worker.slots;
    w.reconnect_delay = config_.cluster.reconnect_delay;
    w.reconnect_max_delay = config_.cluster.reconnect_max_delay;
    w.host = host_config(config_, pass_name(), secret_);
    w.host.connect_to(to_string(to));
    w.prove = [this] {
      // A node that serves one job has no time for questions.
      if (config_.worker.trust_codecs)
        return assume();
      auto arguments = task_arguments(config_);
      auto can = prove(config_, arguments, stopping_);
      if (stopping_)
        return can;
      can.cage = ask_for_cage(arguments);
      log::info("tasks run in a cage", {{"enforced", can.cage}});
      return can;
    };
    w.gpus.for_worker = limit_of(config_.worker.gpu_sessions);
    for (auto& [gpu, sessions] : config_.worker.gpu_limits)
      w.gpus.for_gpu.emplace(gpu, limit_of(sessions));
    if (coordinator_)
      w.find_coordinator = [c = coordinator_actor{coordinator_}]() -> caf::expected<coordinator_actor> { return c; };
    else
      w.find_coordinator = [this, link = worker_link(to)] { return connect(system_, link); };
    worker_ = spawn_worker(system_, std::move(w));
    if (!coordinator_)
      end_with(worker_, "the worker was removed, or its task host is gone");
  }

  link_config worker_link(const config::endpoint& to) const {
    auto result = coordinator_link(config_.cluster, to);
    result.secret = secret_;
    result.name = config_.node.name;
    return result;
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

  /// Writes the audit log to its end, whoever else still holds it.
  struct audit_end {
    std::shared_ptr<trust::audit_log> log;

    ~audit_end() {
      if (log)
        log->stop();
    }
  };

  config::configuration config_;
  std::string cluster_secret_; ///< empty in a worker
  std::string secret_;         ///< the node's
  uint64_t descriptors_ = base::raise_descriptor_limit();
  node_system_config cfg_;
  // Threads of the actor system and of libraries use these members, so they are destroyed after those threads.
  std::atomic<bool> stopping_{false};
  std::atomic<bool> lost_{false};
  std::optional<store::store_claim> claim_; ///< of a coordinator; released after all writers
  audit_end audit_; ///< of a coordinator; ends after all requests: those without an answer are written down, too
  caf::actor_system system_;
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

int run_node(config::configuration x) {
  // The signals are blocked in every thread, so that only the thread that waits for them gets them.
  auto signals = ending_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // Its memory holds secrets: other processes of its user, such as tasks, must not read it.
  ::prctl(PR_SET_DUMPABLE, 0);
  if (auto made = config::make_state_dir(x.node.state_dir); !made) {
    log::error("the node does not start", {{"reason", made.error()}});
    return 1;
  }
  if (!check_private(x))
    return 1;
  if (auto& user = x.task.user; !user.empty())
    if (auto good = cage::check_user(user); !good) {
      log::error("the node does not start", {{"reason", good.error()}});
      return 1;
    }
  auto member = membership::open(x);
  if (!member) {
    log::error("the node does not start", {{"reason", member.error()}});
    return 1;
  }
  std::string secret;
  if (*member) {
    x.cluster.tls = node_certificates(x.node.state_dir);
    secret = (*member)->secret();
  } else if (!await_token(x)) {
    return 0;
  }
  node n{std::move(x), std::move(secret)};
  if (!n.start())
    return 1;
  return n.wait();
}

} // namespace troupe::nodes

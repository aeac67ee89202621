// The rows of the table. A row's default is the value in a fresh `configuration`, so it is written only there.
#include "config/option_rows.hpp"
#include "config/options.hpp"

namespace troupe::config {

namespace {

using namespace defaults;

slot gpu_sessions(configuration& c, const names& filled) {
  return &c.coordinator.gpu_sessions[filled.at(0)];
}

slot gpu_limit(configuration& c, const names& filled) {
  return &c.worker.gpu_limits[filled.at(0)];
}

using part = value_part;
using c = configuration;
using cl = cluster_options;
using ht = http_options;
using jo = job_options;
using wo = core::worker_table_config;
using br = core::breaker_config;
using le = core::lease_table_config;
using pl = core::placement_index_config;
using pc = core::placement_config;
using gp = core::gpu_tracker_config;
using gu = core::gpu_guards;
using fj = core::file_job_config;

// One row reads as one sentence: clang-format would put each field on its own line.
// clang-format off
std::vector<option> node_rows() {
  return {
    {.key = "role", .kind = kind::choice, .at = at<&c::role>,
     .help = "The role of this process: `coordinator`, `worker`, `all` (a coordinator with a worker of its own), or "
             "`task`, which only a node starts.",
     .choices = {"coordinator", "worker", "all", "task"}, .flags = {"role"}},
    {.key = "node.name", .kind = kind::name, .at = at<&c::node, &node_options::name>,
     .help = "The node's name, unique in the cluster.", .default_text = "the host's name", .flags = {"name"},
     .aliases = {{"TVARR_DAEMON_NAME"}, {"TVARR_DAEMON_ID"}}},
    {.key = "node.state_dir", .kind = kind::path, .at = at<&c::node, &node_options::state_dir>,
     .help = "Folder for data that outlives the process: the cluster's token, proven capabilities.",
     .default_text = "$XDG_STATE_HOME/troupe or $HOME/.local/state/troupe", .flags = {"state-dir"}},
  };
}

std::vector<option> cluster_rows() {
  return {
    {.key = "cluster.listen", .kind = kind::address, .at = at<&c::cluster, &cl::listen>,
     .help = "Where the coordinator listens for workers and tasks: on anything but loopback with TLS, unless "
             "`cluster.insecure` is set. Port 0 takes any free port.",
     .aliases = {{"TVARR_FFMPEGD_LISTEN_ADDRESS"}, {"TVARR_GRPC_PORT", part::port}}},
    {.key = "cluster.coordinator", .kind = kind::address, .at = at<&c::cluster, &cl::coordinator>,
     .help = "The coordinator that a worker or a task connects to.", .needs_port = false, .flags = {"coordinator"},
     .aliases = {{"TVARR_COORDINATOR_URL"}}},
    {.key = "cluster.port_file", .kind = kind::path, .at = at<&c::cluster, &cl::port_file>,
     .help = "File into which the coordinator writes the port that it listens on.", .default_text = "none"},
    {.key = "cluster.token", .kind = kind::text, .at = at<&c::cluster, &cl::token>,
     .help = "The secret with which workers and coordinator prove themselves to each other; it is never sent. A worker "
             "that has joined needs none. 16 to 1024 characters without blanks. Overrides `cluster.token_file`.",
     .default_text = "the content of `cluster.token_file`", .secret = true,
     .aliases = {{"TVARR_FFMPEGD_AUTH_TOKEN"}, {"TVARR_AUTH_TOKEN"}, {"TVARR_GRPC_AUTH_TOKEN"},
       {"TVARR_COORDINATOR_AUTH_TOKEN"}}},
    {.key = "cluster.token_file", .kind = kind::path, .at = at<&c::cluster, &cl::token_file>,
     .help = "File that holds the token. A coordinator creates it if it does not exist.",
     .default_text = "cluster.token in `node.state_dir`"},
    {.key = "cluster.insecure", .kind = kind::boolean, .at = at<&c::cluster, &cl::insecure>,
     .help = "Cluster connections beyond this machine are without TLS. Each start warns of it."},
    {.key = "cluster.join", .kind = kind::text, .at = at<&c::cluster, &cl::join>,
     .help = "A join token, with which a worker becomes a node of the cluster: `caf-ctl join-token create` prints one. "
             "Later starts need no token, as long as the worker's certificate is valid.",
     .default_text = "none", .secret = true, .flags = {"join"}},
    {.key = "cluster.join_at", .kind = kind::address, .at = at<&c::cluster, &cl::join_at>,
     .help = "Where the coordinator serves HTTPS, for a worker that joins or renews its certificate.",
     .default_text = "the host of `cluster.coordinator`, port 8443", .needs_port = false},
    {.key = "cluster.certificate_life", .kind = kind::duration, .at = at<&c::cluster, &cl::certificate_life>,
     .help = "How long certificates of nodes are valid. Each is renewed after 50 to 80 % of this time.",
     .min = 10 * seconds, .max = 366 * 24 * hours},
    {.key = "cluster.authority_key_file", .kind = kind::path, .at = at<&c::cluster, &cl::authority_key_file>,
     .help = "File with the secret that encrypts the key of the cluster's authority in the store. A coordinator creates "
             "it if it does not exist. Without it no coordinator can use the authority again.",
     .default_text = "authority.key in `node.state_dir`"},
    {.key = "cluster.tls.always", .kind = kind::boolean, .at = at<&c::cluster, &cl::tls, &tls_options::always>,
     .help = "The coordinator uses TLS even if `cluster.listen` is on loopback."},
    {.key = "cluster.tls.ca", .kind = kind::path, .at = at<&c::cluster, &cl::tls, &tls_options::ca>,
     .help = "PEM file of an authority of your own for the cluster port. Workers and coordinators that it did not sign "
             "are refused. If the file has a list of revoked certificates, these are refused, too.",
     .default_text = "the cluster's own authority"},
    {.key = "cluster.tls.certificate", .kind = kind::path, .at = at<&c::cluster, &cl::tls, &tls_options::certificate>,
     .help = "PEM file of this node's certificate from `cluster.tls.ca`: a coordinator's must be for servers, a worker's "
             "for clients.",
     .default_text = "one of the cluster's own authority", .aliases = {{"TVARR_FFMPEGD_TLS_CERT"}}},
    {.key = "cluster.tls.key", .kind = kind::path, .at = at<&c::cluster, &cl::tls, &tls_options::key>,
     .help = "PEM file of the private key of `cluster.tls.certificate`.",
     .default_text = "one that the node makes", .aliases = {{"TVARR_FFMPEGD_TLS_KEY"}}},
    {.key = "cluster.strategy", .kind = kind::choice, .at = at<&c::leases, &le::places, &pl::choose, &pc::rank>,
     .help = "How a worker, or one of its GPUs, is chosen among those that have proven the encoder and have room. "
             "`gpu-aware` takes the GPU with the largest share of free sessions, `weighted` the one with the lowest "
             "cost: see `gpu.alpha`.",
     .choices = {"least-loaded", "round-robin", "capability-match", "gpu-aware", "weighted"}, .aliases = {{"TVARR_FFMPEGD_STRATEGY"}}},
    {.key = "cluster.selection_timeout", .kind = kind::duration, .at = at<&c::leases, &le::selection_timeout>,
     .help = "How long a request of live work waits for a suitable worker. File jobs wait without a limit.",
     .max = 5 * minutes,
     .aliases = {{"TVARR_FFMPEGD_SELECTION_TIMEOUT"}}},
    {.key = "cluster.heartbeat_interval", .kind = kind::duration, .at = at<&c::cluster, &cl::heartbeat_interval>,
     .help = "How often a worker reports.", .min = 100, .max = 1 * minutes},
    {.key = "cluster.degraded_after", .kind = kind::duration, .at = at<&c::workers, &wo::degraded_after>,
     .help = "A worker is degraded after this time without a heartbeat.", .min = 100, .max = 1 * hours},
    {.key = "cluster.unhealthy_after", .kind = kind::duration, .at = at<&c::workers, &wo::unhealthy_after>,
     .help = "A worker is unhealthy, and gets no new work, after this time without a heartbeat.",
     .min = 100, .max = 1 * hours},
    {.key = "cluster.gone_after", .kind = kind::duration, .at = at<&c::workers, &wo::gone_after>,
     .help = "A worker is gone, and its work is given to others, after this time without a heartbeat.",
     .min = 100, .max = 1 * hours},
    {.key = "cluster.degraded_pressure", .kind = kind::number, .at = at<&c::workers, &wo::degraded_pressure_percent>,
     .help = "A worker is degraded while work there waited for CPU, memory or I/O for more than this share of the last "
             "10 s, in percent.",
     .min = 1, .max = 100},
    {.key = "cluster.degraded_failures", .kind = kind::integer, .at = at<&c::workers, &wo::degraded_failures>,
     .help = "A worker is degraded if tasks of this many inputs died or hung there within `cluster.failure_window`. "
             "An input is a channel or a file.",
     .min = 1, .max = 1000},
    {.key = "cluster.unhealthy_failures", .kind = kind::integer, .at = at<&c::workers, &wo::breaker, &br::failures>,
     .help = "A worker is unhealthy if tasks of this many inputs died or hung within `cluster.failure_window`. It "
             "gets no work for `cluster.failure_back_off`, except live work that no other worker can take.",
     .min = 1, .max = 1000},
    {.key = "cluster.failure_window", .kind = kind::duration, .at = at<&c::workers, &wo::breaker, &br::window>,
     .help = "How long a task that died or hung counts against its worker.", .min = 1 * seconds, .max = 24 * hours},
    {.key = "cluster.failure_back_off", .kind = kind::duration, .at = at<&c::workers, &wo::breaker, &br::back_off>,
     .help = "How long a worker that kept failing gets no work. After that it gets one task at a time, as a trial; "
             "each failed trial doubles the pause.",
     .min = 100, .max = 24 * hours},
    {.key = "cluster.failure_max_back_off", .kind = kind::duration, .at = at<&c::workers, &wo::breaker,
      &br::max_back_off>,
     .help = "The longest pause that the doubling of `cluster.failure_back_off` reaches.",
     .min = 100, .max = 24 * hours},
    {.key = "cluster.trial_duration", .kind = kind::duration, .at = at<&c::workers, &wo::breaker, &br::well_after>,
     .help = "A trial task that ran for this time, or ended regularly before, makes its worker trusted again.",
     .min = 100, .max = 24 * hours},
    {.key = "cluster.reconnect_delay", .kind = kind::duration, .at = at<&c::cluster, &cl::reconnect_delay>,
     .help = "Pause before a worker's first attempt to reconnect; doubled for each further attempt.",
     .min = 10, .max = 1 * minutes},
    {.key = "cluster.reconnect_max_delay", .kind = kind::duration, .at = at<&c::cluster, &cl::reconnect_max_delay>,
     .help = "The longest pause between two attempts to reconnect.", .min = 10, .max = 10 * minutes},
  };
}

std::vector<option> gpu_rows() {
  return {
    {.key = "gpu.encoder_max", .kind = kind::number, .at = at<&c::leases, &le::places, &pl::gpus, &gp::guards,
      &gu::encoder_percent, &core::gpu_guard::from>,
     .help = "Percent. A GPU whose encoder use is higher takes no new work until the use is 10 percentage points "
             "below this value.",
     .min = 1, .max = 101},
    {.key = "gpu.memory_max", .kind = kind::number, .at = at<&c::leases, &le::places, &pl::gpus, &gp::guards,
      &gu::memory_percent, &core::gpu_guard::from>,
     .help = "Percent. A GPU whose memory use is higher takes no new work until the use is 5 percentage points below "
             "this value.",
     .min = 1, .max = 101},
    {.key = "gpu.temperature_max", .kind = kind::number, .at = at<&c::leases, &le::places, &pl::gpus, &gp::guards,
      &gu::temperature_celsius, &core::gpu_guard::from>,
     .help = "°C. A GPU that is hotter takes no new work until it is 5 °C below this value.", .min = 1, .max = 200},
    {.key = "gpu.back_off", .kind = kind::duration, .at = at<&c::leases, &le::places, &pl::gpus, &gp::back_off>,
     .help = "How long a GPU is not used after its encoder did not open; doubled with each further failure.",
     .min = 100, .max = 1 * hours},
    {.key = "gpu.max_back_off", .kind = kind::duration, .at = at<&c::leases, &le::places, &pl::gpus, &gp::max_back_off>,
     .help = "The longest pause that the doubling of `gpu.back_off` reaches.", .min = 100, .max = 24 * hours},
    {.key = "gpu.queue_timeout", .kind = kind::duration, .at = at<&c::leases, &le::queue_timeout>,
     .help = "How long a rendition with `on_busy: queue` waits for its encoder, unless it sets its own timeout.",
     .max = 1 * hours},
    {.key = "gpu.alpha", .kind = kind::number, .at = at<&c::leases, &le::places, &pl::choose, &pc::weights,
      &core::placement_weights::alpha>,
     .help = "Strategy `weighted`: cost of each percent of use of a GPU's encoder or of the processor.",
     .max = 1e6},
    {.key = "gpu.beta", .kind = kind::number, .at = at<&c::leases, &le::places, &pl::choose, &pc::weights,
      &core::placement_weights::beta>,
     .help = "Strategy `weighted`: cost of each °C of a GPU.", .max = 1e6},
    {.key = "gpu.gamma", .kind = kind::number, .at = at<&c::leases, &le::places, &pl::choose, &pc::weights,
      &core::placement_weights::gamma>,
     .help = "Strategy `weighted`: cost of each encode session on a GPU, or, for work without a GPU, of each such "
             "task on the worker.", .max = 1e6},
    {.key = "gpu.sessions.*", .kind = kind::word, .at = gpu_sessions,
     .help = "Encode sessions that the card of this UUID may hold: `none`, `unlimited` or a number. Overrides the "
             "workers' own settings.",
     .default_text = "what its model and driver allow"},
  };
}

std::vector<option> service_rows() {
  return {
    {.key = "http.listen", .kind = kind::address, .at = at<&c::http, &ht::listen>,
     .help = "Where the coordinator serves the API, metrics and media. Anything but loopback needs `http.insecure`; "
             "better is HTTPS, see `http.tls.enabled`. "
             "Port 0 takes any free port.",
     .aliases = {{"TVARR_LISTEN_ADDRESS"}, {"TVARR_SERVER_HOST", part::host}, {"TVARR_SERVER_PORT", part::port}}},
    {.key = "http.port_file", .kind = kind::path, .at = at<&c::http, &ht::port_file>,
     .help = "File into which the coordinator writes the port that it listens on.", .default_text = "none"},
    {.key = "http.insecure", .kind = kind::boolean, .at = at<&c::http, &ht::insecure>,
     .help = "Lets HTTP listen beyond this machine without TLS, so that keys and media can be read on the way. Each "
             "start warns of it."},
    {.key = "http.tls.enabled", .kind = kind::boolean, .at = at<&c::http, &ht::tls, &https_options::enabled>,
     .help = "Serves HTTPS at `http.tls.listen`, beside plain HTTP at `http.listen`."},
    {.key = "http.tls.listen", .kind = kind::address, .at = at<&c::http, &ht::tls, &https_options::listen>,
     .help = "Where the coordinator serves HTTPS. Port 0 takes any free port."},
    {.key = "http.tls.port_file", .kind = kind::path, .at = at<&c::http, &ht::tls, &https_options::port_file>,
     .help = "File into which the coordinator writes the port of HTTPS.", .default_text = "none"},
    {.key = "http.tls.certificate", .kind = kind::path, .at = at<&c::http, &ht::tls, &https_options::certificate>,
     .help = "PEM file of the certificate for HTTPS, followed by those that lead to its authority. If the file "
             "changes, new connections get the new certificate.",
     .default_text = "a certificate that the coordinator makes and renews; its authority is `cluster-ca.crt` in "
                     "`node.state_dir`"},
    {.key = "http.tls.key", .kind = kind::path, .at = at<&c::http, &ht::tls, &https_options::key>,
     .help = "PEM file of the private key that belongs to `http.tls.certificate`.",
     .default_text = "in the file `http.tls.certificate`"},
    {.key = "http.tls.redirect", .kind = kind::boolean, .at = at<&c::http, &ht::tls, &https_options::redirect>,
     .help = "Whether requests from other machines to `http.listen` are sent to HTTPS, if they need a key. Files of "
             "jobs, addresses that were made for players, and open channels are served without HTTPS, too."},
    {.key = "http.hosts", .kind = kind::host_list, .at = at<&c::http, &ht::hosts>,
     .help = "Host names that the server accepts in `Host`: the names that a reverse proxy passes on, or that users "
             "type. Loopback names are always accepted, and so are IP addresses if `http.listen` is beyond this "
             "machine. Without a list, a server beyond this machine accepts any name, but refuses changes from "
             "browsers under an unknown name. A certificate that the coordinator makes is valid for these names.",
     .default_text = "none"},
    {.key = "http.trust_loopback", .kind = kind::choice, .at = at<&c::http, &ht::trust_loopback>,
     .help = "Whether requests from this machine may do everything without a key. `auto`: until there is a key besides "
             "the first one. Requests that came through a proxy, or from a page of another origin, always need one.",
     .choices = {"auto", "always", "never"}},
    {.key = "http.open_channels", .kind = kind::boolean, .at = at<&c::http, &ht::open_channels>,
     .help = "Lets anyone who reaches the server watch all channels. Otherwise players need a key, or an address that "
             "was made for them."},
    {.key = "http.trusted_proxies", .kind = kind::network_list, .at = at<&c::http, &ht::trusted_proxies>,
     .help = "Addresses and networks of reverse proxies. Only from these, `X-Forwarded-For` says who the client is. "
             "`http.trust_loopback` does not hold for them.",
     .default_text = "none"},
    {.key = "http.proxy_protocol", .kind = kind::choice, .at = at<&c::http, &ht::proxy_protocol>,
     .help = "With `required`, each connection from `http.trusted_proxies` must begin with a header of the PROXY "
             "protocol, version 1 or 2, which says who the client is. Other clients connect without it.",
     .choices = {"off", "required"}},
    {.key = "http.requests_per_second", .kind = kind::integer, .at = at<&c::http, &ht::requests_per_second>,
     .help = "How many requests one client address, or network of 64 bits in IPv6, may send in a second on average. "
             "Media that the client may watch does not count, nor do files of jobs with the right ticket.",
     .min = 1, .max = 1'000'000},
    {.key = "http.requests_burst", .kind = kind::integer, .at = at<&c::http, &ht::requests_burst>,
     .help = "How many of these requests may come at once.", .min = 1, .max = 1'000'000},
    {.key = "http.header_bytes_max", .kind = kind::size, .at = at<&c::http, &ht::header_bytes_max>,
     .help = "The largest request header.", .min = kibibyte, .max = mebibyte},
    {.key = "http.body_bytes_max", .kind = kind::size, .at = at<&c::http, &ht::body_bytes_max>,
     .help = "The largest request body.", .min = kibibyte, .max = 1024 * mebibyte},
    {.key = "http.connections_max", .kind = kind::integer, .at = at<&c::http, &ht::connections_max>,
     .help = "The most open connections, and requests by HTTP/2; further ones are refused. All of them take at most "
             "half of the process's file descriptors, one each, or three each with HTTPS.",
     .min = 1, .max = 1'000'000},
    {.key = "http.connections_per_client", .kind = kind::integer, .at = at<&c::http, &ht::connections_per_client>,
     .help = "The most open connections from one client address, and the most of its requests at once by HTTP/2. There "
             "is no such limit for `http.trusted_proxies`.",
     .min = 1, .max = 1'000'000},
    {.key = "http.header_timeout", .kind = kind::duration, .at = at<&c::http, &ht::header_timeout>,
     .help = "How long a client may take to send a request's header.", .min = 100, .max = 10 * minutes},
    {.key = "http.idle_timeout", .kind = kind::duration, .at = at<&c::http, &ht::idle_timeout>,
     .help = "How long a connection may be idle between two requests, or a client may read nothing.",
     .min = 100, .max = 1 * hours},
    {.key = "worker.slots", .kind = kind::integer, .at = at<&c::worker, &worker_options::slots>,
     .help = "Number of simultaneous transcodes on this worker.",
     .min = 1, .max = 1024, .default_text = "the number of cores",
     .aliases = {{"TVARR_MAX_CPU_JOBS"}, {"TVARR_MAX_JOBS"}}},
    {.key = "worker.warm_tasks", .kind = kind::integer, .at = at<&c::leases, &le::warm_tasks>,
     .help = "Idle task processes that a worker keeps ready, so that a transcode starts at once.", .max = 64},
    {.key = "worker.drain_timeout", .kind = kind::duration, .at = at<&c::worker, &worker_options::drain_timeout>,
     .help = "How long a worker waits on SIGTERM until its tasks have moved to others. With 0s it ends at once. A "
             "second signal ends it at any time.",
     .max = 1 * hours},
    {.key = "worker.prove", .kind = kind::boolean, .at = at<&c::worker, &worker_options::prove>,
     .help = "Tests every encoder and decoder before the worker registers. Without these tests, only the contents of "
             "the cache count as proven."},
    {.key = "worker.trust_codecs", .kind = kind::boolean, .at = at<&c::worker, &worker_options::trust_codecs>,
     .help = "Assumes, without a test, that an encoder or decoder works if libav* lists it and its device is present. "
             "For a node that serves one job: the job finds out whether its encoder opens."},
    {.key = "worker.capability_cache", .kind = kind::path, .at = at<&c::worker, &worker_options::capability_cache>,
     .help = "File that keeps the proven capabilities until libraries or devices change.",
     .default_text = "capabilities.json in `node.state_dir`"},
    {.key = "worker.gpu_sessions", .kind = kind::word, .at = at<&c::worker, &worker_options::gpu_sessions>,
     .help = "The most encode sessions on each GPU of this worker: `none`, `unlimited` or a number.",
     .default_text = "what its model and driver allow", .aliases = {{"TVARR_GPU_MAX_SESSIONS"}}},
    {.key = "worker.gpu_limits.*", .kind = kind::word, .at = gpu_limit,
     .help = "The most encode sessions on the GPU of this worker with this UUID.",
     .default_text = "`worker.gpu_sessions`"},
    {.key = "coordinator.warm_tasks", .kind = kind::integer, .at = at<&c::leases, &le::warm_ingest_tasks>,
     .help = "Idle task processes that a coordinator keeps ready, so that a channel starts at once.", .max = 64},
    {.key = "coordinator.http_advertise", .kind = kind::text, .at = at<&c::coordinator,
      &coordinator_options::http_advertise>,
     .help = "URL of the coordinator's HTTP server from which workers fetch files, such as `http://10.0.0.1:8080`.",
     .default_text = "the address by which the worker reaches the coordinator, with the port of `http.listen`"},
    {.key = "task.orphan_timeout", .kind = kind::duration, .at = at<&c::task, &task_options::orphan_timeout>,
     .help = "How long a task whose work has ended may take to return from a running codec call. After that its "
             "process is killed.", .min = 100, .max = 24 * hours},
    {.key = "task.stop_timeout", .kind = kind::duration, .at = at<&c::task, &task_options::stop_timeout>,
     .help = "A task that was told to stop is killed after this time.", .min = 10, .max = 10 * minutes},
    {.key = "task.memory", .kind = kind::size, .at = at<&c::task, &task_options::memory, &core::memory_rules::bytes>,
     .help = "The most memory of a task that reads a source, or probes or assembles a file; a task that assembles "
             "gets more for large pictures. 0 is no limit. An order's `limits.memory` overrides it.",
     .max = 1024.0 * 1024 * mebibyte},
    {.key = "task.encode_memory_percent", .kind = kind::integer, .at = at<&c::task, &task_options::memory,
      &core::memory_rules::encode_percent>,
     .help = "The most memory of a task that encodes, in percent of the estimate from its encoder and picture size. "
             "The estimate is generous, such as 3 GiB for 1080p and 60 GiB for AV1 in 8K. 0 is no limit. An order's "
             "`limits.memory` overrides it.",
     .max = 1000},
    {.key = "task.cage", .kind = kind::boolean, .at = at<&c::task, &task_options::cage>,
     .help = "Keeps from tasks what they do not need: files, other processes, privileges, system calls. Off only to find "
             "out whether the cage is the cause of a fault."},
    {.key = "task.hidden", .kind = kind::path_list, .at = at<&c::task, &task_options::hidden>,
     .help = "Files and folders that tasks may not see although they lie in `paths.read`. `node.state_dir`, the "
             "configuration and all keys of the node are always hidden.",
     .default_text = "folders of the home folder that usually hold keys and passwords, such as .ssh and .config"},
    {.key = "task.user", .kind = kind::word, .at = at<&c::task, &task_options::user>,
     .help = "The user that tasks become, if root started the node. The user must be able to read sources and, for "
             "graphics cards, be in the groups of their devices.",
     .default_text = "the node's user"},
    {.key = "audit.keep_days", .kind = kind::integer, .at = at<&c::audit, &audit_options::keep_days>,
     .help = "How many days the audit log keeps who changed what.", .min = 1, .max = 36'500},
    {.key = "audit.entries_max", .kind = kind::integer, .at = at<&c::audit, &audit_options::entries_max>,
     .help = "The most entries of the audit log; older ones are removed. Refused requests of clients without a key "
             "take at most a quarter of them.",
     .min = 100, .max = 10'000'000},
    {.key = "log.level", .kind = kind::choice, .at = at<&c::log, &log_options::level>,
     .help = "The lowest level that is written.",
     .choices = {"trace", "debug", "info", "warning", "error", "off"}, .flags = {"log-level"},
     .aliases = {{"TVARR_LOG_LEVEL"}, {"TVARR_LOGGING_LEVEL"}}},
    {.key = "log.format", .kind = kind::choice, .at = at<&c::log, &log_options::format>,
     .help = "Format of lines on standard error: text, or one JSON object each.", .choices = {"text", "json"},
     .flags = {"log-format"}, .aliases = {{"TVARR_LOG_FORMAT"}, {"TVARR_LOGGING_FORMAT"}}},
  };
}

std::vector<option> job_rows() {
  return {
    {.key = "jobs.store", .kind = kind::url, .at = at<&c::jobs, &jo::store>,
     .help = "Storage for file jobs: the path of an SQLite file, or `postgresql://user@host/database`.",
     .default_text = "jobs.db in `node.state_dir`"},
    {.key = "jobs.work_dir", .kind = kind::path, .at = at<&c::jobs, &jo::work_dir>,
     .help = "The coordinator's folder for the chunks of jobs, and for clients' files.",
     .default_text = "jobs in `node.state_dir`"},
    {.key = "jobs.callback_secret", .kind = kind::text, .at = at<&c::jobs, &jo::callback_secret>,
     .help = "Signs the body of each callback: its header `Troupe-Signature` is `sha256=` and the HMAC-SHA256 of the "
             "body.",
     .default_text = "none: callbacks are not signed", .secret = true},
    {.key = "jobs.running_max", .kind = kind::integer, .at = at<&c::book, &core::job_book_config::running_max>,
     .help = "The most file jobs that run at one time.", .min = 1, .max = 10'000},
    {.key = "jobs.retries_max", .kind = kind::integer, .at = at<&c::file_job, &fj::retries_max>,
     .help = "How often a step of a job is tried again after an error that another try may avoid.", .max = 100},
    {.key = "jobs.silence_max", .kind = kind::duration, .at = at<&c::file_job, &fj::silence_max>,
     .help = "A task that works on a file is replaced if it reports nothing for this long. It reports twice a second.",
     .min = 1 * seconds, .max = 1 * hours},
    {.key = "jobs.stall_max", .kind = kind::duration, .at = at<&c::file_job, &fj::stall_max>,
     .help = "A task that reports but makes no progress for this long is replaced.", .min = 1 * seconds,
     .max = 24 * hours},
    {.key = "jobs.orphan_timeout", .kind = kind::duration, .at = at<&c::jobs, &jo::orphan_timeout>,
     .help = "A task that makes a chunk and loses its coordinator continues for this time, and offers the chunk to "
             "the next coordinator.", .min = 100, .max = 24 * hours},
    {.key = "jobs.aging_step", .kind = kind::duration, .at = at<&c::book, &core::job_book_config::order,
      &core::job_order_config::aging_step>,
     .help = "A job overtakes waiting jobs of the next lower class (queue and priority) that were submitted earlier "
             "by at most this time.", .max = 24 * hours},
    {.key = "jobs.transfer", .kind = kind::choice, .at = at<&c::jobs, &jo::transfer>,
     .help = "How workers reach files: with `auto` by path if the path provably leads to the same file, otherwise "
             "through HTTP; with `http` always through HTTP.",
     .choices = {"auto", "http"}},
    {.key = "jobs.keep", .kind = kind::duration, .at = at<&c::jobs, &jo::keep>,
     .help = "How long clients' uploads, and results that they have not fetched, are kept after their last use.",
     .min = 1 * minutes, .max = 30 * 24 * hours},
    {.key = "jobs.upload_bytes_max", .kind = kind::size, .at = at<&c::jobs, &jo::upload_bytes_max>,
     .help = "The largest file that a client or a worker may send.",
     .min = kibibyte, .max = 16.0 * 1024 * 1024 * mebibyte},
    {.key = "jobs.stop_timeout", .kind = kind::duration, .at = at<&c::jobs, &jo::stop_timeout>,
     .help = "How long a task that works on a file may take to end before it is killed.", .min = 100,
     .max = 5 * 60 * seconds},
    {.key = "jobs.disk_refuse", .kind = kind::integer, .at = at<&c::file_job, &fj::disk_refuse>,
     .help = "Percent. A job is refused, and no task of it begins, if a disk that it writes to has less free space.",
     .max = 100},
    {.key = "jobs.disk_warn", .kind = kind::integer, .at = at<&c::file_job, &fj::disk_warn>,
     .help = "Percent. If a disk that a job writes to has less free space, the job is accepted with a warning.",
     .max = 100},
    {.key = "jobs.keep_failed", .kind = kind::duration, .at = at<&c::jobs, &jo::keep_failed>,
     .help = "How long finished chunks of a failed job are kept for a retry. Only the latest 100 failed jobs keep "
             "their chunks.",
     .max = 30 * 24 * hours},
  };
}

// clang-format on

constexpr std::string_view no_programs = "the libav* libraries handle media, no program is started";
constexpr std::string_view no_hardware = "workers find and test their devices, nothing is forced";

constexpr ignored_variable ignored[] = {
  {"TVARR_FFMPEG_PATH", no_programs},
  {"TVARR_FFMPEG_BINARY", no_programs},
  {"TVARR_FFPROBE_PATH", no_programs},
  {"TVARR_FFMPEGD_BINARY", no_programs},
  {"TVARR_VAINFO_PATH", no_programs},
  {"TVARR_HW_ACCEL", no_hardware},
  {"TVARR_HW_DEVICE", no_hardware},
  {"TVARR_MAX_GPU_JOBS", no_hardware},
  {"TVARR_GRPC_ENABLED", "whether a node takes workers depends on its role"},
  {"TVARR_RELAY_PREFER_REMOTE_PROBE", "sources are always probed where they are pulled"},
  {"TVARR_DATABASE_DSN", "`jobs.store` says where file jobs are kept"},
  {"TVARR_SERVER_BASE_URL", "addresses in answers are relative"},
};

} // namespace

std::span<const option> options() {
  static const auto table = [] {
    std::vector<option> all;
    for (auto* rows :
         {&node_rows, &cluster_rows, &gpu_rows, &service_rows, &live_rows, &job_rows, &access_rows, &media_rows})
      for (auto& row : rows())
        all.push_back(std::move(row));
    return all;
  }();
  return table;
}

std::span<const ignored_variable> ignored_variables() {
  return ignored;
}

} // namespace troupe::config

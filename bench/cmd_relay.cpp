// caf-bench relay: how much media one coordinator can relay.
//
// Samples go from an ingest process through the coordinator's process to a task process and back, with the product's
// own session decisions, messages, credit and links; the ingest always has more, the task sends back what it gets, and
// no client reads. The figure counts the payload bytes that enter and leave the coordinator, in a window that begins
// when every stream has made a full round. It is measured with one stream and with 50 (one process for each end of
// each), over plain connections and over mutual TLS. A rate says as much about the machine as about Troupe, so bare
// sockets move the same bytes in turns with the relay; the ratio is the figure that counts.
#include "actors/cluster/link.hpp"
#include "actors/gateway.hpp"
#include "base/random_id.hpp"
#include "bench/bare_relay.hpp"
#include "bench/options.hpp"
#include "bench/relay_actors.hpp"
#include "bench/report.hpp"
#include "core/trust/link_proof.hpp"
#include "processes/child_process.hpp"
#include "rig/process.hpp"
#include "rig/scratch_folder.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>

#include <signal.h>

#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto relay_start_limit = std::chrono::seconds{60};
constexpr const char* cluster_secret = "a-secret-for-one-measurement";

struct certificates {
  std::string ca, certificate, key;
};

/// A cluster CA and one certificate for this machine, as an operator makes them.
certificates make_certificates(const scratch_folder& folder) {
  certificates result{folder.path("ca.pem"), folder.path("node.pem"), folder.path("node.key")};
  auto script =
    "cd " + folder.path("")
    + " && echo extendedKeyUsage=serverAuth,clientAuth > uses"
      " && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
      " -subj /CN=CA -keyout ca.key -out ca.pem && openssl req -new -newkey ec -pkeyopt"
      " ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout node.key -out node.csr && openssl x509 -req"
      " -in node.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile uses -out node.pem";
  auto done = run_process({"sh", "-c", script}, std::chrono::seconds{30});
  if (!done.ok())
    throw std::runtime_error("openssl makes no certificates: " + done.out);
  return result;
}

link_config link_of(const std::string& port, const certificates& tls) {
  link_config result{"127.0.0.1", static_cast<uint16_t>(std::stoi(port)), tls.ca, tls.certificate, tls.key};
  result.secret = cluster_secret;
  return result;
}

/// The same for an end that joins as a task of this host, with a pass as a worker makes it.
link_config task_link_of(const std::string& port, const certificates& tls, const task_join& who) {
  auto result = link_of(port, tls);
  core::task_pass pass{who.task.value, who.host.value,
                       std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())};
  result.role = core::link_role::task;
  result.name = name_of(pass);
  result.secret = secret_of(pass, core::node_secret(cluster_secret, pass.node));
  return result;
}

/// The processes of one run, ended by the destructor.
class children {
public:
  children() = default;
  children(const children&) = delete;
  children& operator=(const children&) = delete;

  ~children() {
    for (auto& c : all_) {
      close_input(c);
      ::kill(c.pid, SIGKILL);
      (void)wait_for(c.pid);
    }
  }

  void start(const arguments& words) {
    auto child = start_child(words, false);
    if (!child)
      throw std::runtime_error(child.error());
    all_.push_back(*child);
  }

private:
  std::vector<child_process> all_;
};

/// Waits until every stream has made a full round, then counts during the window. Returns Gbit/s in and out of this
/// process.
double observe(const relay_counters& counters, size_t streams, std::chrono::milliseconds window) {
  auto deadline = clock::now() + relay_start_limit;
  while (counters.running < streams) {
    if (clock::now() > deadline)
      throw std::runtime_error("only " + std::to_string(counters.running) + " streams completed a round trip");
    ::usleep(1000);
  }
  auto from = clock::now();
  uint64_t before = counters.in + counters.out;
  std::this_thread::sleep_for(window);
  uint64_t moved = counters.in + counters.out - before;
  return static_cast<double>(moved) * 8 / 1e9 / std::chrono::duration<double>(clock::now() - from).count();
}

/// Starts both ends of every stream.
void start_ends(children& ends, const char* command, uint16_t port, size_t streams, const certificates& tls) {
  for (size_t i = 0; i < 2 * streams; ++i)
    ends.start({command, std::to_string(port), i % 2 == 0 ? "1" : "2", tls.ca, tls.certificate, tls.key});
}

/// The relay of the product. The coordinator is this process.
double move_samples(size_t streams, const certificates& tls, std::chrono::milliseconds window) {
  auto at = link_of("0", tls);
  // Never destroyed: the process ends with the figure, and does not wait for streams that still have samples in
  // transit.
  auto& cfg = *new node_system_config;
  auto& system = *new caf::actor_system{cfg};
  auto counters = std::make_shared<relay_counters>();
  auto coordinator = spawn_relay_coordinator(system, streams, counters);
  auto link = publish(system, coordinator, at);
  if (!link)
    throw std::runtime_error("cannot listen: " + link.error());
  children tasks;
  start_ends(tasks, "relay-task", link->port, streams, tls);
  return observe(*counters, streams, window);
}

/// The same bytes over bare sockets. The thread ends with the process, like the actors above.
double move_bytes(size_t streams, const certificates& tls, std::chrono::milliseconds window) {
  ::signal(SIGPIPE, SIG_IGN); // OpenSSL writes to ends that are ended before the relay
  auto& counters = *new relay_counters;
  auto& relay = *new bare_relay{link_of("0", tls)};
  std::thread{[&relay, &counters, streams] { relay.relay(streams, counters); }}.detach();
  children ends;
  start_ends(ends, "bare-end", relay.port(), streams, tls);
  return observe(counters, streams, window);
}

/// Measures one of the two relays, in a fresh process that no earlier measurement can slow down.
double measure(const char* command, size_t streams, const certificates& tls, std::chrono::milliseconds window) {
  auto limit = relay_start_limit + window + std::chrono::seconds{10};
  auto child = run_process(
    {own_program(), command, std::to_string(streams), std::to_string(window.count()), tls.ca, tls.certificate, tls.key},
    limit);
  if (!child.ok())
    throw std::runtime_error(std::string{command} + " with " + std::to_string(streams)
                             + " streams failed: " + child.out);
  return std::stod(child.out);
}

/// Runs the product and the bare sockets in turns, so that a machine that slows down affects both.
void compete(report& to, const std::string& suffix, size_t streams, const certificates& tls,
             std::chrono::milliseconds window, int pairs) {
  std::vector<double> ours, bare, shares;
  for (int pair = 0; pair < pairs; ++pair) {
    if (pair % 2 == 0)
      ours.push_back(measure("relay-coordinator", streams, tls, window));
    bare.push_back(measure("bare-relay", streams, tls, window));
    if (pair % 2 != 0)
      ours.push_back(measure("relay-coordinator", streams, tls, window));
    shares.push_back(ours.back() / bare.back());
  }
  to.figures.push_back(measured("relay_share_" + suffix, shares));
  to.figures.push_back(measured("gbit_s_" + suffix, ours));
  to.figures.push_back(measured("bare_gbit_s_" + suffix, bare));
}

/// The coordinator's process of either relay.
int coordinate(const arguments& given, double (*move)(size_t, const certificates&, std::chrono::milliseconds)) {
  if (given.size() != 5)
    return 2;
  auto window = std::chrono::milliseconds{std::stol(given[1])};
  std::printf("%f\n", move(std::stoul(given[0]), {given[2], given[3], given[4]}, window));
  std::fflush(stdout);
  std::_Exit(0); // nothing here outlives the figure
}

} // namespace

int run_relay_coordinator(const arguments& given) {
  register_node_types();
  return coordinate(given, move_samples);
}

int run_bare_relay(const arguments& given) {
  return coordinate(given, move_bytes);
}

int run_bare_end(const arguments& given) {
  if (given.size() != 5)
    return 2;
  flood_or_echo(link_of(given[0], {given[2], given[3], given[4]}),
                given[1] == "1" ? bare_role::ingest : bare_role::task);
  return 0;
}

int run_relay_task(const arguments& given) {
  if (given.size() != 5)
    return 2;
  register_node_types();
  task_join who{task_id{base::random_id()}, worker_id{std::stoull(given[1])}, {}};
  auto to = task_link_of(given[0], {given[2], given[3], given[4]}, who);
  node_system_config cfg{1};
  caf::actor_system system{cfg};
  // A hundred processes that start at once may overflow the listener's backlog.
  auto coordinator = connect(system, to);
  for (int tries = 1; !coordinator && tries < 20; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    coordinator = connect(system, to);
  }
  if (!coordinator)
    return 1;
  auto task = spawn_relay_task(system, *coordinator);
  caf::scoped_actor self{system};
  self->send(*coordinator, who, task);
  self->wait_for(task);
  std::_Exit(0); // the actors that flood and echo end with the process
}

int run_relay(const arguments& given) {
  namespace po = boost::program_options;
  int pairs = 0;
  double seconds = 0;
  po::options_description options{"options"};
  auto add = options.add_options();
  add("pairs", po::value(&pairs)->default_value(0), "runs of each side and case; 0: 5, or 3 with --quick");
  add("seconds", po::value(&seconds)->default_value(0), "window of each run; 0: 4, or 1 with --quick");
  auto values = parse(given, "relay [options]", options);
  if (!values)
    return 0;
  auto quick = values->count("quick") > 0;
  if (pairs <= 0)
    pairs = quick ? 3 : 5;
  if (seconds <= 0)
    seconds = quick ? 1 : 4;
  auto window = std::chrono::milliseconds{static_cast<int64_t>(seconds * 1000)};
  scratch_folder folder;
  auto tls = make_certificates(folder);
  report result;
  result.name = "relay";
  result.leave_out(static_cast<size_t>(pairs), 5, "pairs");
  result.leave_out(static_cast<size_t>(window.count()), 4000, "ms of each run");
  for (auto [name, secure] : {std::pair{"plain", false}, std::pair{"tls", true}})
    for (size_t streams : {1, 50})
      compete(result, std::string{name} + "_" + std::to_string(streams), streams, secure ? tls : certificates{}, window,
              pairs);
  result.notes.emplace_back("payload in and out of one coordinator; ingest and task processes on the same cores");
  result.notes.emplace_back("relay_share: of what bare sockets move in the same run");
  print(result, *values);
  return 0;
}

} // namespace troupe::bench

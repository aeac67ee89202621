#include "actors/cluster/link_gate.hpp"

#include "actors/cluster/link_prove.hpp"
#include "actors/cluster/link_rules.hpp"
#include "base/secret.hpp"
#include "config/defaults.hpp"
#include "telemetry/log.hpp"

#include <caf/io/basp_broker.hpp>
#include <caf/io/middleman.hpp>
#include <caf/io/network/native_socket.hpp>
#include <caf/make_counted.hpp>
#include <caf/send.hpp>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace troupe {

namespace {

namespace defaults = config::defaults;

constexpr int backlog = 1024;
constexpr int sweep_ms = 250;

base::descriptor spare_descriptor() {
  return base::descriptor{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
}

tl::expected<base::descriptor, std::string> listen_at(const link_config& x) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (auto failed = ::getaddrinfo(x.host.c_str(), std::to_string(x.port).c_str(), &hints, &found); failed != 0)
    return tl::unexpected(std::string{::gai_strerror(failed)});
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned{found, ::freeaddrinfo};
  base::descriptor result{::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, found->ai_protocol)};
  constexpr int yes = 1;
  constexpr int no = 0;
  if (found->ai_family == AF_INET6)
    ::setsockopt(result.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  if (!result || ::setsockopt(result.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0
      || ::bind(result.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(result.get(), backlog) != 0)
    return tl::unexpected(std::string{std::strerror(errno)});
  return result;
}

} // namespace

tl::expected<std::unique_ptr<link_gate>, std::string> link_gate::open(caf::actor_system& system, link_config at,
                                                                      published what) {
  std::optional<certificate_store> certificates;
  if (at.secure()) {
    auto read = certificate_store::open(at);
    if (!read)
      return tl::unexpected(read.error());
    certificates = std::move(*read);
  }
  auto listening = listen_at(at);
  if (!listening)
    return tl::unexpected(listening.error());
  return std::unique_ptr<link_gate>{
    new link_gate(system, std::move(at), std::move(what), std::move(*listening), std::move(certificates))};
}

link_gate::link_gate(caf::actor_system& system, link_config at, published what, base::descriptor listening,
                     std::optional<certificate_store> certificates)
  : system_(system),
    broker_(system.middleman().named_broker<caf::io::basp_broker>("BASP")),
    at_(std::move(at)),
    what_(std::move(what)),
    listening_(std::move(listening)),
    wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
    reserve_(spare_descriptor()),
    certificates_(std::move(certificates)),
    port_(at_.port) {
  if (auto bound = caf::io::network::local_port_of_fd(listening_.get()))
    port_ = *bound;
  thread_ = std::thread{[this] { run(); }};
}

link_gate::~link_gate() {
  stopping_ = true;
  uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
  thread_.join();
}

void link_gate::run() {
  pthread_setname_np(pthread_self(), "cluster gate");
  while (!stopping_)
    turn();
}

void link_gate::turn() {
  polled_.clear();
  polled_.push_back({wake_.get(), POLLIN, 0});
  polled_.push_back({listening_.get(), static_cast<short>(rests_ ? 0 : POLLIN), 0});
  for (auto& x : newcomers_)
    polled_.push_back({x.socket.get(), x.events, 0});
  if (::poll(polled_.data(), polled_.size(), newcomers_.empty() && !rests_ ? -1 : sweep_ms) < 0)
    return;
  rests_ = false;
  auto now = clock::now();
  auto polled = polled_.begin() + 2;
  for (auto x = newcomers_.begin(); x != newcomers_.end(); ++polled) {
    auto gone = polled->revents != 0 && advance(*x);
    if (!gone && now >= x->deadline) {
      refuse(x->socket.get(), "its handshake took too long");
      gone = true;
    }
    x = gone ? newcomers_.erase(x) : std::next(x);
  }
  if (polled_[1].revents != 0)
    accept_all();
}

void link_gate::accept_all() {
  constexpr int at_a_time = 16; // so that running handshakes get their turn in between
  for (int i = 0; i < at_a_time; ++i) {
    base::descriptor socket{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (socket)
      welcome(std::move(socket));
    else if (errno == EMFILE || errno == ENFILE)
      return turn_away();
    else if (errno != ECONNABORTED && errno != EINTR)
      return;
  }
}

void link_gate::turn_away() {
  reserve_ = {};
  base::descriptor socket{::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (socket)
    refuse(socket.get(), "this process has reached its limit of open files; see ulimit -n");
  rests_ = !socket;
  socket = {};
  reserve_ = spare_descriptor();
}

void link_gate::welcome(base::descriptor socket) {
  auto newcomers_max = std::clamp<uint64_t>(at_.connections_max / 4, 1, defaults::link_newcomers_max);
  if (places_->taken() + newcomers_max >= at_.connections_max)
    return refuse(socket.get(), "the limit of connections is reached");
  if (newcomers_.size() >= newcomers_max) {
    refuse(newcomers_.front().socket.get(), "its handshake is not finished, and others wait");
    newcomers_.pop_front();
  }
  newcomer x;
  x.deadline = clock::now() + at_.handshake_timeout;
  x.socket = std::move(socket);
  if (certificates_) {
    x.over.tls = accept_session(*certificates_->current(), x.socket.get());
    if (!x.over.tls)
      return refuse(x.socket.get(), "there is no memory for it");
  } else {
    greet(x);
  }
  newcomers_.push_back(std::move(x));
}

bool link_gate::advance(newcomer& x) {
  return x.secured ? talk(x) : shake(x);
}

bool link_gate::shake(newcomer& x) {
  std::string why;
  switch (shake_hands(*x.over.tls, why)) {
  case handshake::wants_read:
    x.events = POLLIN;
    return false;
  case handshake::wants_write:
    x.events = POLLOUT;
    return false;
  case handshake::failed:
    refuse(x.socket.get(), why);
    return true;
  case handshake::done:
    break;
  }
  greet(x);
  return talk(x);
}

void link_gate::greet(newcomer& x) {
  constexpr size_t challenge_bytes = 32;
  x.secured = true;
  x.challenge = base::random_digits(challenge_bytes);
  x.reply = core::greeting_line(x.challenge);
  x.events = POLLOUT;
}

bool link_gate::talk(newcomer& x) {
  using state = link_transport::state;
  while (true) {
    size_t moved = 0;
    if (!x.reply.empty()) {
      if (x.over.write_some(moved, x.socket.get(), x.reply.data(), x.reply.size()) == state::failure)
        return true;
      x.reply.erase(0, moved);
      if (!x.reply.empty()) {
        x.events = POLLOUT;
        return false;
      }
    }
    if (x.place) {
      admit(x);
      return true;
    }
    std::array<char, core::link_line_bytes_max> heard;
    auto room = heard.size() - x.said.size();
    if (x.over.read_some(moved, x.socket.get(), heard.data(), room) == state::failure) {
      refuse(x.socket.get(), x.said.empty() ? std::string_view{} : "it left before it had proved who it is");
      return true;
    }
    if (moved == 0) {
      x.events = POLLIN;
      return false;
    }
    x.said.append(heard.data(), moved);
    if (core::may_become_claim(x.said) && x.said.size() < heard.size() && x.said.find('\n') == std::string::npos)
      continue;
    if (auto why = judge(x)) {
      refuse(x.socket.get(), *why);
      auto line = core::refusal_line(*why);
      (void)x.over.write_some(moved, x.socket.get(), line.data(), line.size());
      return true;
    }
  }
}

std::optional<std::string> link_gate::judge(newcomer& x) {
  auto line = std::string_view{x.said};
  line.remove_suffix(1);
  auto claim = x.said.back() == '\n' ? core::read_claim(line) : std::nullopt;
  if (!claim)
    return "it does not speak the protocol of this cluster's nodes";
  x.node = claim->name;
  std::optional<core::task_pass> pass;
  if (claim->role == core::link_role::task) {
    pass = core::read_pass(claim->name);
    if (!pass)
      return "its pass is malformed";
    if (!core::is_current(*pass, std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())))
      return "its pass has expired, or the clock of its machine is wrong";
    x.node = pass->node;
  }
  auto secret = core::node_secret(at_.secret, x.node);
  if (pass)
    secret = core::secret_of(*pass, secret);
  auto* tls = x.over.tls.get();
  auto binding = binding_of(tls);
  auto expected = core::link_proof(core::link_side::node, secret, *claim, x.challenge, binding);
  if (at_.secret.empty() || !base::same_secret(claim->proof, expected))
    return pass ? "its pass was not made by a worker of this cluster"
                : "its secret is wrong: give this worker the coordinator's cluster.token, or have it join again";
  if (tls != nullptr && claim->role == core::link_role::worker && !shows_role(*tls, tls_role::client))
    return "a worker needs a certificate for clients, signed by the cluster's authority";
  if (!is_member(x.node))
    return "no node of that name is a member of this cluster; it may have been revoked";
  x.place = places_->take(pass ? claim->name : std::string{});
  if (!x.place)
    return "its pass is in use on another connection";
  x.reply = core::welcome_line(core::link_proof(core::link_side::gate, secret, *claim, x.challenge, binding));
  x.claim = std::move(*claim);
  return {};
}

bool link_gate::is_member(const std::string& node) const {
  return !at_.admits || at_.admits(node);
}

void link_gate::admit(newcomer& x) {
  auto known = peers_->add(x.socket.get(), x.node);
  // A revocation either is seen here, or ends what is noted.
  if (!is_member(x.node))
    return refuse(x.socket.get(), "its node was revoked");
  auto& backend = static_cast<caf::io::network::default_multiplexer&>(system_.middleman().backend());
  core::link_ends ends;
  ends.own_node = wire_name(system_);
  ends.published = what_.actor->id();
  if (auto pass = core::read_pass(x.claim.name); pass && x.claim.role == core::link_role::task)
    ends.joins_as = wire_join(*pass);
  ends.claim_node = [place = x.place](const std::string& node) { return place->claim_node(node); };
  caf::io::scribe_ptr scribe = caf::make_counted<link_connection>(
    backend, x.socket.get(), std::move(x.over.tls), std::move(x.place),
    core::link_filter{link_rules_of(x.claim.role), std::move(ends)}, std::move(known));
  x.socket.release();
  caf::anon_send(broker_, caf::publish_atom_v, std::move(scribe), port_, what_.actor, what_.interface);
}

void link_gate::refuse(int socket, std::string_view reason) {
  if (reason.empty())
    return; // it was opened and closed without any data, as monitoring does
  if (auto left_out = refusals_.take())
    log::warning("a connection to the cluster port is refused",
                 {{"peer", peer_of(socket)}, {"reason", reason}, {"not_logged_before", *left_out}});
}

} // namespace troupe

#include "actors/cluster/link_gate.hpp"

#include "actors/cluster/link_connection.hpp"
#include "actors/cluster/link_hello.hpp"
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

/// Makes a poll wake only when this many bytes are there, or the peer has closed.
void wake_at(int socket, size_t bytes) {
  auto least = static_cast<int>(bytes);
  ::setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
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
    auto gone = polled->revents != 0 && advance(*x, polled->revents);
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
  if (*admitted_ + newcomers_max >= at_.connections_max)
    return refuse(socket.get(), "the limit of connections is reached");
  if (newcomers_.size() >= newcomers_max) {
    refuse(newcomers_.front().socket.get(), "its handshake is not finished, and others wait");
    newcomers_.pop_front();
  }
  newcomer x;
  if (certificates_) {
    x.tls = accept_session(*certificates_->current(), socket.get());
    if (!x.tls)
      return refuse(socket.get(), "there is no memory for it");
  } else {
    wake_at(socket.get(), hello_header_bytes);
  }
  x.deadline = clock::now() + at_.handshake_timeout;
  x.socket = std::move(socket);
  newcomers_.push_back(std::move(x));
}

bool link_gate::advance(newcomer& x, short events) {
  if (!x.tls)
    return hear(x, events);
  std::string why;
  switch (shake_hands(*x.tls, why)) {
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
  admit(x);
  return true;
}

bool link_gate::hear(newcomer& x, short events) {
  std::array<std::byte, hello_bytes_max> first;
  auto n = ::recv(x.socket.get(), first.data(), first.size(), MSG_PEEK | MSG_DONTWAIT);
  auto heard = n > 0 ? static_cast<size_t>(n) : 0;
  auto whole = heard < hello_header_bytes ? hello_header_bytes : hello_bytes({first.data(), heard});
  if (!whole) {
    refuse(x.socket.get(), "it does not speak the protocol of this cluster's nodes");
    return true;
  }
  if (heard >= *whole) {
    wake_at(x.socket.get(), 1);
    admit(x);
    return true;
  }
  if ((events & (POLLHUP | POLLERR)) != 0 || n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    return true;
  wake_at(x.socket.get(), *whole);
  x.events = POLLIN | POLLRDHUP;
  return (events & POLLRDHUP) != 0;
}

void link_gate::admit(newcomer& x) {
  std::shared_ptr<link_peers::entry> known;
  if (x.tls) {
    known = peers_->add(x.socket.get(), peer_serial(*x.tls));
    if (!known)
      return refuse(x.socket.get(), "its certificate was revoked");
  }
  auto& backend = static_cast<caf::io::network::default_multiplexer&>(system_.middleman().backend());
  ++*admitted_;
  std::shared_ptr<void> place{nullptr, [all = admitted_](void*) { --*all; }};
  caf::io::scribe_ptr scribe =
    caf::make_counted<link_connection>(backend, x.socket.get(), std::move(x.tls), std::move(place), std::move(known));
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

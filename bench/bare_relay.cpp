#include "bench/bare_relay.hpp"

#include "actors/cluster/link_tls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

/// Begins every message.
struct header {
  uint32_t bytes = 0; ///< of the whole message
  uint32_t kind = 0;
  uint64_t count = 0; ///< of an acknowledgement: all blocks up to this one
};

constexpr uint32_t block_kind = 1;
constexpr uint32_t ack_kind = 2;

/// The sizes of a block (with what CAF and `sample_batch` add to its payload) and of a `batch_ack`.
constexpr size_t payload_bytes = relay_sample_bytes * relay_block_samples;
constexpr size_t block_bytes = payload_bytes + 256;
constexpr size_t ack_bytes = 96;

using message = std::vector<std::byte>;

message make_message(uint32_t kind, uint64_t count) {
  message result(kind == block_kind ? block_bytes : ack_bytes);
  header h{static_cast<uint32_t>(result.size()), kind, count};
  std::memcpy(result.data(), &h, sizeof h);
  return result;
}

header header_of(const message& x) {
  header result;
  std::memcpy(&result, x.data(), sizeof result);
  if (result.bytes != block_bytes && result.bytes != ack_bytes)
    throw std::runtime_error("a message of the bare relay is damaged");
  return result;
}

[[noreturn]] void stop_with(const char* what) {
  throw std::runtime_error(std::string{"bare relay: "} + what + ": " + std::strerror(errno));
}

/// The other side is gone.
struct closed {};

/// A connection, plain or with TLS.
class bare_socket {
public:
  bare_socket(int fd, SSL_CTX* context, bool accepts) : fd_(fd) {
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (context == nullptr)
      return;
    tls_ = accepts ? accept_session(*context, fd) : connect_session(*context, fd);
    std::string why;
    if (!tls_ || shake_hands(*tls_, why) != handshake::done)
      throw std::runtime_error("bare relay: no TLS handshake: " + why);
    SSL_set_mode(tls_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
  }

  bare_socket(bare_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}
  bare_socket& operator=(bare_socket&&) = delete;

  ~bare_socket() {
    tls_.reset();
    if (fd_ >= 0)
      ::close(fd_);
  }

  int fd() const noexcept {
    return fd_;
  }

  /// The number of bytes; 0 if the socket does not block and has none.
  size_t read_some(std::byte* into, size_t bytes) {
    return moved(tls_ ? SSL_read(tls_.get(), into, static_cast<int>(bytes)) : ::read(fd_, into, bytes));
  }

  size_t write_some(const std::byte* from, size_t bytes) {
    return moved(tls_ ? SSL_write(tls_.get(), from, static_cast<int>(bytes)) : ::send(fd_, from, bytes, MSG_NOSIGNAL));
  }

private:
  size_t moved(ssize_t n) {
    if (n > 0)
      return static_cast<size_t>(n);
    if (tls_) {
      auto why = SSL_get_error(tls_.get(), static_cast<int>(n));
      ERR_clear_error();
      if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;
    } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      return 0;
    }
    throw closed{};
  }

  int fd_;
  tls_session tls_;
};

/// Continues a message of which `got` bytes are there; true if it is complete. The buffer keeps the length of a block.
bool read_on(bare_socket& from, message& x, size_t& got) {
  x.resize(block_bytes);
  for (;;) {
    auto whole = got < sizeof(header) ? sizeof(header) : header_of(x).bytes;
    if (got == whole && got > sizeof(header))
      return true;
    auto n = from.read_some(x.data() + got, whole - got);
    if (n == 0)
      return false;
    got += n;
  }
}

// -- the ends, which block --------------------------------------------------------

header receive(bare_socket& from, message& x) {
  size_t got = 0;
  while (!read_on(from, x, got)) {
  }
  return header_of(x);
}

void send(bare_socket& to, const message& x) {
  for (size_t done = 0; done < x.size();)
    done += to.write_some(x.data() + done, x.size() - done);
}

[[noreturn]] void flood(bare_socket& relay) {
  auto block = make_message(block_kind, 0);
  message answers(64 * ack_bytes);
  size_t got = 0;
  uint64_t sent = 0;
  uint64_t acknowledged = 0;
  for (;;) {
    for (; (sent - acknowledged) * payload_bytes < relay_credit_bytes; ++sent)
      send(relay, block);
    // Reads all acknowledgements that have arrived: a switch between processes costs more than reading one.
    for (got += relay.read_some(answers.data() + got, answers.size() - got); got >= ack_bytes; got -= ack_bytes) {
      acknowledged = header_of(answers).count;
      std::memmove(answers.data(), answers.data() + ack_bytes, got - ack_bytes);
    }
  }
}

[[noreturn]] void echo(bare_socket& relay) {
  message x;
  for (uint64_t count = 0;;) {
    if (receive(relay, x).kind != block_kind)
      continue;
    auto answer = make_message(ack_kind, ++count);
    answer.insert(answer.end(), x.begin(), x.end());
    send(relay, answer);
  }
}

// -- the relay, which never blocks --------------------------------------------------

/// One of its connections.
struct connection {
  explicit connection(bare_socket x) : socket(std::move(x)) {}

  bare_socket socket;
  message incoming;
  size_t got = 0;
  std::deque<message> outgoing;
  size_t written = 0; ///< of the first outgoing message
  bool waits_to_write = false;
};

/// Both connections of one stream.
struct stream {
  connection* ingest = nullptr;
  connection* task = nullptr;
  uint64_t taken = 0;
  uint64_t rounds = 0;
  uint64_t acknowledged = 0;
};

class loop {
public:
  loop(std::vector<connection> ingests, std::vector<connection> tasks, relay_counters& counters)
    : ingests_(std::move(ingests)), tasks_(std::move(tasks)), counters_(counters), streams_(ingests_.size()) {
    for (size_t i = 0; i < streams_.size(); ++i) {
      streams_[i] = {&ingests_[i], &tasks_[i]};
      watch(ingests_[i], EPOLL_CTL_ADD, i * 2);
      watch(tasks_[i], EPOLL_CTL_ADD, i * 2 + 1);
    }
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 64> events;
    for (;;) {
      auto count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        auto tag = events[static_cast<size_t>(i)].data.u64;
        auto& of = streams_[tag / 2];
        auto& on = tag % 2 == 0 ? *of.ingest : *of.task;
        while (read_on(on.socket, on.incoming, on.got)) {
          take(of, on);
          flush(*of.task, tag / 2 * 2 + 1);
        }
        flush(*of.ingest, tag / 2 * 2);
        flush(*of.task, tag / 2 * 2 + 1);
      }
    }
  }

private:
  void take(stream& of, connection& from) {
    auto kind = header_of(from.incoming).kind;
    from.got = 0;
    if (kind != block_kind)
      return;
    counters_.in += payload_bytes;
    if (&from == of.ingest) {
      ++of.taken;
      counters_.out += payload_bytes;
      of.task->outgoing.push_back(std::exchange(from.incoming, spare()));
    } else {
      acknowledge(*of.task, ++of.rounds);
      if (of.rounds == 1)
        ++counters_.running;
    }
    auto allowed = std::min(of.taken, of.rounds + relay_blocks_on_the_way(streams_.size()));
    if (allowed > of.acknowledged)
      acknowledge(*of.ingest, of.acknowledged = allowed);
  }

  /// Acknowledgements that wait for their turn are sent together, as CAF sends what is in its buffer.
  static void acknowledge(connection& to, uint64_t count) {
    auto ack = make_message(ack_kind, count);
    auto& all = to.outgoing;
    if (all.empty() || all.back().size() >= block_bytes || (all.size() == 1 && to.written > 0))
      all.push_back(std::move(ack));
    else
      all.back().insert(all.back().end(), ack.begin(), ack.end());
  }

  void flush(connection& to, uint64_t tag) {
    while (!to.outgoing.empty()) {
      auto& x = to.outgoing.front();
      auto n = to.socket.write_some(x.data() + to.written, x.size() - to.written);
      if (n == 0)
        break;
      to.written += n;
      if (to.written < x.size())
        continue;
      if (x.size() == block_bytes)
        spares_.push_back(std::move(x));
      to.outgoing.pop_front();
      to.written = 0;
    }
    if (to.waits_to_write == to.outgoing.empty()) {
      to.waits_to_write = !to.outgoing.empty();
      watch(to, EPOLL_CTL_MOD, tag);
    }
  }

  void watch(connection& x, int how, uint64_t tag) {
    epoll_event event{};
    event.events = EPOLLIN | (x.waits_to_write ? EPOLLOUT : 0u);
    event.data.u64 = tag;
    if (::epoll_ctl(epoll_, how, x.socket.fd(), &event) != 0)
      stop_with("epoll");
  }

  /// Returns the memory of a block that was sent, for use as the next one.
  message spare() {
    if (spares_.empty())
      return {};
    auto result = std::move(spares_.back());
    spares_.pop_back();
    return result;
  }

  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<connection> ingests_;
  std::vector<connection> tasks_;
  relay_counters& counters_;
  std::vector<stream> streams_;
  std::vector<message> spares_;
};

tls_context context_of(const link_config& x) {
  if (!x.secure())
    return nullptr;
  auto result = load_certificates(x);
  if (!result)
    throw std::runtime_error("bare relay: " + result.error());
  return *result;
}

sockaddr_in loopback(uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result;
}

} // namespace

bare_relay::bare_relay(const link_config& at) : at_(at), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  auto address = loopback(0);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || ::bind(listener_, generic, length) != 0 || ::listen(listener_, SOMAXCONN) != 0
      || ::getsockname(listener_, generic, &length) != 0)
    stop_with("cannot listen");
  port_ = ntohs(address.sin_port);
}

void bare_relay::relay(size_t streams, relay_counters& counters) {
  try {
    accept_and_relay(streams, counters);
  } catch (const closed&) {
    // The benchmark closes both ends when the run is over. If an end closes earlier, its measurement fails.
  }
}

void bare_relay::accept_and_relay(size_t streams, relay_counters& counters) {
  auto context = context_of(at_);
  std::vector<connection> ingests;
  std::vector<connection> tasks;
  while (ingests.size() < streams || tasks.size() < streams) {
    auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0)
      stop_with("cannot accept");
    bare_socket socket{fd, context.get(), true};
    std::byte role{};
    if (socket.read_some(&role, 1) != 1)
      throw closed{};
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    (static_cast<char>(role) == static_cast<char>(bare_role::ingest) ? ingests : tasks).emplace_back(std::move(socket));
  }
  loop{std::move(ingests), std::move(tasks), counters}.run();
}

void flood_or_echo(const link_config& to, bare_role role) {
  auto context = context_of(to);
  auto address = loopback(to.port);
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    stop_with("cannot connect");
  bare_socket relay{fd, context.get(), false};
  auto first = static_cast<std::byte>(role);
  relay.write_some(&first, 1);
  try {
    role == bare_role::ingest ? flood(relay) : echo(relay);
  } catch (const closed&) {
    // The relay has finished its measurement.
  }
}

} // namespace troupe::bench

// The least that a server of endless streams has to do: see `serve_bare`.
#include "bench/fanout_node.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n";
constexpr size_t read_bytes_max = 256 * 1024;

struct bare_client {
  bool watches = false;
  std::vector<std::byte> waiting; ///< what the kernel did not take yet
};

class bare_server {
public:
  bare_server(std::shared_ptr<variant_stream> stream, int listener)
    : stream_(std::move(stream)),
      reader_(stream_),
      listener_(listener),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!epoll_ || !wake_)
      throw std::runtime_error(std::string{"bare server: "} + std::strerror(errno));
    watch(listener_, EPOLLIN);
    watch(wake_.get(), EPOLLIN);
  }

  [[noreturn]] void run() {
    await();
    std::array<epoll_event, 256> events;
    for (;;) {
      auto n = ::epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      for (int i = 0; i < n; ++i)
        handle(events[static_cast<size_t>(i)]);
    }
  }

private:
  void watch(int fd, uint32_t what, int how = EPOLL_CTL_ADD) {
    epoll_event x{};
    x.events = what;
    x.data.fd = fd;
    ::epoll_ctl(epoll_.get(), how, fd, &x);
  }

  void await() {
    reader_.notify([fd = wake_.get()] {
      uint64_t one = 1;
      (void)!::write(fd, &one, sizeof one);
    });
  }

  void handle(const epoll_event& x) {
    if (x.data.fd == listener_)
      return welcome();
    if (x.data.fd == wake_.get())
      return write_all();
    auto client = clients_.find(x.data.fd);
    if (client == clients_.end())
      return;
    if ((x.events & EPOLLIN) != 0)
      return listen_to(client->first, client->second);
    auto waiting = std::exchange(client->second.waiting, {});
    watch(client->first, EPOLLIN, EPOLL_CTL_MOD);
    write(client->first, client->second, waiting);
  }

  void welcome() {
    auto fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
      return;
    int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    clients_[fd] = {};
    watch(fd, EPOLLIN);
  }

  /// A request, or the end.
  void listen_to(int fd, bare_client& client) {
    std::array<char, 4096> request;
    if (::recv(fd, request.data(), request.size(), 0) <= 0) {
      ::close(fd);
      clients_.erase(fd);
    } else if (!std::exchange(client.watches, true)) {
      write(fd, client, std::as_bytes(std::span{answer}));
    }
  }

  void write_all() {
    uint64_t count = 0;
    (void)!::read(wake_.get(), &count, sizeof count);
    chunks_.clear();
    while (reader_.read(chunks_, read_bytes_max) == variant_stream::reader::outcome::data) {
    }
    for (auto& chunk : chunks_)
      for (auto& [fd, client] : clients_)
        if (client.watches)
          write(fd, client, chunk.span());
    await();
  }

  void write(int fd, bare_client& client, std::span<const std::byte> bytes) {
    ssize_t sent = 0;
    if (client.waiting.empty())
      sent = std::max<ssize_t>(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    if (static_cast<size_t>(sent) == bytes.size())
      return;
    if (client.waiting.empty())
      watch(fd, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    client.waiting.insert(client.waiting.end(), bytes.begin() + sent, bytes.end());
  }

  std::shared_ptr<variant_stream> stream_;
  variant_stream::reader reader_;
  int listener_;
  base::descriptor epoll_;
  base::descriptor wake_;
  std::unordered_map<int, bare_client> clients_;
  std::vector<shared_bytes> chunks_;
};

} // namespace

void serve_bare(const std::shared_ptr<variant_stream>& stream, const base::descriptor& listener) {
  bare_server{stream, listener.get()}.run();
}

} // namespace troupe::bench

// One I/O thread: its sockets, its inbox for other threads, and its clock.
//
// A deadline is a field, not a timer: a sweep four times a second checks all of them. So a stream that writes a hundred
// times a second does not set a hundred timers.
#pragma once

#include "http/config.hpp"
#include "http/delivery_format.hpp"
#include "http/event_statistics.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace troupe::http {

using clock = std::chrono::steady_clock;

/// Counters shared by all threads of a server.
struct statistics {
  std::array<std::atomic<uint64_t>, 5> responses{}; ///< by class of the status code, 1xx first
  std::atomic<uint64_t> connections{0};             ///< open now
  std::atomic<uint64_t> streams{0};                 ///< of these, the ones that stream or move a file
  std::atomic<uint64_t> bodies_bytes{0};            ///< reserved for request bodies
  std::atomic<uint64_t> sent_bytes{0};
  by_format<std::atomic<uint64_t>> delivered_bytes{}; ///< of these, to viewers
  event_statistics events;

  void count_response(unsigned status_code) noexcept;

  void count_delivered(delivery_format to, uint64_t bytes) noexcept {
    delivered_bytes[static_cast<size_t>(to)] += bytes;
  }
};

/// A share of a resource that all connections have in common. Released on destruction.
class share {
public:
  share() = default;
  share(share&& other) noexcept : of_(std::move(other.of_)), size_(std::exchange(other.size_, 0)) {}

  share& operator=(share&& other) noexcept {
    give_back();
    of_ = std::move(other.of_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  ~share() {
    give_back();
  }

  /// Takes `size` of the resource `of` in `counters` if all shares together stay within `most`; otherwise empty.
  static std::optional<share> take(const std::shared_ptr<statistics>& counters, std::atomic<uint64_t> statistics::*of,
                                   uint64_t size, uint64_t most);

private:
  void give_back() noexcept {
    if (of_)
      *of_ -= std::exchange(size_, 0);
  }

  std::shared_ptr<std::atomic<uint64_t>> of_;
  uint64_t size_ = 0;
};

/// Calls from other threads. Many calls between two turns of the loop wake it once. May outlive the loop: calls posted
/// after `close` are dropped.
class inbox {
public:
  explicit inbox(boost::asio::io_context& context) : context_(&context) {}

  /// Runs `call` on the loop's thread. Usable from any thread.
  void post(std::function<void()> call);

  /// Drops waiting and future calls. Called when the loop's thread has ended.
  void close();

private:
  void run();

  std::mutex mutex_;
  boost::asio::io_context* context_;
  std::vector<std::function<void()>> calls_;
};

/// A client's connection in one of its roles: between requests, streaming, or moving a file. The loop owns it: `close`
/// of a subclass ends in `loop::remove`.
class peer : public std::enable_shared_from_this<peer> {
public:
  peer() = default;
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;
  virtual ~peer() = default;

  /// Its deadline has passed.
  virtual void deadline_passed() = 0;

  /// The server stops: end soon, with a proper response.
  virtual void shut_down() = 0;

  /// Whether ending it loses nothing: the client keeps the connection open, but has no request.
  virtual bool is_idle() const noexcept {
    return false;
  }

  /// Its client, as `core::client_name` names it; empty if that does not matter.
  virtual std::string_view client() const noexcept {
    return {};
  }

  /// When to call `deadline_passed`; empty: never.
  std::optional<clock::time_point> deadline() const noexcept {
    return deadline_;
  }

protected:
  void expire_after(std::chrono::milliseconds span) {
    deadline_ = clock::now() + span;
  }

  void expire_never() {
    deadline_.reset();
  }

  /// For `async_write`: says how many bytes to pass to the kernel at once. A client that takes data is alive, however
  /// slow it is: each time the kernel took some, the deadline is set to `span` from now.
  auto alive_while_written(std::chrono::milliseconds span) {
    return [this, span, before = size_t{0}](const boost::system::error_code& failure, size_t done) mutable -> size_t {
      if (failure)
        return 0;
      if (done > before)
        expire_after(span);
      before = done;
      return write_bytes_max;
    };
  }

  /// Bytes of one write; a single buffer may be larger.
  static constexpr size_t write_bytes_max = 256 * 1024;

  template <class Derived>
  std::shared_ptr<Derived> self(Derived* x) {
    return std::static_pointer_cast<Derived>(x->shared_from_this());
  }

private:
  std::optional<clock::time_point> deadline_;
};

/// All members except `mail` are for the loop's own thread.
class loop {
public:
  explicit loop(std::shared_ptr<statistics> counters);
  ~loop();

  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  boost::asio::io_context& context() noexcept {
    return context_;
  }

  const std::shared_ptr<inbox>& mail() const noexcept {
    return mail_;
  }

  /// Serves until `stop` has finished. The thread's main function.
  void run();

  /// Shuts all peers down and ends `run` when they are gone, at the latest after `timeout`.
  void stop(std::chrono::milliseconds timeout);

  void add(std::shared_ptr<peer> x);
  void remove(const std::shared_ptr<peer>& x);

  /// Ends the idle peer whose deadline is next; if `of` is given, one of that client's. False if none is idle.
  bool drop_idle(std::optional<std::string_view> of = {});

  bool stopping() const noexcept {
    return stopping_;
  }

private:
  void sweep();

  std::shared_ptr<statistics> counters_;
  // Peers hold sockets of the context, and handlers in the context hold peers: `~loop` empties the set first.
  boost::asio::io_context context_;
  boost::asio::steady_timer timer_;
  std::shared_ptr<inbox> mail_;
  std::unordered_set<std::shared_ptr<peer>> peers_;
  bool stopping_ = false;
  std::optional<clock::time_point> stop_deadline_;
};

} // namespace troupe::http

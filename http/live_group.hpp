// The clients of one loop that watch one rendition: they are woken by one call, and write in one flush.
//
// A write costs nearly the same however little it carries. So a group rests after a flush, several times as long as the
// flush took, and what comes meanwhile is written together. If there are few clients, each picture is sent at once.
// With thousands, a picture waits at most `rest_max`, and the loop keeps time for its other clients.
#pragma once

#include "http/loop.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <boost/asio/steady_timer.hpp>

namespace troupe {

class variant_stream;

} // namespace troupe

namespace troupe::http {

class live_client;

/// All members are for the loop's own thread. Lives as long as one of its clients.
class live_group : public std::enable_shared_from_this<live_group> {
public:
  /// Longer, and it would count beside what encoders and players add.
  static constexpr std::chrono::milliseconds rest_max{100};

  /// How long a group rests after a flush that took so long. Zero if that is too short to bring anything.
  static std::chrono::milliseconds rest_after(clock::duration flush) noexcept;

  /// The group of these clients on the calling thread, which is `in`'s; made if this is the first of them.
  static std::shared_ptr<live_group> of(loop& in, const variant_stream& stream);

  /// The client takes part in the next flush. `turn` is what `turn()` said when it last read: if there was a flush
  /// since, that one went without it, and another one follows.
  void await(const std::shared_ptr<live_client>& x, uint64_t turn);

  /// A client has left, and does not listen any more.
  void left(const live_client& x);

  /// Number of the latest flush.
  uint64_t turn() const noexcept {
    return turn_;
  }

  /// True during a flush and the rest after it.
  bool rests() const noexcept {
    return rests_;
  }

private:
  explicit live_group(loop& in);

  void listen(const std::shared_ptr<live_client>& x);
  void woken();
  void flush();
  void go_on();
  void rest();
  void end_rest();

  loop& loop_;
  boost::asio::steady_timer timer_;
  std::vector<std::weak_ptr<live_client>> waiting_;
  std::vector<std::weak_ptr<live_client>> served_; ///< by the flush that runs
  std::weak_ptr<live_client> listener_;            ///< the one that the stream wakes, for all
  size_t next_ = 0;                                ///< of those served
  clock::duration took_{0};                        ///< the flush that runs
  uint64_t turn_ = 0;
  bool rests_ = false;
  bool again_ = false; ///< another flush follows the rest
};

} // namespace troupe::http

// A client whose answer has no known length: the common base of clients that watch a channel or listen to events. It is
// refused, or gets what its source provides until either side ends; one write is in flight at a time. The subclass
// decides which source feeds it.
#pragma once

#include "http/loop.hpp"
#include "http/service.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <caf/expected.hpp>

namespace troupe::http {

class stream_client : public peer {
public:
  void deadline_passed() override;

  void shut_down() override;

protected:
  enum class phase { opening, refusing, waiting, writing, closed };

  using error_code = boost::system::error_code;

  /// A client may send `ignored_bytes_max` unexpected bytes; with one byte more it is dropped. It holds `place` among
  /// the streams until it is gone.
  stream_client(loop& in, client_socket socket, service_ptr shared, request of, unsigned version, share place,
                uint64_t ignored_bytes_max);

  /// Joins the loop and starts to monitor the client. The phase `opening` may take `span`.
  void begin(std::chrono::milliseconds span);

  /// Answers with a complete response instead of a stream, and ends.
  virtual void refuse(reply x);

  /// Writes what the source has, or waits for more. Called when a write has ended, and when the source has new data.
  virtual void pump() = 0;

  /// A write of this many bytes was completed.
  virtual void written(size_t) {}

  /// Adds the subclass's details to the log line that is written at the end.
  virtual void describe(access_record&) const {}

  /// Disconnects from the source, because the client ends.
  virtual void leave() = 0;

  /// The head of the response that `x` begins, as sent on the wire: without a length, and chunked if the client
  /// supports that.
  std::string head_of(reply x) const;

  /// Called by each write when it has ended.
  void on_written(const error_code& failure, size_t bytes);

  /// Ends the client, with a proper end of the response if `last_` is set; `note` says why, for the log.
  void hang_up(std::string note);

  /// The beginning of a log line.
  access_record record(unsigned status, std::string note) const;

  /// For `ask`: runs member `take` with the answer on the loop's thread, if this client still exists.
  template <class Derived, class T>
  auto answer_to(void (Derived::*take)(caf::expected<T>)) {
    return [mail = loop_.mail(), weak = weak_from_this(), take](caf::expected<T> x) {
      mail->post([weak, take, x = std::make_shared<caf::expected<T>>(std::move(x))] {
        if (auto me = std::static_pointer_cast<Derived>(weak.lock()))
          ((*me).*take)(std::move(*x));
      });
    };
  }

  /// For a source: runs member `call` on the loop's thread, if this client still exists and is in phase `during`.
  template <class Derived>
  std::function<void()> waker(phase during, void (Derived::*call)()) {
    return [mail = loop_.mail(), weak = weak_from_this(), during, call] {
      mail->post([weak, during, call] {
        if (auto me = std::static_pointer_cast<Derived>(weak.lock()); me && me->phase_ == during)
          ((*me).*call)();
      });
    };
  }

  loop& loop_;
  client_socket socket_;
  service_ptr shared_;
  request request_;
  unsigned version_;
  phase phase_ = phase::opening;
  bool stopping_ = false;
  bool last_ = false; ///< nothing follows the current write
  std::string note_;  ///< why it was the last write, for the log

private:
  /// Notices that the client is gone: a client has nothing to send, so the only expected read is the end.
  void watch_client();
  void on_readable(const error_code& failure);

  share place_;
  clock::time_point began_ = clock::now();
  std::optional<response> refusal_;
  uint64_t sent_bytes_ = 0;
  uint64_t ignored_bytes_ = 0; ///< unexpected bytes that the client has sent
  uint64_t ignored_bytes_max_;
};

} // namespace troupe::http

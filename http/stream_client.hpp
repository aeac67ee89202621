// A client whose answer has no end of its own: the life that watching and listening share. It is turned away, or gets what its source has, piece after
// piece with one write in flight, until either side ends. What it is fed from is its subclass's affair.
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

#include <boost/asio/ip/tcp.hpp>
#include <caf/expected.hpp>

namespace troupe::http {

class stream_client : public peer {
public:
  using tcp = boost::asio::ip::tcp;

  void deadline_passed() override;

  void shut_down() override;

protected:
  enum class phase { opening, refusing, waiting, writing, closed };

  using error_code = boost::system::error_code;

  /// A client may send `ignored_bytes_max` bytes that nobody asked for; one byte more, and it is dropped.
  /// It holds `place` among what streams as long as it is here.
  stream_client(loop& in, tcp::socket socket, service_ptr shared, request of, unsigned version, share place,
                uint64_t ignored_bytes_max);

  /// Joins the loop and begins to watch the client. The phase `opening` may take `span`.
  void begin(std::chrono::milliseconds span);

  /// Answers with a whole response instead of a stream, and ends.
  virtual void refuse(reply x);

  /// Writes what the source has, or waits for more. Called when a write has ended, and when the source has news.
  virtual void pump() = 0;

  /// A write was taken whole.
  virtual void written() {}

  /// Adds what the subclass knows to the line that the log gets at the end.
  virtual void describe(access_record&) const {}

  /// Leaves the source: the end has come.
  virtual void leave() = 0;

  /// The head of the response that `x` begins, as it goes over the wire: without a length, in chunks where the client knows them.
  std::string head_of(reply x) const;

  /// What a write calls when it has ended.
  void on_written(const error_code& failure, size_t bytes);

  /// Ends, politely where `last_` is set; `note` says why, for the log.
  void hang_up(std::string note);

  /// The beginning of a line for the log.
  access_record record(unsigned status, std::string note) const;

  /// For `ask`: has member `take` run on the loop's thread with the answer, where this client is still there.
  template <class Derived, class T>
  auto answer_to(void (Derived::*take)(caf::expected<T>)) {
    return [mail = loop_.mail(), weak = weak_from_this(), take](caf::expected<T> x) {
      mail->post([weak, take, x = std::make_shared<caf::expected<T>>(std::move(x))] {
        if (auto me = std::static_pointer_cast<Derived>(weak.lock()))
          ((*me).*take)(std::move(*x));
      });
    };
  }

  /// For a source: has member `call` run on the loop's thread, where this client is still there and in phase `during`.
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
  tcp::socket socket_;
  service_ptr shared_;
  request request_;
  unsigned version_;
  phase phase_ = phase::opening;
  bool stopping_ = false;
  bool last_ = false; ///< nothing follows what is being written
  std::string note_;  ///< why it was the last, for the log

private:
  /// Notices that the client is gone: it has nothing to say, so all that can be read is the end.
  void watch_client();
  void on_readable(const error_code& failure);

  share place_;
  std::string remote_;
  clock::time_point began_ = clock::now();
  std::optional<response> refusal_;
  uint64_t sent_bytes_ = 0;
  uint64_t ignored_bytes_ = 0; ///< that the client sent meanwhile
  uint64_t ignored_bytes_max_;
};

} // namespace troupe::http

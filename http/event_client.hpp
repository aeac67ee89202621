// A client that listens to events: asks for what it missed, then writes what happens as it comes, and a comment where nothing does.
#pragma once

#include "http/job_events.hpp"
#include "http/loop.hpp"
#include "http/service.hpp"

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <caf/expected.hpp>

namespace troupe::http {

/// "/api/v1/jobs/events" and "/api/v1/jobs/{id}/events".
bool is_event_path(const std::vector<std::string>& path);

class event_client final : public peer {
public:
  using tcp = boost::asio::ip::tcp;

  event_client(loop& in, tcp::socket socket, service_ptr shared, request of, unsigned version);

  void start();

  void deadline_passed() override;

  void shut_down() override;

private:
  enum class phase { opening, refusing, waiting, writing, closed };

  using error_code = boost::system::error_code;

  void ask_missed();
  void take_missed(caf::expected<job_replay> x);
  void refuse(reply x);
  /// Writes what waits, or waits for more.
  void pump();
  void await_news();
  void write(std::string text);
  void on_written(const error_code& failure, size_t bytes);
  void watch_client();
  void on_readable(const error_code& failure);
  void hang_up(std::string note);

  loop& loop_;
  tcp::socket socket_;
  service_ptr shared_;
  request request_;
  unsigned version_;
  std::string remote_;
  phase phase_ = phase::opening;
  bool stopping_ = false;
  bool headed_ = false; ///< the response's head has been written
  bool live_ = false;   ///< what was missed has been written
  bool last_ = false;   ///< nothing follows
  event_filter filter_;
  std::optional<int64_t> seen_; ///< the latest transition that the client has
  std::shared_ptr<event_feed> feed_;
  std::string text_; ///< of the write in flight
  std::string missed_;
  std::optional<response> refusal_;
  clock::time_point began_ = clock::now();
  uint64_t sent_bytes_ = 0;
};

} // namespace troupe::http

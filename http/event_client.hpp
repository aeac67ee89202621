// A client that listens to events. It gets the events that it missed, then new ones as they happen, and a comment if
// there are none.
#pragma once

#include "http/job_events.hpp"
#include "http/stream_client.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/expected.hpp>

namespace troupe::http {

/// "/api/v1/jobs/events" and "/api/v1/jobs/{id}/events".
bool is_event_path(const std::vector<std::string>& path);

class event_client final : public stream_client {
public:
  /// A client that sends data is dropped.
  event_client(loop& in, client_socket socket, service_ptr shared, request of, unsigned version, share place);

  void start();

  void deadline_passed() override;

private:
  void ask_missed();
  void take_missed(caf::expected<job_replay> x);
  void refuse(reply x) override;
  void pump() override;
  void await_news();
  void write(std::string text);
  void leave() override;

  std::shared_ptr<void> listener_; ///< one of this client's places for event streams
  bool headed_ = false;            ///< the response's head has been written
  bool live_ = false;              ///< missed events have been written
  event_filter filter_;
  std::optional<int64_t> seen_; ///< the latest transition that the client has received
  std::shared_ptr<event_feed> feed_;
  std::string text_; ///< of the write in flight
  std::string missed_;
};

} // namespace troupe::http

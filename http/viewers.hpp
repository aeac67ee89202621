// Who watches now, by any protocol: one list for the API and for the metrics.
//
// A viewer of HLS or DASH is known by the key in its addresses, however many connections and requests it makes. It has
// left when it asks for nothing for a while. A viewer of MPEG-TS is its connection. The list is bounded, and a new
// viewer is refused if it is full. Keys come from clients, which may invent them, so the share of one client's address
// is bounded too.
#pragma once

#include "http/delivery_format.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::http {

/// A viewer as the API shows it.
struct viewer_status {
  std::string id; ///< says nothing about the key
  std::string channel;
  std::string profile;
  delivery_format format = delivery_format::hls;
  std::string address;
  int64_t since_at_ms = 0; ///< Unix time
  int64_t last_at_ms = 0;  ///< Unix time: when it asked for something, or took something
  uint64_t sent_bytes = 0;

  bool operator==(const viewer_status&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, viewer_status& x) {
  return f.object(x).fields(f.field("id", x.id), f.field("channel", x.channel), f.field("profile", x.profile),
                            f.field("format", x.format), f.field("address", x.address),
                            f.field("since_at_ms", x.since_at_ms), f.field("last_at_ms", x.last_at_ms),
                            f.field("sent_bytes", x.sent_bytes));
}

/// Which viewers are asked for.
struct viewer_question {
  std::string channel; ///< empty for all
  size_t limit = 1000;
};

/// Reads "channel=news&limit=10". The error says what is wrong.
tl::expected<viewer_question, std::string> read_viewer_question(std::string_view query);

/// Some of the viewers.
struct viewer_listing {
  std::vector<viewer_status> viewers;
  uint64_t total = 0; ///< of which these are the oldest

  bool operator==(const viewer_listing&) const = default;
};

template <class Inspector>
bool inspect(Inspector& f, viewer_listing& x) {
  return f.object(x).fields(f.field("viewers", x.viewers), f.field("total", x.total));
}

/// What a viewer is known by, and where it comes from.
struct viewer_identity {
  std::string key; ///< of HLS and DASH; empty for MPEG-TS
  std::string channel;
  std::string profile;
  std::string address; ///< to show
  std::string client;  ///< whose share it takes: `core::client_name`
};

/// One viewer. Members with a clock are for any thread.
class viewer {
public:
  using clock = std::chrono::steady_clock;

  viewer(viewer_identity who, delivery_format format, std::string id, clock::time_point now)
    : who_(std::move(who)), id_(std::move(id)), since_(now), format_(format), last_(now) {}

  delivery_format format() const noexcept {
    return format_;
  }

  /// It was sent this much.
  void sent(uint64_t bytes, clock::time_point now) noexcept {
    sent_bytes_ += bytes;
    last_ = now;
  }

private:
  friend class viewer_list;

  const viewer_identity who_;
  const std::string id_;
  const clock::time_point since_;
  std::atomic<delivery_format> format_;
  std::atomic<clock::time_point> last_;
  std::atomic<uint64_t> sent_bytes_{0};
  clock::time_point expires_ = clock::time_point::max(); ///< guarded by the list's mutex
};

using viewer_ptr = std::shared_ptr<viewer>;

/// Usable from any thread.
class viewer_list {
public:
  using clock = viewer::clock;

  struct limits {
    size_t clients_max;
    size_t per_client; ///< of HLS and DASH
  };

  explicit viewer_list(limits max) : max_(max) {}

  /// True if the list has this viewer of HLS or DASH, or a place for it.
  bool admits(const viewer_identity& who, clock::time_point now);

  /// A viewer of HLS or DASH asked for something. It has left if it asks for nothing for `absence`. Without a format it
  /// keeps the one that it had. Null if the list has no place for it.
  viewer_ptr seen(const viewer_identity& who, std::optional<delivery_format> format, std::chrono::milliseconds absence,
                  clock::time_point now);

  /// A viewer of MPEG-TS, until `leave`; null if the list is full.
  viewer_ptr enter(viewer_identity who, clock::time_point now);
  void leave(const viewer_ptr& x);

  /// Who has not left, oldest first.
  viewer_listing list(const viewer_question& what, clock::time_point now) const;

  by_format<uint64_t> count(clock::time_point now) const;

private:
  /// Removes who has left, once in a while.
  void clear(clock::time_point now);

  bool is_full() const {
    return keyed_.size() + streams_.size() >= max_.clients_max;
  }

  /// True if another viewer of HLS or DASH may come from there.
  bool has_place(const std::string& client) const;

  limits max_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, viewer_ptr> keyed_; ///< by channel, profile and key
  std::unordered_map<std::string, size_t> shares_;    ///< of `keyed_`, by client
  std::unordered_map<viewer*, viewer_ptr> streams_;
  clock::time_point cleared_{};
};

} // namespace troupe::http

// A live source: a transport stream over HTTP at the pace of its own timestamps. It records when each picture was sent.
//
// Each request gets the stream from its beginning, or from the middle of a GOP, as after tuning in. Nothing is sent
// ahead of time, and the length is not announced, so a reader can neither seek nor fill a buffer.
#pragma once

#include "rig/ts_scanner.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace troupe::bench {

/// The data sent to one reader. Times are of the steady clock.
struct sending {
  std::chrono::steady_clock::time_point accepted;                     ///< when the request arrived
  std::optional<std::chrono::steady_clock::time_point> random_access; ///< first byte of the first random-access point
  std::map<int64_t, std::chrono::steady_clock::time_point> pictures;  ///< by PTS: last byte handed to the kernel
};

class live_source {
public:
  struct stream {
    size_t skip_pictures = 0; ///< where the reader joins the stream
    std::chrono::milliseconds
      phase{}; ///< The first picture leaves at this phase of the clock, modulo the distance of two pictures.
  };

  /// Reads the file. The keys of `streams` are paths, "/name.ts". `port` is that of an earlier source that returns; 0
  /// for any. Throws if the file is not a transport stream, or no port is free.
  live_source(const std::string& file, std::map<std::string, stream> streams, uint16_t port = 0);
  live_source(const live_source&) = delete;
  live_source& operator=(const live_source&) = delete;
  ~live_source();

  std::string url(const std::string& path) const;

  uint16_t port() const noexcept {
    return port_;
  }

  /// The data sent so far to the latest reader of the path.
  std::optional<sending> latest(const std::string& path) const;

private:
  /// Bytes that are sent together: a PES packet with the tables before it.
  struct portion {
    size_t begin = 0;
    size_t end = 0;
    std::chrono::microseconds due{}; ///< from the beginning of the stream
    bool video = false;
    bool random_access = false;
    int64_t pts = -1;
  };

  struct reader {
    int socket = -1;
    std::string path;
    sending got;
    std::thread thread;
  };

  void load(const std::string& file);
  void listen();
  void accept_all();
  void serve(reader& to);
  void send_stream(reader& to, const stream& as);
  size_t portion_at(size_t picture) const;
  bool wait_until(std::chrono::steady_clock::time_point due);

  std::vector<std::byte> bytes_;
  std::vector<portion> portions_;
  std::chrono::microseconds picture_distance_{40'000};
  std::map<std::string, stream> streams_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;                            ///< guarded by mutex_
  std::vector<std::unique_ptr<reader>> readers_; ///< guarded by mutex_
  std::thread acceptor_;
};

} // namespace troupe::bench

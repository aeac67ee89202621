// Many clients on one thread, which cost as little as can be: the kernel drops what they receive (MSG_TRUNC, tcp(7)),
// so no byte of a body is copied to them. They come from several addresses of loopback, so ports suffice.
#pragma once

#include "base/descriptor.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::bench {

/// Errors of all crowds are `std::runtime_error`.

/// Clients of one endless stream.
class stream_crowd {
public:
  stream_crowd(uint16_t port, const std::string& target);

  /// Connects more, until there are `clients`.
  void grow_to(size_t clients);

  /// Receives for `span`. Fails if a client's stream ends.
  void receive_for(std::chrono::milliseconds span);

  size_t clients() const noexcept {
    return sockets_.size();
  }

  /// Received by all.
  uint64_t bytes() const noexcept {
    return bytes_;
  }

private:
  void receive(int socket);

  uint16_t port_;
  std::string request_;
  std::vector<base::descriptor> sockets_;
  uint64_t bytes_ = 0;
};

/// Reads answers with a length from a socket that does not block, and drops their bodies.
class answer_dropper {
public:
  enum class outcome { more, done, failed };

  /// Reads the bytes that have arrived. After `done`, the next call reads the next answer.
  outcome read(int socket);

  /// Of the latest answer; 0 until its head is there.
  int status() const noexcept {
    return status_;
  }

  /// Of all answers, with their heads.
  uint64_t bytes() const noexcept {
    return bytes_;
  }

private:
  bool parse_head();

  std::array<char, 2048> head_;
  size_t head_bytes_ = 0;
  int status_ = 0;
  std::optional<uint64_t> left_; ///< of the body
  uint64_t bytes_ = 0;
};

/// For `span`, `connections` clients ask for the targets in turn, each as soon as it has its last answer. The number of
/// bytes received. Fails if an answer is not 200.
uint64_t fetch_for(uint16_t port, const std::vector<std::string>& targets, size_t connections,
                   std::chrono::milliseconds span);

/// Viewers of low-latency HLS. Each asks for the playlist with the next part, which the server answers when there is
/// one, and then for that part.
class reload_crowd {
public:
  /// A playlist's address is `folder`, the viewer's key, and `rest`, which ends with the track's name. Each segment has
  /// `parts` parts.
  reload_crowd(uint16_t port, std::string folder, std::string rest, int64_t parts);

  /// Connects more, until there are `viewers`. They begin with part 0 of the segment `number`.
  void grow_to(size_t viewers, int64_t number);

  void play_for(std::chrono::milliseconds span);

  /// Parts that viewers received.
  uint64_t parts() const noexcept {
    return parts_received_;
  }

  /// In ms, for each of them: from when the first viewer got the playlist with it until this viewer has the part.
  std::vector<double> take_delays();

private:
  struct viewer {
    base::descriptor socket;
    std::string key;
    answer_dropper answers{};
    int64_t number = 0;
    int64_t part = 0;
    bool wants_part = false;
  };

  void ask(viewer& x) const;
  void handle(viewer& x);

  uint16_t port_;
  std::string folder_;
  std::string rest_;
  int64_t parts_;
  base::descriptor epoll_;
  std::vector<viewer> viewers_;
  std::vector<std::chrono::steady_clock::time_point> first_; ///< by part since `first_number_`
  int64_t first_number_ = 0;
  uint64_t parts_received_ = 0;
  std::vector<double> delays_;
};

} // namespace troupe::bench

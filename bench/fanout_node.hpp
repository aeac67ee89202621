// The servers of `fanout`, each in its own process: the product's HTTP server, and the bare loop that it is compared
// with. Both serve a rendition that they feed themselves.
#pragma once

#include "base/descriptor.hpp"
#include "packaging/variant_stream.hpp"
#include "rig/process.hpp"
#include "rig/scratch_folder.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace troupe::bench {

inline constexpr const char* fanout_channel = "bench";
inline constexpr const char* fanout_profile = "live";

/// Memory that a server shares with the process that measures it. Zero-initialized.
struct fanout_board {
  std::atomic<uint32_t> port;      ///< 0 until the server listens and the rendition runs
  std::atomic<uint64_t> ts_bytes;  ///< of the rendition's transport stream so far
  std::atomic<int64_t> first_dts;  ///< ticks
  std::atomic<int64_t> first_time; ///< when that one was written, ns of the steady clock
};

/// A file of one board, mapped into this process.
class shared_board {
public:
  enum class state : uint8_t { fresh, shared };

  /// A fresh one is zeros; otherwise the file exists. Throws `std::runtime_error`.
  shared_board(const std::string& file, state is);
  shared_board(const shared_board&) = delete;
  shared_board& operator=(const shared_board&) = delete;
  ~shared_board();

  fanout_board* operator->() const noexcept {
    return board_;
  }

private:
  fanout_board* board_ = nullptr;
};

/// A server as a child of this process.
class fanout_node {
public:
  enum class kind : uint8_t { product, bare };

  /// Starts it with the sample in `file`, and waits until it serves. Throws `std::runtime_error`.
  fanout_node(kind what, const std::string& file, const scratch_folder& folder);

  uint16_t port() const {
    return static_cast<uint16_t>(board_->port);
  }

  /// CPU time of all its threads so far, in seconds.
  double cpu_s() const;

  uint64_t ts_bytes() const {
    return board_->ts_bytes;
  }

  /// When what has this decoding time was written.
  std::chrono::steady_clock::time_point written(int64_t dts) const;

private:
  shared_board board_;
  process child_;
};

/// Serves the chunks of `stream`, one `send` for each chunk and client, from one thread with epoll: no framing, no
/// limits, no time-outs. Never returns.
[[noreturn]] void serve_bare(const std::shared_ptr<variant_stream>& stream, const base::descriptor& listener);

/// Lets this process and its children have so many descriptors, or as many as they may. Returns their number.
uint64_t raise_descriptors(uint64_t count);

} // namespace troupe::bench

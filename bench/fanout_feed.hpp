// One running rendition without a cluster: a sample is read again and again, and packaged at the pace of its own times,
// as a channel session packages what its transcoder sends.
#pragma once

#include "packaging/rendition.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace troupe::bench {

class fanout_feed {
public:
  using clock = std::chrono::steady_clock;

  /// Where the sample's times lie on the clock: the picture or sound with decoding time `dts` is written at `at`.
  struct origin {
    int64_t dts = 0; ///< ticks
    clock::time_point at;
  };

  /// Called on the feed's thread after each block, when readers have been woken.
  using on_block = std::function<void(const origin&)>;

  /// Reads a transport stream whose length is a whole number of segments. Throws `std::runtime_error`.
  fanout_feed(const std::string& file, std::string name, on_block call);
  fanout_feed(const fanout_feed&) = delete;
  fanout_feed& operator=(const fanout_feed&) = delete;
  ~fanout_feed();

  const rendition_ptr& shared() const noexcept {
    return output_.shared();
  }

private:
  void run(const std::string& file);

  rendition_output output_;
  on_block call_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

} // namespace troupe::bench

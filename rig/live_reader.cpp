#include "rig/live_reader.hpp"

#include "rig/live_socket.hpp"

#include <array>

#include <poll.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds look_interval{50}; ///< between checks for a stop
constexpr milliseconds head_limit{30'000};

} // namespace

live_reader::live_reader(int descriptor, bool with_head)
  : descriptor_(descriptor), thread_([this, with_head] { run(with_head); }) {}

live_reader::~live_reader() {
  stop_ = true;
  thread_.join();
  ::close(descriptor_);
}

std::optional<clock::time_point> live_reader::wait_for_first_byte(milliseconds limit) const {
  auto end = clock::now() + limit;
  for (;;) {
    {
      std::lock_guard guard{mutex_};
      if (first_byte_)
        return first_byte_;
    }
    if (ended_ || clock::now() > end)
      return std::nullopt;
    std::this_thread::sleep_for(milliseconds{5});
  }
}

std::map<int64_t, clock::time_point> live_reader::pictures() const {
  std::lock_guard guard{mutex_};
  return pictures_;
}

void live_reader::run(bool with_head) {
  ts_scanner scanner{[this](const ts_unit& x) {
    if (x.video && x.pts >= 0)
      pictures_.emplace(x.pts, x.last);
  }};
  auto take = [&](std::span<const std::byte> bytes) {
    auto now = clock::now();
    std::lock_guard guard{mutex_};
    if (!first_byte_)
      first_byte_ = now;
    scanner.take(bytes, now);
  };
  if (with_head) {
    std::string body;
    status_ = http_head(descriptor_, body, head_limit);
    if (status_ == 200 && !body.empty())
      take(std::as_bytes(std::span{body}));
    if (status_ != 200)
      ended_ = true;
  }
  std::array<std::byte, 64 * 1024> some;
  while (!stop_ && !ended_) {
    if (!wait_ready(descriptor_, POLLIN, look_interval))
      continue;
    auto got = ::read(descriptor_, some.data(), some.size());
    if (got <= 0)
      ended_ = true;
    else
      take({some.data(), static_cast<size_t>(got)});
  }
}

} // namespace troupe::bench

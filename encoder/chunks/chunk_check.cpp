// One queue with the packets of all tracks. The checking thread or the caller takes the first packet.
#include "encoder/chunks/chunk_check.hpp"

#include "encoder/window/scheduling.hpp"

extern "C" {
#include <libavutil/cpu.h>
}

#include <algorithm>
#include <utility>

namespace troupe::av {

namespace {

/// Packets that may wait for an idle moment: about a second of film.
constexpr size_t waiting_max = 64;

/// Cores that encode for each thread that checks: parsing takes a fraction of the time of encoding.
constexpr int cores_per_thread = 4;
constexpr int threads_max = 4;

} // namespace

chunk_check::chunk_check(const std::vector<track>& tracks, const std::vector<bool>& encoded, int cores) {
  auto threads = std::clamp((cores > 0 ? cores : av_cpu_count()) / cores_per_thread, 1, threads_max);
  // The decoders open here, not on the low-priority thread, because their own threads inherit the scheduling of the
  // thread that opens them.
  for (size_t i = 0; i < tracks.size(); ++i) {
    auto& x = tracks_.emplace_back(checked_track{tracks[i].clone()});
    if (!encoded[i] || !result_)
      continue;
    auto made = decode_check::open(x.of, threads, false);
    if (made)
      x.check = std::move(*made);
    else
      result_ = wrong(x, std::move(made.error()));
  }
  failed_ = !result_;
  if (std::any_of(tracks_.begin(), tracks_.end(), [](const checked_track& x) { return x.check.has_value(); }))
    thread_ = std::thread{[this] { run(); }};
}

chunk_check::~chunk_check() {
  {
    std::lock_guard guard{mutex_};
    ended_ = true;
  }
  more_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

void chunk_check::take(const AVPacket& packet) {
  if (!tracks_[static_cast<size_t>(packet.stream_index)].check)
    return;
  packet_ptr copy{checked(av_packet_clone(&packet))};
  auto waiting = [&] {
    std::lock_guard guard{mutex_};
    queue_.push_back(std::move(copy));
    return queue_.size();
  }();
  more_.notify_one();
  if (waiting > waiting_max)
    help(waiting_max / 2, nullptr);
}

expected<void> chunk_check::finish(const std::atomic<bool>& stop) {
  help(0, &stop);
  if (stop.load(std::memory_order_relaxed))
    return fail(errc::interrupted, "encode a chunk: stopped by the caller");
  std::lock_guard guard{checking_};
  for (auto& x : tracks_)
    if (result_ && x.check)
      if (auto ok = x.check->finish(); !ok)
        result_ = wrong(x, std::move(ok.error()));
  return result_;
}

/// Checks on the caller's thread until at most `left` packets remain. The low-priority thread stops meanwhile: on a
/// busy processor it would delay the caller at each packet.
void chunk_check::help(size_t left, const std::atomic<bool>* stop) {
  auto set_helped = [this](bool on) {
    std::lock_guard guard{mutex_};
    helped_ = on;
  };
  auto waiting = [this] {
    std::lock_guard guard{mutex_};
    return queue_.size();
  };
  set_helped(true);
  while (waiting() > left && (stop == nullptr || !stop->load(std::memory_order_relaxed)))
    check_one();
  set_helped(false);
  more_.notify_one();
}

void chunk_check::run() {
  take_what_is_left();
  for (;;) {
    {
      std::unique_lock lock{mutex_};
      more_.wait(lock, [this] { return (!queue_.empty() && !helped_) || ended_; });
      if (ended_)
        return;
    }
    check_one();
  }
}

void chunk_check::check_one() {
  std::lock_guard guard{checking_};
  packet_ptr packet;
  {
    std::lock_guard lock{mutex_};
    if (queue_.empty())
      return;
    packet = std::move(queue_.front());
    queue_.pop_front();
  }
  if (result_)
    result_ = check(*packet);
  failed_ = !result_;
}

expected<void> chunk_check::check(const AVPacket& packet) {
  auto& x = tracks_[static_cast<size_t>(packet.stream_index)];
  if (auto ok = x.check->take(packet); !ok)
    return wrong(x, std::move(ok.error()));
  return {};
}

/// An `errc::device` error: the same work may succeed if it is repeated, or on another worker.
tl::unexpected<error> chunk_check::wrong(const checked_track& x, error what) {
  if (what.code == errc::media)
    what.code = errc::device;
  what.what = "check what was encoded of stream " + std::to_string(x.of.stream) + " ("
              + avcodec_get_name(x.of.parameters->codec_id) + "): " + what.what;
  return tl::unexpected{std::move(what)};
}

} // namespace troupe::av

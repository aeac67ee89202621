#include "actors/ingest.hpp"

#include "actors/actor_of.hpp"
#include "actors/core/credit.hpp"
#include "actors/core/plan.hpp"
#include "actors/media.hpp"
#include "encoder/demuxer.hpp"
#include "encoder/timeline_joint.hpp"
#include "telemetry/log.hpp"

#include <caf/send.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace troupe {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto statistics_interval = std::chrono::seconds{1};

/// How long the sink may take to take the news that the stream is over.
constexpr auto end_timeout = std::chrono::seconds{5};

/// How far a paced source may fall behind the wall clock before its pace starts anew: a machine that slept does not then
/// send hours at once.
constexpr auto pace_slack = std::chrono::seconds{2};

/// Where a source comes from, without what only its owner should know: paths and queries may be secret, too.
std::string server_of(std::string_view url) {
  auto scheme = url.find("://");
  if (scheme == url.npos)
    return "a file";
  auto host = url.substr(scheme + 3, url.find_first_of("/?#", scheme + 3) - scheme - 3);
  if (auto at = host.rfind('@'); at != host.npos)
    host.remove_prefix(at + 1);
  return std::string{url.substr(0, scheme + 3)}.append(host);
}

} // namespace

/// The thread that reads. Everything that it shares with the actor is guarded or atomic.
class ingest_reader {
public:
  ingest_reader(const ingest_work& work, sample_sink_actor sink, ingest_state::interface owner)
    : work_(work),
      sink_(std::move(sink)),
      owner_(std::move(owner)),
      credit_(work.credit_bytes),
      blocks_([this](sample_block b) { send(std::move(b)); }),
      thread_([this] { run(); }) {}

  ~ingest_reader() {
    stop_ = true;
    { std::lock_guard guard{mutex_}; }
    changed_.notify_all();
    thread_.join();
  }

  void acknowledge(uint64_t sequence) {
    {
      std::lock_guard guard{mutex_};
      (void)credit_.acknowledge(sequence);
    }
    changed_.notify_all();
  }

private:
  void run() {
    auto end = read_all();
    if (stop_)
      return;
    blocks_.flush();
    report();
    stream_end message{work_.attempt, {}, false};
    if (!end) {
      message.reason = end.error().what;
      message.terminal = end.error().terminal();
    }
    caf::anon_send(owner_, std::move(message));
  }

  av::expected<void> read_all() {
    av::source_options options;
    options.url = work_.url;
    options.loop = work_.loop;
    options.open_timeout = work_.open_timeout;
    options.read_timeout = work_.read_timeout;
    auto source = av::demuxer::open(std::move(options), stop_);
    if (!source)
      return tl::unexpected{source.error()};
    announce(*source);
    av::timeline_joint joint{work_.resume_from == no_timestamp ? av::no_pts : work_.resume_from};
    auto packet = av::make_packet();
    started_ = clock::now();
    next_report_ = started_;
    auto ended = false;
    while (!stop_ && !ended) {
      auto more = source->read(*packet);
      if (!more)
        return tl::unexpected{more.error()};
      ended = !*more;
      if (ended && source->is_live())
        return av::fail(av::errc::io, "the source closed the connection");
      if (source->tracks().size() != tracks_ || source->streams() != streams_)
        announce(*source);
      counters_ = source->counters();
      if (ended)
        joint.finish();
      else
        joint.add(*packet, tracks_);
      while (!stop_ && joint.next(*packet))
        pass(*packet, !source->is_live());
    }
    return {};
  }

  void pass(const AVPacket& packet, bool paced) {
    // Nobody can join before the first picture: whatever comes before it is not waited for.
    begun_ = begun_ || packet.stream_index == leading_;
    if (paced && begun_)
      pace(packet.dts);
    blocks_.add(packet);
    blocks_.flush();
    media_dts_ = std::max(media_dts_, packet.dts);
    if (first_dts_ == no_timestamp)
      first_dts_ = packet.dts;
    if (clock::now() >= next_report_)
      report();
  }

  void announce(const av::demuxer& source) {
    auto& tracks = source.tracks();
    tracks_ = tracks.size();
    streams_ = source.streams();
    blocks_.flush();
    blocks_.set_tracks(tracks);
    auto format = to_format(tracks);
    leading_ = core::leading_track(format);
    caf::anon_send(sink_, format_change{work_.attempt, std::move(format), source.left_out()});
  }

  /// Waits until the packet's time has come.
  void pace(int64_t dts) {
    if (pace_dts_ == no_timestamp) {
      pace_dts_ = dts;
      pace_start_ = clock::now();
    }
    auto due = pace_start_ + std::chrono::microseconds{(dts - pace_dts_) * 100 / 9};
    if (clock::now() > due + pace_slack) {
      pace_dts_ = dts;
      pace_start_ = clock::now();
      return;
    }
    std::unique_lock lock{mutex_};
    changed_.wait_until(lock, due, [&] { return stop_.load() || clock::now() >= due; });
  }

  void send(sample_block block) {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return stop_ || credit_.open(); });
    if (stop_)
      return;
    samples_ += block.samples.size();
    bytes_ += block.bytes.size();
    auto sequence = credit_.send(block.bytes.size());
    lock.unlock();
    caf::anon_send(sink_, sample_batch{work_.attempt, sequence, std::move(block)});
  }

  void report() {
    auto now = clock::now();
    next_report_ = now + statistics_interval;
    work_statistics s;
    s.samples_in = counters_.packets;
    s.bytes_in = counters_.bytes;
    s.samples_out = samples_;
    s.bytes_out = bytes_;
    s.corrupt_packets = counters_.corrupt_packets;
    s.discontinuities = counters_.discontinuities;
    auto wall = std::chrono::duration<double>(now - started_).count();
    if (first_dts_ != no_timestamp && wall > 0)
      s.speed = static_cast<double>(media_dts_ - first_dts_) / ticks_per_second / wall;
    caf::anon_send(sink_, work_.attempt, s);
  }

  const ingest_work work_;
  const sample_sink_actor sink_;
  const ingest_state::interface owner_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  core::credit_window credit_; // guarded by mutex_
  // the thread's own
  block_builder blocks_;
  size_t tracks_ = 0;
  size_t streams_ = 0;
  int leading_ = 0;    ///< the track by which the source's pace is told
  bool begun_ = false; ///< that track has shown something
  av::source_counters counters_;
  uint64_t samples_ = 0;
  uint64_t bytes_ = 0;
  int64_t pace_dts_ = no_timestamp;
  clock::time_point pace_start_;
  int64_t first_dts_ = no_timestamp;
  int64_t media_dts_ = no_timestamp;
  clock::time_point started_;
  clock::time_point next_report_;
  std::thread thread_; // last: it uses everything above
};

ingest_state::ingest_state(interface::pointer self, ingest_work work, sample_sink_actor sink)
  : self(self), work(std::move(work)), sink(std::move(sink)) {}

ingest_state::~ingest_state() = default;

ingest_state::interface::behavior_type ingest_state::make_behavior() {
  self->monitor(sink);
  self->set_down_handler([this](const caf::down_msg&) { self->quit(); });
  log::info(
    "pulling the source",
    {{"channel", work.channel}, {"session", work.session}, {"attempt", work.attempt}, {"from", server_of(work.url)}});
  reader = std::make_unique<ingest_reader>(work, sink, interface{self});
  return {
    [this](const batch_ack& x) {
      if (x.attempt == work.attempt && reader)
        reader->acknowledge(x.sequence);
    },
    [this](stop_atom) { self->quit(); },
    [this](stream_end& x) {
      self->request(sink, end_timeout, std::move(x))
        .then([this] { self->quit(); }, [this](const caf::error&) { self->quit(); });
    },
  };
}

ingest_actor spawn_ingest(caf::actor_system& system, ingest_work work, sample_sink_actor sink) {
  return system.spawn<actor_of<ingest_state>>(std::move(work), std::move(sink));
}

} // namespace troupe

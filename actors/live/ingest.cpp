#include "actors/live/ingest.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/live/block_builder.hpp"
#include "actors/live/companion_tracks.hpp"
#include "base/mask_url.hpp"
#include "core/live/credit.hpp"
#include "core/live/sample_print.hpp"
#include "core/plan.hpp"
#include "encoder/source/demuxer.hpp"
#include "encoder/source/timeline_joint.hpp"
#include "packaging/samples.hpp"
#include "telemetry/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

namespace troupe {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto statistics_interval = std::chrono::seconds{1};

/// How long the sink may take to receive the news that the stream is over.
constexpr auto end_timeout = std::chrono::seconds{5};

/// How far a paced source may fall behind the wall clock before its pace is reset. So a machine that was suspended does
/// not send hours of media at once.
constexpr auto pace_slack = std::chrono::seconds{2};

/// How far a live source may run ahead of the wall clock: a burst lets clients join sooner, and a playlist's newest
/// segments come at once. Anything beyond that is read later, so it waits at the source.
constexpr auto burst_max = std::chrono::seconds{10};

/// A larger step in a live source's times is a gap, whose duration the pace does not wait for.
constexpr int64_t hole_ticks = 3 * ticks_per_second;

/// How long a read may exceed its own limit before the ingest counts as hanging.
constexpr auto read_slack = std::chrono::seconds{2};

/// The longest media that a reopened source sends again: a burst, or the window of a playlist.
constexpr int64_t repeated_max = 60 * ticks_per_second;

/// How long a reopened source may repeat earlier media at real-time pace.
constexpr auto repeat_patience = std::chrono::seconds{3};

/// True if two times may be the same value of a 33-bit counter, within the accuracy of times.
bool is_near(int64_t a, int64_t b) {
  constexpr auto turn = int64_t{1} << 33;
  auto distance = std::abs(a - b) % turn;
  return std::min(distance, turn - distance) <= ticks_per_second / 2;
}

} // namespace

/// The thread that reads. All data that it shares with the actor is guarded or atomic.
class ingest_reader {
public:
  ingest_reader(const ingest_work& work, sample_sink_actor sink, ingest_state::interface owner,
                std::shared_ptr<const av::source_access> access)
    : work_(work),
      access_(std::move(access)),
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

  /// The statistics to report; empty if the reader has been in one read for longer than allowed.
  std::optional<work_statistics> statistics() {
    std::lock_guard guard{mutex_};
    return clock::now() < busy_until_ ? std::optional{statistics_} : std::nullopt;
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
    options.access = access_;
    options.loop = work_.loop;
    options.open_timeout = work_.open_timeout;
    options.first_byte_timeout = work_.first_byte_timeout;
    options.read_timeout = work_.read_timeout;
    options.companions = companion_tracks::wants;
    busy_for(work_.open_timeout);
    auto source = av::demuxer::open(std::move(options), stop_);
    idle();
    if (!source)
      return tl::unexpected{source.error()};
    announce(*source);
    av::timeline_joint joint{work_.resume_from == no_timestamp ? av::no_pts : work_.resume_from};
    auto burst = source->is_live() ? std::chrono::duration_cast<clock::duration>(burst_max) : clock::duration::zero();
    auto paced = !source->is_live() || source->can_wait();
    auto packet = av::make_packet();
    started_ = clock::now();
    next_report_ = started_;
    auto ended = false;
    while (!stop_ && !ended) {
      busy_for(source->silence_max());
      auto more = source->read(*packet);
      idle();
      if (!more)
        return tl::unexpected{more.error()};
      ended = !*more;
      if (ended && source->is_live() && !source->is_over())
        return av::fail(av::errc::io, "the source closed the connection");
      if (source->changes() != changes_ || source->streams() != streams_)
        announce(*source);
      counters_ = source->counters();
      if (ended) {
        joint.finish();
      } else {
        if (joint.is_open())
          recognise(*packet, joint);
        else if (joint.repeats() && !catches_up(packet->dts))
          return av::fail(av::errc::io, "the source repeats earlier media at real-time pace: it may start over");
        // Wait for a picture: a burst that begins within a group of pictures has seconds of audio before its first one.
        auto awaited = work_.known.empty() ? std::nullopt : std::optional{static_cast<size_t>(leading_)};
        joint.add(*packet, source->tracks().size(), awaited);
      }
      shift_ = counters_.shift + joint.shift();
      while (!stop_ && joint.next(*packet)) {
        // No client can join before the first picture, so packets before it are not paced.
        begun_ = begun_ || packet->stream_index == leading_;
        if (paced && begun_)
          pace(packet->dts, burst);
        pass(*packet);
      }
      pass_companions(*source, joint, *packet);
    }
    return {};
  }

  /// Subtitles and splice information that came with the last packets. What a reopened source repeats is dropped.
  void pass_companions(av::demuxer& source, const av::timeline_joint& joint, AVPacket& packet) {
    while (!stop_ && source.take_companion(packet)) {
      if (joint.is_open() || joint.repeats() || !begun_)
        continue;
      packet.pts += joint.shift();
      packet.dts += joint.shift();
      companions_.pass(packet, [this](const AVPacket& x) { blocks_.add(x); });
      blocks_.flush();
    }
  }

  /// Compares a packet with those of the earlier pull: an equal one shows where the source continues.
  void recognise(const AVPacket& packet, av::timeline_joint& joint) {
    if (packet.stream_index != leading_ || packet.pts == av::no_pts)
      return;
    auto print = core::print_of(std::as_bytes(std::span{packet.data, static_cast<size_t>(packet.size)}));
    auto at = packet.pts + work_.known_shift;
    auto is_it = [&](const sample_print& x) {
      return x.print == print && is_near(at, x.pts) && work_.resume_from - x.pts <= repeated_max;
    };
    auto i = std::find_if(work_.known.rbegin(), work_.known.rend(), is_it);
    if (i == work_.known.rend())
      return;
    joint.go_on(i->pts - packet.pts, work_.passed);
    repeats_since_ = clock::now();
    repeats_from_ = packet.dts;
  }

  /// Whether repeated media comes faster than it plays, as from a burst or a file. If not, viewers would see nothing
  /// for its whole duration.
  bool catches_up(int64_t dts) const {
    auto took = clock::now() - repeats_since_;
    return took < repeat_patience || std::chrono::microseconds{(dts - repeats_from_) * 100 / 9} > took * 3 / 2;
  }

  void busy_for(std::chrono::milliseconds limit) {
    std::lock_guard guard{mutex_};
    busy_until_ = clock::now() + limit + read_slack;
  }

  /// The reader is not in a read: any delay from now on has another cause.
  void idle() {
    std::lock_guard guard{mutex_};
    busy_until_ = clock::time_point::max();
  }

  void pass(const AVPacket& packet) {
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
    changes_ = source.changes();
    streams_ = source.streams();
    blocks_.flush();
    blocks_.set_tracks(tracks);
    auto format = to_format(tracks);
    auto not_carried = source.left_out();
    for (auto& x : companions_.announce(source, format))
      not_carried.push_back(std::move(x));
    leading_ = core::leading_track(format);
    caf::anon_send(sink_, format_change{work_.attempt, std::move(format), std::move(not_carried)});
  }

  /// Waits until the packet is due, or is no more than `burst` away.
  void pace(int64_t dts, clock::duration burst) {
    auto now = clock::now();
    if (pace_dts_ == no_timestamp) {
      pace_dts_ = dts;
      pace_start_ = now;
    } else if (burst != clock::duration::zero() && dts - newest_dts_ > hole_ticks) {
      pace_dts_ += dts - newest_dts_;
    }
    newest_dts_ = std::max(newest_dts_, dts);
    auto due = pace_start_ + std::chrono::microseconds{(dts - pace_dts_) * 100 / 9};
    if (now > due + pace_slack) {
      pace_dts_ = dts;
      pace_start_ = now;
      return;
    }
    std::unique_lock lock{mutex_};
    changed_.wait_until(lock, due - burst, [&] { return stop_.load() || clock::now() >= due - burst; });
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
    s.source_shift = shift_;
    auto wall = std::chrono::duration<double>(now - started_).count();
    if (first_dts_ != no_timestamp && wall > 0)
      s.speed = static_cast<double>(media_dts_ - first_dts_) / ticks_per_second / wall;
    caf::anon_send(sink_, work_.attempt, s);
    std::lock_guard guard{mutex_};
    statistics_ = s;
  }

  const ingest_work work_;
  const std::shared_ptr<const av::source_access> access_;
  const sample_sink_actor sink_;
  const ingest_state::interface owner_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  core::credit_window credit_;                              // guarded by mutex_
  work_statistics statistics_;                              // guarded by mutex_
  clock::time_point busy_until_ = clock::time_point::max(); // guarded by mutex_
  // used only by the thread
  block_builder blocks_;
  companion_tracks companions_;
  uint64_t changes_ = 0;
  size_t streams_ = 0;
  int leading_ = 0;    ///< the track that sets the source's pace
  bool begun_ = false; ///< that track has delivered something
  av::source_counters counters_;
  int64_t shift_ = 0;
  clock::time_point repeats_since_;
  int64_t repeats_from_ = 0;
  uint64_t samples_ = 0;
  uint64_t bytes_ = 0;
  int64_t pace_dts_ = no_timestamp; ///< due at `pace_start_`
  int64_t newest_dts_ = no_timestamp;
  clock::time_point pace_start_;
  int64_t first_dts_ = no_timestamp;
  int64_t media_dts_ = no_timestamp;
  clock::time_point started_;
  clock::time_point next_report_;
  std::thread thread_; // last: it uses everything above
};

ingest_state::ingest_state(interface::pointer self, ingest_work work, sample_sink_actor sink,
                           std::shared_ptr<const av::source_access> access)
  : self(self), work(std::move(work)), sink(std::move(sink)), access(std::move(access)) {}

ingest_state::~ingest_state() = default;

ingest_state::interface::behavior_type ingest_state::make_behavior() {
  self->monitor(sink);
  self->set_down_handler([this](const caf::down_msg&) { self->quit(); });
  log::info("pulling the source", {{"channel", work.channel},
                                   {"session", work.session},
                                   {"attempt", work.attempt},
                                   {"from", base::host_of_url(work.url)}});
  self->delayed_send(self, statistics_interval, tick_atom_v);
  reader = std::make_unique<ingest_reader>(work, sink, interface{self}, access);
  return {
    [this](const batch_ack& x) {
      if (x.attempt == work.attempt && reader)
        reader->acknowledge(x.sequence);
    },
    [this](stop_atom) { self->quit(); },
    [this](tick_atom) {
      self->delayed_send(self, statistics_interval, tick_atom_v);
      // Between the segments of a playlist nothing comes for long: meanwhile, report that the reader is well.
      if (auto x = reader->statistics())
        self->send(sink, work.attempt, *x);
    },
    [this](stream_end& x) {
      self->request(sink, end_timeout, std::move(x))
        .then([this] { self->quit(); }, [this](const caf::error&) { self->quit(); });
    },
  };
}

ingest_actor spawn_ingest(caf::actor_system& system, ingest_work work, sample_sink_actor sink,
                          std::shared_ptr<const av::source_access> access) {
  return system.spawn<actor_of<ingest_state>>(std::move(work), std::move(sink), std::move(access));
}

} // namespace troupe

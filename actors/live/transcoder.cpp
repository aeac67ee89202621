#include "actors/live/transcoder.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/live/live_plan.hpp"
#include "packaging/samples.hpp"
#include "telemetry/log.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace troupe {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto statistics_every = std::chrono::seconds{1};

/// How long the sink may take to receive the news that the stream is over.
constexpr auto last_word_timeout = std::chrono::seconds{5};

std::vector<av::time_window> to_windows(const std::vector<window>& spans) {
  std::vector<av::time_window> result(spans.size());
  for (size_t i = 0; i < spans.size(); ++i) {
    if (spans[i].from_pts != no_timestamp)
      result[i].from_pts = spans[i].from_pts;
    result[i].to_pts = spans[i].to_pts;
  }
  return result;
}

} // namespace

transcoder_state::transcoder_state(interface::pointer self, transcode_work work, sample_sink_actor sink,
                                   const av::engine& codecs)
  : self(self),
    work(std::move(work)),
    sink(std::move(sink)),
    codecs(codecs),
    blocks([this](sample_block b) { pending.push_back(std::move(b)); }),
    credit(this->work.credit_bytes) {}

transcoder_state::interface::behavior_type transcoder_state::make_behavior() {
  self->monitor(sink);
  self->set_down_handler([this](const caf::down_msg&) { self->quit(); });
  measured_from = clock::now();
  self->delayed_send(self, statistics_every, tick_atom_v);
  std::vector<std::string> left_out;
  auto plan = to_plan(work.source, work.target, work.seat, &left_out);
  for (auto& setting : left_out)
    log::warning("a setting has no equivalent for the encoder that serves the profile",
                 {{"profile", work.target.name}, {"encoder", work.seat.encoder}, {"setting", setting}});
  if (!plan) {
    end(plan.error());
  } else {
    for (auto& x : *plan)
      if (auto* video = std::get_if<av::video_settings>(&x))
        video->slate = to_settings(this->work.still);
    auto opened = av::transcode::open(to_tracks(work.source), std::move(*plan), to_windows(work.spans), *this, codecs);
    if (opened)
      job.emplace(std::move(*opened));
    else
      end(opened.error());
  }
  return {
    [this](const sample_batch& x) { take(x); },
    [](const format_change&) {
      // Parameter changes within the known tracks show in the samples themselves; tracks that appear later are not part
      // of this work.
    },
    [this](const batch_ack& x) {
      if (x.attempt == work.attempt && credit.acknowledge(x.sequence))
        drain();
    },
    [this](finish_atom) {
      if (ending || !job)
        return;
      auto done = job->finish();
      done ? end({}, false) : end(done.error());
    },
    [this](finish_atom, int64_t to_pts) {
      if (ending || !job)
        return;
      if (auto done = job->end_at(to_pts); !done)
        end(done.error().what, false);
      else
        after_input();
    },
    [this](stop_atom) { self->quit(); },
    [this](tick_atom) {
      self->delayed_send(self, statistics_every, tick_atom_v);
      report();
    },
  };
}

void transcoder_state::take(const sample_batch& x) {
  if (x.attempt != work.attempt || x.sequence <= received || ending || !job)
    return;
  if (x.sequence > received + 1) {
    end("source batch " + std::to_string(x.sequence) + " came after " + std::to_string(received)
          + ": the batches between them are lost",
        false);
    return;
  }
  source = self->current_sender();
  received = x.sequence;
  auto packet = av::make_packet();
  size_t offset = 0;
  for (auto& s : x.block.samples) {
    auto bytes = x.block.bytes.span().subspan(offset, s.size);
    offset += s.size;
    if ((s.flags & sample::absent) != 0) {
      if (auto done = job->fill(s.pts); !done) {
        end(done.error());
        return;
      }
      continue;
    }
    ++statistics.samples_in;
    statistics.bytes_in += s.size;
    if (s.track >= work.source.tracks.size())
      continue;
    borrow(*packet, s, bytes);
    if ((s.flags & sample::discontinuity) != 0)
      ++statistics.discontinuities;
    if (auto done = job->send(*packet); !done) {
      end(done.error());
      return;
    }
  }
  after_input();
}

void transcoder_state::after_input() {
  if (job->complete()) {
    end({}, false);
    return;
  }
  blocks.flush();
  drain();
}

void transcoder_state::drain() {
  while (!pending.empty() && credit.open()) {
    auto block = std::move(pending.front());
    pending.pop_front();
    statistics.samples_out += block.samples.size();
    statistics.bytes_out += block.bytes.size();
    auto sequence = credit.send(block.bytes.size());
    self->send(sink, sample_batch{work.attempt, sequence, std::move(block)});
  }
  if (!pending.empty())
    return;
  if (source && acknowledged < received) {
    acknowledged = received;
    caf::anon_send(caf::actor_cast<caf::actor>(source), batch_ack{work.attempt, acknowledged});
  }
}

void transcoder_state::report() {
  if (job) {
    auto& c = job->counters();
    statistics.frames_decoded = c.frames_decoded;
    statistics.frames_encoded = c.frames_encoded;
    statistics.corrupt_packets = c.corrupt_packets;
  }
  auto now = clock::now();
  auto wall = std::chrono::duration<double>(now - measured_from).count();
  if (first_pts != no_timestamp && last_pts > first_pts && wall > 0)
    statistics.speed = static_cast<double>(last_pts - first_pts) / ticks_per_second / wall;
  measured_from = now;
  first_pts = last_pts;
  self->send(sink, work.attempt, statistics);
}

void transcoder_state::end(const av::error& x) {
  end(x.what, x.terminal(), x.code == av::errc::device);
}

void transcoder_state::end(std::string reason, bool terminal, bool device_failed) {
  if (ending)
    return;
  ending = true;
  blocks.flush();
  // The remaining output is sent beyond the credit: its size is bounded by the encoder's delay, and nothing follows.
  credit.lift();
  drain();
  report();
  stream_end message{work.attempt, std::move(reason), terminal, device_failed};
  self->request(sink, last_word_timeout, std::move(message))
    .then([this] { self->quit(); }, [this](const caf::error&) { self->quit(); });
}

void transcoder_state::on_format(const std::vector<av::track>& tracks) {
  blocks.flush();
  blocks.set_tracks(tracks);
  self->send(sink, format_change{work.attempt, to_format(tracks)});
}

void transcoder_state::on_packet(AVPacket& packet) {
  if (first_pts == no_timestamp)
    first_pts = packet.pts;
  last_pts = std::max(last_pts, packet.pts);
  blocks.add(packet);
}

transcoder_actor spawn_transcoder(caf::actor_system& system, transcode_work work, sample_sink_actor sink,
                                  const av::engine& codecs) {
  log::info(
    "transcoding",
    {{"channel", work.channel}, {"profile", work.target.name}, {"session", work.session}, {"attempt", work.attempt}});
  return system.spawn<actor_of<transcoder_state>, caf::detached>(std::move(work), std::move(sink), codecs);
}

} // namespace troupe

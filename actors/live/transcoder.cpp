#include "actors/live/transcoder.hpp"

#include "actors/common/actor_of.hpp"
#include "actors/live/live_plan.hpp"
#include "core/live/ladder.hpp"
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

/// The videos of a ladder, and its sound.
constexpr size_t lanes_max = core::ladder_profiles_max + 1;

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
  : self(self), sink(std::move(sink)), codecs(codecs), first(work.attempt) {
  lanes.push_back(std::make_unique<lane>(*this, std::move(work)));
}

transcoder_state::lane::lane(transcoder_state& of, transcode_work work)
  : of(of),
    work(std::move(work)),
    blocks([this](sample_block b) { pending.push_back(std::move(b)); }),
    credit(this->work.credit_bytes),
    measured_from(clock::now()) {}

transcoder_state::interface::behavior_type transcoder_state::make_behavior() {
  self->monitor(sink);
  self->set_down_handler([this](const caf::down_msg&) { self->quit(); });
  self->delayed_send(self, statistics_every, tick_atom_v);
  open(*lanes.front());
  return {
    [this](const sample_batch& x) { take(x); },
    [](const format_change&) {
      // Parameter changes within the known tracks show in the samples themselves; tracks that appear later are not part
      // of this work.
    },
    [this](const batch_ack& x) {
      auto* of = find(x.attempt);
      if (of == nullptr || !of->credit.acknowledge(x.sequence))
        return;
      drain(*of);
      acknowledge();
    },
    [this](finish_atom, attempt_id attempt) {
      auto* x = find(attempt);
      if (x == nullptr || x->ending || !x->job)
        return;
      auto done = x->job->finish();
      done ? end(*x, {}, false) : end(*x, done.error());
    },
    [this](finish_atom, attempt_id attempt, int64_t to_pts) {
      auto* x = find(attempt);
      if (x == nullptr || x->ending || !x->job)
        return;
      if (auto done = x->job->end_at(to_pts); !done)
        end(*x, done.error().what, false);
      else
        after_input(*x);
    },
    [this](stop_atom, attempt_id attempt) { remove(attempt); },
    [this](transcode_work& work) -> caf::result<void> {
      if (work.beside != first || received > 0 || lanes.size() >= lanes_max)
        return caf::make_error(ec::refused, "the task has begun, or has other work");
      lanes.push_back(std::make_unique<lane>(*this, std::move(work)));
      open(*lanes.back());
      return caf::unit;
    },
    [this](tick_atom) {
      self->delayed_send(self, statistics_every, tick_atom_v);
      for (auto& x : lanes)
        report(*x);
    },
  };
}

void transcoder_state::open(lane& x) {
  auto& work = x.work;
  std::vector<std::string> left_out;
  auto plan = to_plan(work.source, work.target, work.seat, &left_out);
  for (auto& setting : left_out)
    log::warning("a setting has no equivalent for the encoder that serves the profile",
                 {{"profile", work.target.name}, {"encoder", work.seat.encoder}, {"setting", setting}});
  if (!plan)
    return end(x, plan.error());
  for (auto& p : *plan)
    if (auto* video = std::get_if<av::video_settings>(&p)) {
      video->slate = to_settings(work.still);
      if (!decode_device)
        decode_device = video->decode_device;
      video->decode_device = *decode_device;
    }
  auto opened =
    av::transcode::open(to_tracks(work.source), std::move(*plan), to_windows(work.spans), x, codecs, &decoders);
  if (opened)
    x.job.emplace(std::move(*opened));
  else
    end(x, opened.error());
}

transcoder_state::lane* transcoder_state::find(attempt_id attempt) {
  for (auto& x : lanes)
    if (x->work.attempt == attempt)
      return x.get();
  return nullptr;
}

void transcoder_state::remove(attempt_id attempt) {
  std::erase_if(lanes, [&](auto& x) { return x->work.attempt == attempt; });
  if (lanes.empty())
    self->quit();
  else
    acknowledge();
}

void transcoder_state::take(const sample_batch& x) {
  if (x.attempt != first || x.sequence <= received)
    return;
  if (x.sequence > received + 1) {
    for (auto& of : lanes)
      end(*of,
          "source batch " + std::to_string(x.sequence) + " came after " + std::to_string(received)
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
    borrow(*packet, s, bytes);
    for (auto& of : lanes)
      if (!of->ending && of->job)
        take(*of, s, *packet);
  }
  for (auto& of : lanes)
    if (!of->ending && of->job)
      after_input(*of);
  acknowledge();
}

void transcoder_state::take(lane& x, const sample& s, const AVPacket& packet) {
  auto began = clock::now();
  auto decoding = decoders.busy();
  av::expected<void> done;
  if ((s.flags & sample::absent) != 0) {
    done = x.job->fill(s.pts);
  } else {
    ++x.statistics.samples_in;
    x.statistics.bytes_in += s.size;
    x.statistics.discontinuities += (s.flags & sample::discontinuity) != 0 ? 1 : 0;
    if (s.track < x.work.source.tracks.size())
      done = x.job->send(packet);
  }
  x.busy += clock::now() - began - (decoders.busy() - decoding);
  if (!done)
    end(x, done.error());
}

void transcoder_state::after_input(lane& x) {
  if (x.job->complete())
    return end(x, {}, false);
  x.blocks.flush();
  drain(x);
}

void transcoder_state::drain(lane& x) {
  while (!x.pending.empty() && x.credit.open()) {
    auto block = std::move(x.pending.front());
    x.pending.pop_front();
    x.statistics.samples_out += block.samples.size();
    x.statistics.bytes_out += block.bytes.size();
    auto sequence = x.credit.send(block.bytes.size());
    self->send(sink, sample_batch{x.work.attempt, sequence, std::move(block)});
  }
}

void transcoder_state::acknowledge() {
  auto is_waiting = [](auto& x) { return !x->pending.empty(); };
  if (!source || acknowledged == received || std::any_of(lanes.begin(), lanes.end(), is_waiting))
    return;
  acknowledged = received;
  caf::anon_send(caf::actor_cast<caf::actor>(source), batch_ack{first, acknowledged});
}

void transcoder_state::report(lane& x) {
  auto& s = x.statistics;
  if (x.job) {
    auto& c = x.job->counters();
    s.frames_decoded = c.frames_decoded;
    s.frames_encoded = c.frames_encoded;
    s.corrupt_packets = c.corrupt_packets;
  }
  s.busy_ms = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(x.busy).count());
  auto now = clock::now();
  auto wall = std::chrono::duration<double>(now - x.measured_from).count();
  if (x.first_pts != no_timestamp && x.last_pts > x.first_pts && wall > 0)
    s.speed = static_cast<double>(x.last_pts - x.first_pts) / ticks_per_second / wall;
  x.measured_from = now;
  x.first_pts = x.last_pts;
  self->send(sink, x.work.attempt, s);
}

void transcoder_state::end(lane& x, const av::error& why) {
  end(x, why.what, why.terminal(), why.code == av::errc::device);
}

void transcoder_state::end(lane& x, std::string reason, bool terminal, bool device_failed) {
  if (x.ending)
    return;
  x.ending = true;
  x.blocks.flush();
  // The remaining output is sent beyond the credit: its size is bounded by the encoder's delay, and nothing follows.
  x.credit.lift();
  drain(x);
  // The sink must know what this attempt has taken before it knows of the end.
  if (source && acknowledged < received) {
    acknowledged = received;
    caf::anon_send(caf::actor_cast<caf::actor>(source), batch_ack{first, acknowledged});
  }
  report(x);
  x.job.reset(); // with its encoder, and with the decoded pictures that were kept for it
  auto number = x.work.attempt;
  stream_end message{number, std::move(reason), terminal, device_failed};
  self->request(sink, last_word_timeout, std::move(message))
    .then([this, number] { remove(number); }, [this, number](const caf::error&) { remove(number); });
}

void transcoder_state::lane::on_format(const std::vector<av::track>& tracks) {
  blocks.flush();
  blocks.set_tracks(tracks);
  of.self->send(of.sink, format_change{work.attempt, to_format(tracks)});
}

void transcoder_state::lane::on_packet(AVPacket& packet) {
  if (first_pts == no_timestamp)
    first_pts = packet.pts;
  last_pts = std::max(last_pts, packet.pts);
  blocks.add(packet);
}

local_transcoder_actor spawn_transcoder(caf::actor_system& system, transcode_work work, sample_sink_actor sink,
                                        const av::engine& codecs) {
  log::info(
    "transcoding",
    {{"channel", work.channel}, {"profile", work.target.name}, {"session", work.session}, {"attempt", work.attempt}});
  return system.spawn<actor_of<transcoder_state>, caf::detached>(std::move(work), std::move(sink), codecs);
}

} // namespace troupe

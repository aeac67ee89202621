// The lease request and the work order of each part.
#include "core/jobs/file_job.hpp"
#include "core/plan.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

namespace troupe::core {

namespace {

/// The part of a chunk file's name that comes before the encoder's name.
const std::string version_mark = "-v" + std::to_string(chunk_version) + "-";
constexpr auto lowest = std::numeric_limits<int64_t>::min();

} // namespace

lease_request file_job::request_of(const part& x) const {
  lease_request result;
  result.label.kind = x.kind;
  result.label.channel = begin_.name;
  if (x.is_chunk())
    result.label.profile = to_string(x.chunk.kind);
  result.label.attempt = x.attempt;
  result.label.limits = limits_of(x);
  result.turn = begin_.turn;
  result.refused_by = x.refused_by;
  result.input = begin_.order.input;
  auto& codec = x.chunk.kind == chunk_kind::video ? begin_.order.video.codec : begin_.order.audio.codec;
  for (auto& s : source_.streams)
    if (x.is_chunk() && x.chunk.kind == chunk_kind::audio && is_converted(s))
      result.encoders.push_back(s.instead);
  if (!x.is_chunk() || codec == "copy")
    return result;
  if (x.chunk.kind == chunk_kind::video) {
    result.video = wish_of(begin_.order.video);
    result.replaceable = !encoder_.empty();
    if (!encoder_.empty()) {
      result.video.encoder = encoder_;
      // The order's policy applies to the first chunk; the others wait for the encoder that the first one got.
      result.video.policy = exhaustion_policy::queue;
    }
  }
  result.encoders.push_back(result.video.encoder.empty() ? codec : result.video.encoder);
  return result;
}

work_limits file_job::limits_of(const part& x) const {
  auto result = begin_.order.limits;
  if (result.memory_bytes > 0)
    return result;
  picture_work pictures;
  auto& video = begin_.order.video;
  auto is_video = x.kind == work_kind::assemble || (x.is_chunk() && x.chunk.kind == chunk_kind::video);
  for (auto& s : source_.streams)
    if (s.video && is_video) {
      pictures.decoded = int64_t{s.width} * s.height;
      pictures.encoded = video.codec == "copy" ? 0 : pixels_of(video.width, video.height, s.width, s.height);
      pictures.codec = encoder_.empty() ? video.codec : encoder_;
    }
  // Verification decodes the encoded pictures.
  if (x.kind == work_kind::assemble)
    pictures.decoded = std::max(pictures.decoded, pictures.encoded);
  result.memory_bytes = memory_limit(config_.memory, x.kind, pictures);
  return result;
}

bool file_job::is_converted(const source_stream_summary& x) const {
  return !x.video && !x.instead.empty() && begin_.order.audio.codec == "copy";
}

void file_job::note_converted(std::vector<std::string>& notes) const {
  for (auto& s : source_.streams)
    if (is_converted(s) && notes.size() < file_notes_max)
      notes.push_back("stream " + std::to_string(s.stream) + ": the sound is " + s.instead + " instead of " + s.codec
                      + ", which " + begin_.order.container + " does not hold");
}

void file_job::note_source(std::vector<std::string>& notes) const {
  auto add = [&notes](std::string x) {
    if (notes.size() < file_notes_max)
      notes.push_back(std::move(x));
  };
  for (auto& x : source_.notes)
    add(x);
  uint64_t damaged = 0;
  for (auto& p : parts_)
    damaged += p.is_chunk() ? p.chunk.result.damaged : 0;
  if (damaged > 0)
    add("the source is damaged: its decoders found fault with " + std::to_string(damaged) + " packets or pictures");
  auto video = std::find_if(source_.streams.begin(), source_.streams.end(), [](auto& s) { return s.video; });
  auto made = pictures_of_source();
  if (made && source_.countable && video != source_.streams.end() && *made < video->packets)
    add(std::to_string(video->packets - *made) + " of the source's " + std::to_string(video->packets)
        + " pictures are missing: its decoder outputs nothing for them");
  if (auto missing = sound_missing(); missing > ticks_per_second)
    add("the sound ends " + std::to_string(missing / ticks_per_second)
        + " s before that of the source: its decoder outputs nothing for the rest");
}

int64_t file_job::sound_missing() const {
  auto want = lowest;
  for (auto& s : source_.streams)
    if (!s.video)
      want = std::max(want, s.end_pts);
  auto have = lowest;
  for (auto& p : parts_)
    if (p.is_chunk() && p.chunk.kind == chunk_kind::audio)
      have = std::max(have, p.chunk.result.last_pts);
  return want == lowest || have == lowest ? 0 : want - have;
}

std::optional<uint64_t> file_job::pictures_of_source() const {
  uint64_t result = 0;
  auto any = false;
  for (auto& p : parts_) {
    if (!p.is_chunk() || p.chunk.kind != chunk_kind::video)
      continue;
    if (!p.chunk.result.source_pictures)
      return {};
    result += *p.chunk.result.source_pictures;
    any = true;
  }
  return any ? std::optional{result} : std::nullopt;
}

std::string file_job::path_of(const part& x) const {
  assert(x.is_chunk() && x.attempt); // two attempts must never share a file
  return begin_.folder + "/" + std::to_string(x.chunk.number) + "-" + std::to_string(begin_.attempt) + "."
         + to_string(x.attempt) + version_mark + (x.held.seat.encoder.empty() ? "none" : x.held.seat.encoder) + "-"
         + source_.identity + ".chunk";
}

std::optional<std::string> file_job::encoder_of(const std::string& path) const {
  auto end = "-" + source_.identity + ".chunk";
  auto from = path.rfind(version_mark);
  if (from == std::string::npos || !path.ends_with(end))
    return {};
  from += version_mark.size();
  return from + end.size() < path.size() ? std::optional{path.substr(from, path.size() - end.size() - from)}
                                         : std::nullopt;
}

file_work file_job::work_of(const part& x) const {
  assert(x.state == part_state::running && x.attempt);
  auto& order = begin_.order;
  if (x.is_chunk())
    return {x.attempt, chunk_work_of(x), {}, {}, config_.disk_refuse};
  if (x.kind == work_kind::probe) {
    probe_work work;
    work.source = order.input;
    for (auto& codec : {order.video.codec, order.audio.codec})
      if (codec != "copy" && codec != "none")
        work.encoders.push_back(codec);
    work.container = order.container;
    // After a restart, the output may already be the result of an earlier attempt, so it is checked only on the first
    // one.
    if (begin_.attempt == 1 && phase_ == file_phase::probing)
      work.output = order.output;
    work.overwrite = order.overwrite;
    auto add = [&work](const file_chunk& c) {
      if (c.done)
        work.chunks.push_back({c.number, c.path, c.result.bytes, c.result.sha256});
    };
    for (auto& c : begin_.chunks)
      if (phase_ == file_phase::probing)
        add(c);
    for (auto& p : parts_)
      if (phase_ != file_phase::probing && p.is_chunk())
        add(p.chunk);
    return {x.attempt, std::move(work), {}, {}, config_.disk_refuse};
  }
  assemble_work work;
  work.source = order.input;
  work.identity = source_.identity;
  work.origin = source_.origin;
  work.container = order.container;
  uint64_t pictures = 0;
  for (auto& p : parts_) {
    if (!p.is_chunk())
      continue;
    auto video = p.chunk.kind == chunk_kind::video;
    (video ? work.video : work.audio)
      .push_back({p.chunk.number, p.chunk.path, p.chunk.result.bytes, p.chunk.result.sha256});
    if (video)
      pictures += p.chunk.result.frames;
  }
  for (auto& s : source_.streams)
    if ((s.video ? order.video.codec : order.audio.codec) == "copy" && s.instead.empty())
      work.copied.push_back(s.stream);
  // The result must have all pictures that the source's decoder made, not only those that the chunks claim to have.
  if (!work.video.empty())
    work.pictures = keeps_pictures(order) ? pictures_of_source().value_or(pictures) : pictures;
  work.late = source_.late;
  work.names = source_.names;
  work.staging = begin_.staging;
  work.output = order.output;
  work.overwrite = order.overwrite || begin_.attempt > 1 || x.failures > 0;
  return {x.attempt, std::move(work), {}, {}, config_.disk_refuse};
}

chunk_work file_job::chunk_work_of(const part& x) const {
  auto& order = begin_.order;
  auto video = x.chunk.kind == chunk_kind::video;
  chunk_work work;
  work.source = order.input;
  work.identity = source_.identity;
  work.destination = x.chunk.path;
  work.number = x.chunk.number;
  work.kind = x.chunk.kind;
  for (auto& s : source_.streams) {
    if (s.video != video)
      continue;
    work.streams.push_back(s.stream);
    if (video) {
      work.even_rate = s.even_rate;
      work.first_pts = s.first_pts;
    }
    if (is_converted(s)) {
      work.converted.push_back(s.stream);
      work.converted_to = s.instead;
    }
  }
  for (auto& late : source_.late)
    if (std::find(work.streams.begin(), work.streams.end(), late.stream) != work.streams.end())
      work.late.push_back(late);
  work.span = {x.chunk.from, x.chunk.to};
  work.exact = source_.exact;
  work.pictures = x.pictures;
  work.video = order.video;
  work.audio = order.audio;
  if (video) {
    if (key_interval_.count() > 0)
      work.video.keyframe_interval = key_interval_;
    work.threads = threads_of_chunk();
    work.seat = x.held.seat;
  }
  return work;
}

} // namespace troupe::core

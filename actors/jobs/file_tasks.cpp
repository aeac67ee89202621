#include "actors/jobs/file_tasks.hpp"

#include "actors/common/encode_settings.hpp"
#include "actors/jobs/disk_space.hpp"
#include "base/mask_url.hpp"
#include "base/publish.hpp"
#include "base/utf8.hpp"
#include "encoder/chunks/assembler.hpp"
#include "encoder/chunks/chunk_encode.hpp"
#include "encoder/chunks/source_notes.hpp"
#include "encoder/chunks/verifier.hpp"
#include "encoder/codec/encoder_open.hpp"
#include "encoder/container.hpp"
#include "encoder/log.hpp"
#include "encoder/source/source_index.hpp"
#include "packaging/samples.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <span>

namespace troupe {

namespace {

using outcome = decltype(file_result::outcome);

file_failure to_failure(const av::error& x) {
  return {x.terminal(), false, x.what.substr(0, file_text_bytes_max), x.code == av::errc::device};
}

/// The error if the source is no longer the one that was probed.
file_failure changed(const std::string& source, bool gone) {
  return {true, true,
          std::string{"the source "} + (gone ? "disappeared" : "changed")
            + " while the job was working on it: " + base::mask_url(source) + "; submit the job again"};
}

/// The error if the disk for the output is too full: not terminal, as another machine may have room, or this one later.
std::optional<file_failure> full(const std::string& target, uint32_t percent) {
  if (auto shortage = disk_shortage(target, percent); !shortage.empty())
    return file_failure{false, false, "not begun: " + shortage};
  return {};
}

/// Fails if the source is not, or is no longer, the one that was probed.
tl::expected<void, file_failure> check_identity(const file_reach& reach, const std::string& source,
                                                const std::string& identity) {
  auto now = reach.identity(source);
  if (!now)
    return tl::unexpected(now.error().source_changed ? changed(source, true) : now.error());
  if (*now != identity)
    return tl::unexpected(changed(source, *now == "0"));
  return {};
}

/// The error to report for failed work. If the source has changed, that explains all other errors.
outcome failed_at(const file_reach& reach, const std::string& source, const std::string& identity, const av::error& x) {
  if (auto same = check_identity(reach, source, identity); !same && same.error().source_changed)
    return same.error();
  return reach.judged(source, to_failure(x));
}

/// SHA-256 of a file; empty if it cannot be read to its end, or if the work is stopped.
std::string digest_of(const std::string& path, const av::work_control& control) {
  std::ifstream in{path, std::ios::binary};
  std::array<char, 256 * 1024> block{};
  base::sha256 hash;
  while (in && !control.stop) {
    in.read(block.data(), block.size());
    hash.add(std::as_bytes(std::span{block.data(), static_cast<size_t>(in.gcount())}));
  }
  return in.eof() ? hash.digest() : std::string{};
}

bool is_whole(const chunk_file& x, const av::work_control& control) {
  struct stat found {};
  return ::stat(x.path.c_str(), &found) == 0 && static_cast<uint64_t>(found.st_size) == x.bytes
         && digest_of(x.path, control) == x.sha256;
}

/// A terminal error if there is neither a video nor an audio encoder of that name.
av::expected<const AVCodec*> check_encoder(const std::string& name) {
  auto found = av::find_encoders(name, AVMEDIA_TYPE_VIDEO);
  if (!found)
    if (auto sound = av::find_encoders(name, AVMEDIA_TYPE_AUDIO))
      found = std::move(sound);
  if (!found)
    return tl::unexpected{found.error()};
  return found->front();
}

/// A terminal error if the container cannot hold an encoder's output for this source.
av::expected<void> check_container(const AVCodec& encoder, const av::source_index& of,
                                   std::optional<av::container> into) {
  auto kind = encoder.type == AVMEDIA_TYPE_VIDEO ? av::stream_kind::video : av::stream_kind::audio;
  auto needed =
    std::any_of(of.streams.begin(), of.streams.end(), [kind](const auto& s) { return s.readable && s.kind == kind; });
  if (!into || !needed || av::holds(*into, encoder.id))
    return {};
  return av::fail(av::errc::option, std::string{av::muxer_name(*into)} + " does not hold "
                                      + avcodec_get_name(encoder.id)
                                      + ": choose another encoder, or another container");
}

av::late_stream from_message(const late_stream& x) {
  auto info = to_track(x.format);
  info.stream = x.stream;
  return {std::make_shared<av::track>(std::move(info)), x.disposition, x.words};
}

std::vector<av::late_stream> from_message(const std::vector<late_stream>& xs) {
  std::vector<av::late_stream> result;
  result.reserve(xs.size());
  for (auto& x : xs)
    result.push_back(from_message(x));
  return result;
}

source_summary summary_of(const av::source_index& index, std::optional<av::container> into) {
  source_summary result;
  result.format = index.format;
  result.bytes = index.bytes;
  result.origin = index.origin;
  result.end = index.end;
  result.exact = index.exact;
  result.countable = index.countable;
  for (auto& s : index.streams) {
    if (!s.readable || result.streams.size() >= file_streams_max)
      continue;
    source_stream_summary x;
    x.stream = s.stream;
    x.video = s.kind == av::stream_kind::video;
    x.codec = s.codec;
    x.language = s.language;
    x.width = s.parameters->width;
    x.height = s.parameters->height;
    x.packets = s.packets;
    x.first_pts = s.first_pts;
    x.end_pts = s.end_pts;
    if (s.grid)
      x.even_rate = {s.grid->rate.num, s.grid->rate.den};
    if (into && !av::holds(*into, s.parameters->codec_id))
      x.instead = x.video ? av::usual_video_codec(*into) : av::usual_audio_codec(*into);
    result.streams.push_back(std::move(x));
  }
  result.names = av::stream_names(index);
  result.names.resize(std::min(result.names.size(), file_streams_max));
  for (auto& x : index.late_streams())
    if (result.late.size() < file_streams_max)
      result.late.push_back({x.info->stream, to_format(*x.info), x.disposition, x.metadata});
  result.notes = av::source_notes(index);
  // A source that consists of key pictures only has more cut points than needed: take only some.
  auto step = index.access_points.size() / file_cut_points_max + 1;
  for (size_t i = 0; i < index.access_points.size(); i += step)
    result.cuts.push_back({index.access_points[i].pts, index.access_points[i].pictures_before});
  return result;
}

outcome probe(const probe_work& x, file_reach& reach, const av::work_control& control) {
  auto into = av::container_of(x.container);
  std::vector<const AVCodec*> encoders;
  for (auto& name : x.encoders) {
    auto known = check_encoder(name);
    if (!known)
      return to_failure(known.error());
    encoders.push_back(*known);
  }
  if (!x.output.empty())
    if (auto free =
          base::check_target(x.output, x.overwrite ? base::overwrite::allow : base::overwrite::refuse, reach.results());
        !free)
      return to_failure(av::from_file(free.error()));
  auto identity = reach.identity(x.source);
  if (!identity)
    return identity.error();
  auto index = av::index_source(reach.source(x.source, *identity), control);
  if (!index)
    return failed_at(reach, x.source, *identity, index.error());
  for (auto* encoder : encoders)
    if (auto held = check_container(*encoder, *index, into); !held)
      return to_failure(held.error());
  auto result = summary_of(*index, into);
  result.identity = *identity;
  for (auto& chunk : x.chunks)
    if (auto whole = reach.is_whole(chunk); whole ? *whole : is_whole(chunk, control))
      result.whole_chunks.push_back(chunk.number);
  return result;
}

outcome encode(const chunk_work& x, file_reach& reach, const av::engine& codecs, const av::work_control& control,
               uint32_t disk_refuse) {
  if (auto same = check_identity(reach, x.source, x.identity); !same)
    return same.error();
  auto destination = reach.chunk_destination(x.destination);
  if (!destination)
    return destination.error();
  if (auto refused = full(*destination, disk_refuse))
    return *refused;
  av::track_plan plan = av::copy_track{};
  if (x.kind == chunk_kind::video && x.video.codec != "copy") {
    std::vector<std::string> left_out;
    auto settings = to_settings(x.video, x.seat, &left_out);
    if (!settings)
      return to_failure(settings.error());
    for (auto& setting : left_out)
      av::work_log::say(x.seat.encoder + " has no equivalent for " + setting + ": left out");
    settings->threads = static_cast<int>(x.threads);
    plan = std::move(*settings);
  } else if (x.kind == chunk_kind::audio && x.audio.codec != "copy") {
    plan = to_settings(x.audio);
  }
  av::chunk_job job;
  job.source = reach.source(x.source, x.identity);
  if (x.first_pts != no_timestamp)
    job.source.grid = {{x.even_rate.num, x.even_rate.den}, x.first_pts};
  for (auto stream : x.streams)
    job.streams.push_back({stream, plan});
  audio_profile converted;
  converted.codec = x.converted_to;
  for (auto& s : job.streams)
    if (std::find(x.converted.begin(), x.converted.end(), s.stream) != x.converted.end())
      s.plan = to_settings(converted);
  job.late = from_message(x.late);
  job.window = {x.span.from_pts, x.span.to_pts};
  job.exact = x.exact;
  job.pictures = x.pictures;
  job.output = *destination;
  job.codecs = &codecs;
  auto made = av::encode_chunk(job, control);
  if (!made)
    return failed_at(reach, x.source, x.identity, made.error());
  if (auto same = check_identity(reach, x.source, x.identity); !same) {
    ::unlink(destination->c_str());
    return same.error();
  }
  if (auto sent = reach.deliver_chunk(x.number, *destination); !sent)
    return sent.error();
  chunk_done result;
  result.bytes = made->bytes;
  result.sha256 = made->sha256;
  result.sought = made->sought;
  if (x.kind == chunk_kind::video && x.video.codec != "copy")
    result.source_pictures = made->counters.pictures;
  result.damaged = made->counters.damaged;
  for (auto& track : made->tracks) {
    result.frames += track.packets;
    if (&track == &made->tracks.front() || track.first_pts < result.first_pts)
      result.first_pts = track.first_pts;
    result.last_pts = std::max(result.last_pts, track.last_pts);
  }
  return result;
}

tl::expected<std::vector<av::chunk_source>, file_failure> sources_of(const std::vector<chunk_file>& xs,
                                                                     file_reach& reach) {
  std::vector<av::chunk_source> result;
  result.reserve(xs.size());
  for (auto& x : xs) {
    auto here = reach.fetch_chunk(x);
    if (!here)
      return tl::unexpected(here.error());
    result.push_back({here->path, here->sha256});
  }
  return result;
}

/// A control for one of two pieces of work that follow each other.
av::work_control half(const av::work_control& whole, double from) {
  return {whole.stop, [&whole, from](av::work_progress x) {
            x.done = from + x.done / 2;
            if (whole.report)
              whole.report(x);
          }};
}

struct published_result {
  av::verification found;
  std::string identity; ///< empty if the coordinator moves the file into place
};

/// Verifies the assembled file, and publishes it under its name.
tl::expected<published_result, file_failure> verify_and_publish(const assemble_work& x, const std::string& file,
                                                                av::assembly_result& made, file_reach& reach,
                                                                const av::work_control& control) {
  av::verification_job check;
  check.path = file;
  check.streams = made.streams;
  check.others = made.others;
  auto right = av::verify(check, half(control, 0.5));
  if (!right) {
    ::unlink(file.c_str());
    return tl::unexpected(to_failure(right.error()));
  }
  if (reach.delivers_result(x.staging, file)) {
    if (auto done = reach.deliver_result(file); !done)
      return tl::unexpected(done.error());
    return published_result{*right, {}};
  }
  auto done =
    base::publish(file, x.output, x.overwrite ? base::overwrite::allow : base::overwrite::refuse, reach.results());
  if (!done) {
    ::unlink(file.c_str());
    return tl::unexpected(to_failure(av::from_file(done.error())));
  }
  return published_result{*right, std::move(*done)};
}

/// A film may have more fonts than a result may have notes: the last note counts the others.
std::vector<std::string> to_text(const std::vector<av::assembly_note>& notes) {
  std::vector<std::string> result;
  for (auto& note : notes) {
    if (auto left = notes.size() - result.size(); left > 1 && result.size() + 1 == file_notes_max) {
      result.push_back("and " + std::to_string(left) + " more of the kind");
      break;
    }
    auto text = (note.stream >= 0 ? "stream " + std::to_string(note.stream) + ": " : std::string{}) + note.what;
    result.push_back(base::plain_text(base::cut(text, 1024)));
  }
  return result;
}

outcome assemble(const assemble_work& x, file_reach& reach, const av::work_control& control, uint32_t disk_refuse) {
  auto into = av::container_of(x.container);
  if (!into)
    return file_failure{true, false, "no container is named " + x.container};
  if (auto same = check_identity(reach, x.source, x.identity); !same)
    return same.error();
  auto file = reach.result_destination(x.staging);
  if (!file)
    return file.error();
  if (auto refused = full(*file, disk_refuse))
    return *refused;
  av::assembly_job job;
  job.source = reach.source(x.source, x.identity);
  job.origin = x.origin;
  job.into = *into;
  for (auto* chunks : {&x.video, &x.audio}) {
    auto sources = sources_of(*chunks, reach);
    if (!sources)
      return sources.error();
    if (!sources->empty())
      job.works.push_back(std::move(*sources));
  }
  job.late = from_message(x.late);
  job.copied.assign(x.copied.begin(), x.copied.end());
  job.pictures = x.pictures;
  job.names = x.names;
  job.output = *file;
  job.outputs = reach.results();
  auto made = av::assemble(job, half(control, 0));
  if (!made)
    return failed_at(reach, x.source, x.identity, made.error());
  if (auto same = check_identity(reach, x.source, x.identity); !same) {
    ::unlink(file->c_str());
    return same.error();
  }
  auto right = verify_and_publish(x, *file, *made, reach, control);
  if (!right)
    return right.error();
  file_published result;
  result.bytes = made->bytes;
  result.pictures = right->found.pictures;
  result.sounds = right->found.sounds;
  result.duration = right->found.duration;
  result.identity = std::move(right->identity);
  auto notes = std::move(made->notes);
  notes.insert(notes.end(), right->found.notes.begin(), right->found.notes.end());
  result.notes = to_text(notes);
  return result;
}

} // namespace

outcome do_file_work(const file_work& x, const task_place& place, const av::engine& codecs,
                     const av::work_control& control) {
  struct visitor {
    file_reach& reach;
    const av::engine& codecs;
    const av::work_control& control;
    uint32_t disk_refuse;

    outcome operator()(const probe_work& x) const {
      return probe(x, reach, control);
    }
    outcome operator()(const chunk_work& x) const {
      return encode(x, reach, codecs, control, disk_refuse);
    }
    outcome operator()(const assemble_work& x) const {
      return assemble(x, reach, control, disk_refuse);
    }
  };
  file_reach reach{x.access, place, control};
  return std::visit(visitor{reach, codecs, control, x.disk_refuse}, x.work);
}

} // namespace troupe

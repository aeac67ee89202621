#include "actors/file_tasks.hpp"

#include "actors/media.hpp"
#include "encoder/assembler.hpp"
#include "encoder/chunk_encode.hpp"
#include "encoder/container.hpp"
#include "encoder/encoder_open.hpp"
#include "encoder/publish.hpp"
#include "encoder/source_index.hpp"
#include "encoder/verifier.hpp"

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
  return {x.terminal(), false, x.what.substr(0, file_text_bytes_max)};
}

file_failure changed(const std::string& source) {
  return {true, true, "the source changed while the job worked at it: " + source + "; submit the job again"};
}

av::source_options options_of(const std::string& source) {
  av::source_options result;
  result.url = source;
  return result;
}

/// SHA-256 of a file; empty where it cannot be read to its end, or the work is stopped.
std::string digest_of(const std::string& path, const av::work_control& control) {
  std::ifstream in{path, std::ios::binary};
  std::array<char, 256 * 1024> block{};
  av::sha256 hash;
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

/// Terminal where neither picture nor sound has an encoder of that name.
av::expected<void> check_encoder(const std::string& name) {
  auto video = av::find_encoders(name, AVMEDIA_TYPE_VIDEO);
  if (video || av::find_encoders(name, AVMEDIA_TYPE_AUDIO))
    return {};
  return tl::unexpected{video.error()};
}

source_summary summary_of(const av::source_index& index) {
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
    result.streams.push_back(std::move(x));
  }
  // A source of key pictures alone has more of them than anybody needs.
  auto step = index.access_points.size() / file_cut_points_max + 1;
  for (size_t i = 0; i < index.access_points.size(); i += step)
    result.cuts.push_back({index.access_points[i].pts, index.access_points[i].pictures_before});
  return result;
}

outcome probe(const probe_work& x, const av::work_control& control) {
  for (auto& name : x.encoders)
    if (auto known = check_encoder(name); !known)
      return to_failure(known.error());
  struct stat found {};
  if (!x.output.empty() && ::stat(x.output.c_str(), &found) == 0)
    return file_failure{true, false, x.output + " exists already; name another output, or allow to overwrite it"};
  auto identity = source_identity(x.source);
  auto index = av::index_source(options_of(x.source), control);
  if (!index)
    return to_failure(index.error());
  auto result = summary_of(*index);
  result.identity = identity;
  for (auto& chunk : x.chunks)
    if (is_whole(chunk, control))
      result.whole_chunks.push_back(chunk.number);
  return result;
}

outcome encode(const chunk_work& x, const av::work_control& control) {
  if (source_identity(x.source) != x.identity)
    return changed(x.source);
  av::track_plan plan = av::copy_track{};
  if (x.kind == chunk_kind::video && x.video.codec != "copy") {
    auto settings = to_settings(x.video);
    if (!settings)
      return to_failure(settings.error());
    settings->threads = static_cast<int>(x.threads);
    plan = std::move(*settings);
  } else if (x.kind == chunk_kind::audio && x.audio.codec != "copy") {
    plan = to_settings(x.audio);
  }
  av::chunk_job job;
  job.source = options_of(x.source);
  for (auto stream : x.streams)
    job.streams.push_back({stream, plan});
  job.window = {x.span.from_pts, x.span.to_pts};
  job.exact = x.exact;
  job.pictures = x.pictures;
  job.output = x.destination;
  auto made = av::encode_chunk(job, control);
  if (!made)
    return to_failure(made.error());
  if (source_identity(x.source) != x.identity)
    return changed(x.source);
  chunk_done result;
  result.bytes = made->bytes;
  result.sha256 = made->sha256;
  result.sought = made->sought;
  for (auto& track : made->tracks) {
    result.frames += track.packets;
    if (&track == &made->tracks.front() || track.first_pts < result.first_pts)
      result.first_pts = track.first_pts;
    result.last_pts = std::max(result.last_pts, track.last_pts);
  }
  return result;
}

std::vector<av::chunk_source> sources_of(const std::vector<chunk_file>& xs) {
  std::vector<av::chunk_source> result;
  result.reserve(xs.size());
  for (auto& x : xs)
    result.push_back({x.path, x.sha256});
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

outcome assemble(const assemble_work& x, const av::work_control& control) {
  auto into = av::container_of(x.container);
  if (!into)
    return file_failure{true, false, "no container is named " + x.container};
  if (source_identity(x.source) != x.identity)
    return changed(x.source);
  av::assembly_job job;
  job.source = options_of(x.source);
  job.origin = x.origin;
  job.into = *into;
  if (!x.video.empty())
    job.works.push_back(sources_of(x.video));
  if (!x.audio.empty())
    job.works.push_back(sources_of(x.audio));
  job.copied.assign(x.copied.begin(), x.copied.end());
  job.pictures = x.pictures;
  job.output = x.staging;
  auto made = av::assemble(job, half(control, 0));
  if (!made)
    return to_failure(made.error());
  av::verification_job check;
  check.path = x.staging;
  check.streams = made->streams;
  auto right = av::verify(check, half(control, 0.5));
  auto done = right ? av::publish(x.staging, x.output, x.overwrite ? av::overwrite::allow : av::overwrite::refuse)
                    : av::expected<void>{};
  if (!right || !done) {
    ::unlink(x.staging.c_str());
    return to_failure(right ? done.error() : right.error());
  }
  file_published result;
  result.bytes = made->bytes;
  result.pictures = right->pictures;
  result.sounds = right->sounds;
  result.duration = right->duration;
  for (auto& note : made->notes)
    if (result.notes.size() < file_notes_max)
      result.notes.push_back((note.stream >= 0 ? "stream " + std::to_string(note.stream) + ": " : std::string{})
                             + note.what.substr(0, 1024));
  return result;
}

} // namespace

std::string source_identity(const std::string& path_or_url) {
  struct stat found {};
  if (::stat(path_or_url.c_str(), &found) != 0)
    return "0";
  // FNV-1a, 64 bits.
  uint64_t hash = 14'695'981'039'346'656'037u;
  for (auto value : {static_cast<uint64_t>(found.st_size), static_cast<uint64_t>(found.st_mtim.tv_sec),
                     static_cast<uint64_t>(found.st_mtim.tv_nsec)})
    for (int i = 0; i < 64; i += 8)
      hash = (hash ^ (value >> i & 0xff)) * 1'099'511'628'211u;
  std::string result;
  for (int shift = 60; shift >= 0; shift -= 4)
    result += "0123456789abcdef"[hash >> shift & 0xf];
  return result;
}

outcome do_file_work(const file_work& x, const av::work_control& control) {
  struct visitor {
    const av::work_control& control;

    outcome operator()(const probe_work& x) const {
      return probe(x, control);
    }
    outcome operator()(const chunk_work& x) const {
      return encode(x, control);
    }
    outcome operator()(const assemble_work& x) const {
      return assemble(x, control);
    }
  };
  return std::visit(visitor{control}, x.work);
}

} // namespace troupe

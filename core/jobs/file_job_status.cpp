// A job's progress and speed.
#include "core/jobs/file_job.hpp"

#include <algorithm>

namespace troupe::core {

namespace {

/// Usual shares of the phases in the whole job.
constexpr double probe_share = 0.02;
constexpr double assemble_share = 0.02;

} // namespace

uint64_t file_job::frames_made() const {
  uint64_t result = 0;
  for (auto& p : parts_)
    if (p.is_chunk() && p.chunk.kind == chunk_kind::video)
      result += p.state == part_state::done ? p.chunk.result.frames : p.progress.frames;
  return result;
}

uint64_t file_job::bytes_made() const {
  uint64_t result = 0;
  for (auto& p : parts_)
    if (p.is_chunk())
      result += p.state == part_state::done ? p.chunk.result.bytes : p.progress.bytes;
  return result;
}

uint64_t file_job::pictures_expected(const part& x) const {
  if (!x.is_chunk() || x.chunk.kind != chunk_kind::video)
    return 0;
  auto rate = begin_.order.video.frame_rate;
  if (x.pictures || rate.num <= 0 || rate.den <= 0)
    return x.pictures.value_or(0);
  return static_cast<uint64_t>(static_cast<double>(x.ticks) / ticks_per_second * rate.num / rate.den);
}

double file_job::share_done() const {
  auto of = [this](const part& p) {
    if (p.state == part_state::done)
      return 1.0;
    // The first and the last window have no bound on one side, so a task cannot report its share there.
    auto expected = static_cast<double>(pictures_expected(p));
    auto by_pictures = expected > 0 ? static_cast<double>(p.progress.frames) / expected : 0.0;
    return std::clamp(std::max(p.progress.done, by_pictures), 0.0, 1.0);
  };
  double all = 0;
  double done = 0;
  auto result = 0.0;
  for (auto& p : parts_) {
    if (p.kind == work_kind::probe)
      result += probe_share * of(p);
    else if (p.kind == work_kind::assemble)
      result += assemble_share * of(p);
    // Sound has the weight of one tick, so it counts only if there is no video.
    else if (auto weight = p.chunk.kind == chunk_kind::video ? static_cast<double>(p.ticks) : 1.0; weight > 0) {
      all += weight;
      done += weight * of(p);
    }
  }
  return result + (all > 0 ? (1 - probe_share - assemble_share) * done / all : 0);
}

file_job_status file_job::status() const {
  file_job_status x;
  x.phase = phase_;
  x.done = share_done();
  x.frames = frames_made();
  x.given_back = given_back_;
  x.retries = retries_;
  for (auto& p : parts_)
    x.frames_total += pictures_expected(p);
  for (auto& p : parts_) {
    if (p.state == part_state::running
        && std::find(x.workers.begin(), x.workers.end(), p.held.worker_name) == x.workers.end())
      x.workers.push_back(p.held.worker_name);
    auto limits = p.held.worker_name + ": " + p.held.limits;
    if (p.state == part_state::running && !p.held.limits.empty()
        && std::find(x.limits.begin(), x.limits.end(), limits) == x.limits.end())
      x.limits.push_back(std::move(limits));
    if (!p.is_chunk())
      continue;
    ++x.chunks;
    x.chunks_done += p.state == part_state::done ? 1 : 0;
    x.chunks_running += p.state == part_state::running ? 1 : 0;
  }
  x.placements.assign(placements_.begin(), placements_.end());
  x.bytes = bytes_made();
  if (began_ && first_frame_)
    x.first_frame_ms = std::chrono::duration_cast<milliseconds>(begin_.waited + (*first_frame_ - *began_)).count();
  if (measured_.size() > 1) {
    auto& a = measured_.front();
    auto& b = measured_.back();
    auto wall = std::chrono::duration<double>(b.at - a.at).count();
    if (wall > 0 && b.frames >= a.frames)
      x.fps = static_cast<double>(b.frames - a.frames) / wall;
    auto media = static_cast<double>(source_.end - source_.origin) / ticks_per_second;
    if (wall > 0 && b.done > a.done) {
      auto rate = (b.done - a.done) / wall;
      x.speed = rate * media;
      x.eta_ms = static_cast<int64_t>((1 - x.done) / rate * 1000);
    }
  }
  return x;
}

} // namespace troupe::core

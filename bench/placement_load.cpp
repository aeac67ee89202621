#include "bench/placement_load.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr uint32_t slots_each = 12;
constexpr double busy_share = 0.6;
constexpr size_t jobs_per_beat = 10;
constexpr size_t jobs_per_loss = 1000;

struct model {
  const char* name;
  gpu_vendor vendor;
  std::vector<std::string> encoders;
};

const std::vector<model>& models() {
  static const std::vector<model> all{
    {"NVIDIA GeForce RTX 4090", gpu_vendor::nvidia, {"h264_nvenc", "hevc_nvenc", "av1_nvenc", "h264", "hevc", "av1"}},
    {"NVIDIA GeForce GTX 1660", gpu_vendor::nvidia, {"h264_nvenc", "hevc_nvenc", "h264", "hevc"}},
    {"NVIDIA RTX A4000", gpu_vendor::nvidia, {"h264_nvenc", "hevc_nvenc", "h264", "hevc"}},
    {"Intel Arc A380", gpu_vendor::intel, {"h264_qsv", "hevc_qsv", "av1_qsv", "h264_vaapi", "hevc_vaapi", "h264"}},
    {"AMD Radeon RX 7900", gpu_vendor::amd, {"h264_vaapi", "hevc_vaapi", "h264", "hevc"}},
  };
  return all;
}

} // namespace

placement_load::placement_load(size_t workers, size_t gpus, uint64_t seed)
  : gpus_(gpus), random_(seed), index_({}, *this), machines_(workers) {
  using core::exhaustion_policy;
  for (auto* name : {"h264", "hevc", "h264_nvenc", "hevc_nvenc", "av1", "h264_qsv", "libx264"})
    wishes_.push_back(core::rungs_of({name, exhaustion_policy::fallback, {}, false}).value());
  for (size_t i = 0; i < workers; ++i)
    add_worker(i);
}

void placement_load::placed(uint64_t, lease_id lease, const core::choice&, const core::rung&) {
  running_.push_back(lease);
  ++placed_;
}

void placement_load::refused(uint64_t, ec, const std::string& why) {
  throw std::logic_error("a job was refused: " + why);
}

void placement_load::add_worker(size_t place) {
  auto& m = machines_[place];
  m.id = worker_id{next_worker_++};
  auto& kind = models()[m.id.value % models().size()];
  core::worker_offer offer;
  offer.id = m.id;
  offer.name = "worker-" + to_string(m.id);
  offer.slots = {slots_each, slots_each, 4};
  offer.slots_total = slots_each;
  offer.encoders = {"libx264", "libx265", "libsvtav1", "h264", "hevc", "av1", "aac", "libopus"};
  offer.decoders = {"h264", "hevc", "mpeg2video", "aac", "ac3"};
  m.devices.clear();
  for (size_t i = 0; i < gpus_; ++i) {
    core::device_offer d;
    d.encoders = kind.encoders;
    auto& card = d.report.card;
    card.pci = "0000:" + std::to_string(i) + ":00.0";
    card.machine = offer.name;
    card.device = "cuda:" + std::to_string(i);
    card.name = kind.name;
    card.driver = "550.54";
    card.vendor = kind.vendor;
    m.devices.push_back(std::move(d));
  }
  index_.worker_added(std::move(offer), m.devices, now_);
}

void placement_load::replace_worker() {
  auto place = random_() % machines_.size();
  auto id = machines_[place].id;
  index_.worker_lost(id, false, now_);
  // Its leases end one after the other at their normal time, when their owners notice that the worker is gone.
  add_worker(place);
}

void placement_load::beat() {
  auto& m = machines_[random_() % machines_.size()];
  std::vector<gpu_report> cards;
  for (auto& d : m.devices) {
    auto& r = d.report.reading;
    r.encoder_percent = static_cast<double>(random_() % 80);
    r.temperature_celsius = 40 + static_cast<double>(random_() % 40);
    r.encode_sessions.reset();
    cards.push_back(d.report);
  }
  index_.worker_reports(m.id, cards, now_);
  index_.worker_fares(m.id, {core::readiness::good, static_cast<double>(random_() % 100)}, now_);
}

void placement_load::ask() {
  core::placement_request x;
  x.rungs = wishes_[random_() % wishes_.size()];
  x.also = {"aac"};
  auto number = next_lease_++;
  index_.request(number, lease_id{number}, x, core::exhaustion_policy::queue, now_ + std::chrono::hours{1}, now_);
}

void placement_load::end_one() {
  if (running_.empty())
    return;
  std::swap(running_[random_() % running_.size()], running_.back());
  auto lease = running_.back();
  running_.pop_back();
  index_.release(lease, now_);
}

void placement_load::fill() {
  auto wanted = static_cast<size_t>(busy_share * slots_each * static_cast<double>(machines_.size()));
  while (running_.size() < wanted)
    ask();
}

placement_figures placement_load::run(double seconds, size_t jobs_wanted) {
  std::vector<float> micros;
  micros.reserve(1u << 22);
  placement_figures result;
  placed_ = 0;
  auto from = clock::now();
  auto until = from + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds));
  size_t jobs = 0;
  auto at = from;
  while (jobs_wanted > 0 ? jobs < jobs_wanted : at < until) {
    now_ += std::chrono::microseconds{10};
    end_one();
    auto before = clock::now();
    ask();
    at = clock::now();
    micros.push_back(std::chrono::duration<float, std::micro>(at - before).count());
    ++jobs;
    if (jobs % jobs_per_beat == 0)
      beat();
    if (jobs % jobs_per_loss == 0)
      replace_worker();
    result.waiting = std::max(result.waiting, static_cast<double>(index_.waiting().size()));
  }
  result.placements_s = static_cast<double>(placed_) / std::chrono::duration<double>(clock::now() - from).count();
  auto p99 = micros.begin() + static_cast<std::ptrdiff_t>(micros.size() * 99 / 100);
  std::nth_element(micros.begin(), p99, micros.end());
  result.p99_us = *p99;
  return result;
}

} // namespace troupe::bench

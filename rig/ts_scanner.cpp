// ISO/IEC 13818-1: 2.4.3.2 for the transport packet, 2.4.3.6 for the PES header.
#include "rig/ts_scanner.hpp"

#include <optional>
#include <utility>

namespace troupe::bench {

namespace {

constexpr uint8_t sync_byte = 0x47;
constexpr size_t pids_max = 64;

/// The timestamp in five bytes of a PES header.
int64_t timestamp(const uint8_t* x) {
  return (int64_t{x[0]} >> 1 & 7) << 30 | int64_t{x[1]} << 22 | int64_t{x[2]} >> 1 << 15 | int64_t{x[3]} << 7
         | int64_t{x[4]} >> 1;
}

/// The unit that a packet with a PES start begins; nothing for sections and for streams of other kinds.
std::optional<ts_unit> unit_of(std::span<const uint8_t> payload) {
  constexpr size_t header_bytes = 9;
  if (payload.size() < header_bytes || payload[0] != 0 || payload[1] != 0 || payload[2] != 1)
    return std::nullopt;
  auto id = payload[3];
  auto video = id >= 0xe0 && id <= 0xef;
  auto audio = (id >= 0xc0 && id <= 0xdf) || id == 0xbd || id == 0xfd;
  if (!video && !audio)
    return std::nullopt;
  ts_unit result;
  result.video = video;
  auto has_pts = (payload[7] & 0x80) != 0;
  auto has_dts = (payload[7] & 0x40) != 0;
  if (has_pts && payload.size() >= header_bytes + 5)
    result.pts = result.dts = timestamp(&payload[header_bytes]);
  if (has_dts && payload.size() >= header_bytes + 10)
    result.dts = timestamp(&payload[header_bytes + 5]);
  return result;
}

} // namespace

void ts_scanner::take(std::span<const std::byte> bytes, std::chrono::steady_clock::time_point at) {
  auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  rest_.insert(rest_.end(), data, data + bytes.size());
  size_t from = 0;
  while (rest_.size() - from >= ts_packet_bytes) {
    if (rest_[from] == sync_byte) {
      packet(&rest_[from], at);
      from += ts_packet_bytes;
      place_ += ts_packet_bytes;
    } else {
      ++from;
      ++place_;
    }
  }
  rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(from));
}

void ts_scanner::packet(const uint8_t* x, std::chrono::steady_clock::time_point at) {
  auto pid = (x[1] & 0x1f) << 8 | x[2];
  auto begins = (x[1] & 0x40) != 0;
  auto has_adaptation = (x[3] & 0x20) != 0;
  auto has_payload = (x[3] & 0x10) != 0;
  if (!has_payload)
    return;
  size_t skip = has_adaptation ? size_t{5} + x[4] : size_t{4};
  if (skip >= ts_packet_bytes)
    return;
  auto found = open_.find(pid);
  if (begins) {
    auto unit = unit_of({x + skip, ts_packet_bytes - skip});
    if (!unit)
      return;
    unit->random_access = has_adaptation && x[4] > 0 && (x[5] & 0x40) != 0;
    unit->begin = place_;
    unit->first = at;
    if (found != open_.end())
      out_(std::exchange(found->second, *unit));
    else if (open_.size() < pids_max)
      found = open_.emplace(pid, *unit).first;
  }
  if (found == open_.end())
    return;
  found->second.end = place_ + ts_packet_bytes;
  found->second.last = at;
}

void ts_scanner::finish() {
  for (auto& [pid, unit] : std::exchange(open_, {}))
    out_(unit);
}

} // namespace troupe::bench

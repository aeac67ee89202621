// Reads and writes packets at the field positions of ISO/IEC 13818-1: 2.4.3.2 (header), 2.4.3.4 (adaptation field).
#include "packaging/transport_packets.hpp"

#include <algorithm>

namespace troupe::av {

namespace {

/// The clock's track counts as silent when the other tracks have advanced by the duration of one of its packets plus
/// this (ticks). With a smaller lead, their packets were only multiplexed earlier.
constexpr int64_t ahead_max = 45'000;

/// A larger step (ticks) is a jump of the timeline: no clock is written in between.
constexpr int64_t jump = 10 * 90'000;

constexpr int64_t wrap_mask = (int64_t{1} << 33) - 1;

constexpr std::byte sync{0x47};
constexpr std::byte has_adaptation{0x20};
constexpr std::byte has_payload{0x10};
constexpr std::byte has_clock{0x10}; ///< in the adaptation field

constexpr size_t clock_at = 6;    ///< in a packet with a clock
constexpr size_t clock_bytes = 6; ///< 33 bits of ticks, 6 bits reserved, 9 bits of their 300ths

void put_clock(std::byte* to, int64_t ticks) {
  auto x = static_cast<uint64_t>(ticks & wrap_mask);
  for (auto shift : {25, 17, 9, 1})
    *to++ = static_cast<std::byte>(x >> shift & 0xff);
  *to++ = static_cast<std::byte>((x & 1) << 7 | 0x7e);
  *to = std::byte{0};
}

int pid_of(const std::byte* packet) {
  return std::to_integer<int>(packet[1] & std::byte{0x1f}) << 8 | std::to_integer<int>(packet[2]);
}

/// PIDs in this range are those of PMTs; libavformat's muxer counts them from here.
constexpr int first_map_pid = 0x1000;
constexpr int null_pid = 0x1fff;

constexpr int description_pid = 0x11; ///< of the SDT

/// libavformat writes the SDT before PAT and PMT, which a receiver looks for.
void put_description_last(std::span<std::byte> packets) {
  constexpr auto size = transport_packets::packet_bytes;
  if (packets.size() < 2 * size || pid_of(packets.data()) != description_pid
      || !begins_with_tables(packets.subspan(size)))
    return;
  auto end = 2 * size;
  for (; end + size <= packets.size(); end += size)
    if (auto pid = pid_of(&packets[end]); pid < first_map_pid || pid == null_pid)
      break;
  std::rotate(packets.begin(), packets.begin() + size, packets.begin() + static_cast<ptrdiff_t>(end));
}

} // namespace

bool begins_with_tables(std::span<const std::byte> packets) {
  return packets.size() >= transport_packets::packet_bytes && pid_of(packets.data()) == 0;
}

void transport_packets::set_clock(int pid) {
  clock_pid_ = pid;
  announced_ = false;
  own_.reset();
  others_.reset();
}

/// The clock's value before a packet. For a packet of the clock's track it is that packet's time, less the delay. For
/// another track's packet it is the latest time of the clock's track, plus the progress of the other tracks since then.
int64_t transport_packets::target(bool of_clock_track, int64_t dts, int64_t duration) {
  if (of_clock_track) {
    duration_ = duration > 0 ? duration : own_ ? std::clamp<int64_t>(dts - *own_, 0, jump) : 0;
    own_ = dts;
    others_then_ = others_.value_or(dts);
    return dts - delay_;
  }
  others_ = std::max(others_.value_or(dts), dts);
  if (!own_) {
    own_ = others_then_ = dts;
    duration_ = 0;
  }
  auto passed = std::max<int64_t>(*others_ - others_then_, 0);
  return *own_ - delay_ + std::min(passed, std::max(duration_, passed - ahead_max));
}

std::vector<std::array<std::byte, transport_packets::packet_bytes>>
transport_packets::before(bool of_clock_track, int64_t dts, int64_t duration) {
  std::vector<std::array<std::byte, packet_bytes>> result;
  due_ = std::max<int64_t>(target(of_clock_track, dts, duration), 0);
  if (!announced_)
    return result;
  if (!clock_) {
    // The first packet of the clock's track starts the clock, unless that packet is late.
    if (of_clock_track || *others_ - others_then_ <= ahead_max)
      return result;
    result.push_back(clock_packet(due_));
  }
  if (due_ - *clock_ > jump)
    clock_ = due_ - 2 * clock_step;
  catch_up(due_, result);
  return result;
}

std::vector<std::array<std::byte, transport_packets::packet_bytes>> transport_packets::idle(int64_t passed) {
  std::vector<std::array<std::byte, packet_bytes>> result;
  if (!announced_ || !clock_ || duration_ <= clock_step)
    return result;
  // The clock must not pass the decoding time of data that a receiver has not decoded yet.
  auto newest = std::min(own_.value_or(due_), others_.value_or(own_.value_or(due_)));
  catch_up(std::min(due_ + std::min(passed, duration_), newest), result);
  return result;
}

void transport_packets::catch_up(int64_t value, std::vector<std::array<std::byte, packet_bytes>>& to) {
  while (value - *clock_ > clock_step)
    to.push_back(clock_packet(*clock_ + clock_step));
}

std::array<std::byte, transport_packets::packet_bytes> transport_packets::clock_packet(int64_t value) {
  std::array<std::byte, packet_bytes> result;
  result.fill(std::byte{0xff});
  result[0] = sync;
  result[1] = static_cast<std::byte>(clock_pid_ >> 8);
  result[2] = static_cast<std::byte>(clock_pid_ & 0xff);
  // The counter is not incremented: there is no payload.
  result[3] = has_adaptation | std::byte{counts_[clock_pid_]};
  result[4] = static_cast<std::byte>(packet_bytes - 5);
  result[5] = has_clock;
  put_clock(&result[clock_at], value);
  clock_ = value;
  return result;
}

void transport_packets::finish(std::span<std::byte> packets) {
  put_description_last(packets);
  for (; packets.size() >= packet_bytes; packets = packets.subspan(packet_bytes)) {
    auto* x = packets.data();
    auto pid = pid_of(x);
    if ((x[3] & has_payload) == std::byte{0})
      continue; // made by `clock_packet`
    auto [count, is_new] = counts_.try_emplace(pid, uint8_t{0});
    if (!is_new)
      count->second = (count->second + 1) & 0xf;
    x[3] = (x[3] & std::byte{0xf0}) | std::byte{count->second};
    announced_ = announced_ || pid == 0;
    auto adapted = (x[3] & has_adaptation) != std::byte{0} && std::to_integer<size_t>(x[4]) > clock_bytes;
    if (!adapted || (x[5] & has_clock) == std::byte{0})
      continue;
    clock_ = std::max(clock_.value_or(0), due_);
    put_clock(x + clock_at, *clock_);
  }
}

} // namespace troupe::av

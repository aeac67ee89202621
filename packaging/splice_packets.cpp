// Field positions by ISO/IEC 13818-1: 2.4.3.2 (packet), 2.4.4.9 (PMT). ANSI/SCTE 35, 8.1: the registration descriptor
// "CUEI" in the program's loop, and streams of the type 0x86.
#include "packaging/splice_packets.hpp"

#include "encoder/splice_section.hpp"

#include <algorithm>

namespace troupe::av {

namespace {

constexpr size_t packet_bytes = transport_packets::packet_bytes;

/// The first byte of a section behind a packet's header and its pointer.
constexpr size_t section_at = 5;

constexpr std::array<uint8_t, 6> registration{0x05, 4, 'C', 'U', 'E', 'I'};
constexpr uint8_t splice_type = 0x86;
constexpr size_t entry_bytes = 5;
constexpr size_t crc_bytes = 4;

size_t twelve_bits(std::span<const uint8_t> at) {
  return static_cast<size_t>((at[0] & 0x0f) << 8 | at[1]);
}

void put_twelve_bits(std::span<uint8_t> at, size_t value) {
  at[0] = static_cast<uint8_t>((at[0] & 0xf0) | (value >> 8 & 0x0f));
  at[1] = static_cast<uint8_t>(value & 0xff);
}

} // namespace

void splice_packets::announce(std::span<std::byte> packets) const {
  if (pids_.empty())
    return;
  for (; packets.size() >= packet_bytes; packets = packets.subspan(packet_bytes))
    announce_in({reinterpret_cast<uint8_t*>(packets.data()), packet_bytes});
}

void splice_packets::announce_in(std::span<uint8_t> packet) const {
  constexpr uint8_t program_table = 0x02;
  auto begins = (packet[1] & 0x40) != 0;
  auto only_payload = (packet[3] & 0x30) == 0x10;
  if (!begins || !only_payload || packet[4] != 0 || packet[section_at] != program_table)
    return;
  auto section = packet.subspan(section_at);
  constexpr size_t program_at = 10; ///< of the length of the program's descriptors
  auto end = 3 + twelve_bits(section.subspan(1));
  auto added = registration.size() + entry_bytes * pids_.size();
  if (end < program_at + 2 + crc_bytes || end + added > section.size())
    return;
  auto program = twelve_bits(section.subspan(program_at));
  auto streams = program_at + 2 + program;
  if (streams + crc_bytes > end)
    return;
  std::vector<uint8_t> made(section.begin(), section.begin() + static_cast<std::ptrdiff_t>(streams));
  made.insert(made.end(), registration.begin(), registration.end());
  made.insert(made.end(), section.begin() + static_cast<std::ptrdiff_t>(streams),
              section.begin() + static_cast<std::ptrdiff_t>(end - crc_bytes));
  for (auto pid : pids_)
    made.insert(made.end(), {splice_type, static_cast<uint8_t>(0xe0 | pid >> 8), static_cast<uint8_t>(pid & 0xff),
                             uint8_t{0xf0}, uint8_t{0}});
  put_twelve_bits(std::span{made}.subspan(1), end + added - 3);
  put_twelve_bits(std::span{made}.subspan(program_at), program + registration.size());
  auto crc = section_crc(made);
  for (auto shift : {24, 16, 8, 0})
    made.push_back(static_cast<uint8_t>(crc >> shift & 0xff));
  std::copy(made.begin(), made.end(), section.begin());
}

std::vector<std::array<std::byte, packet_bytes>> splice_packets::of(int pid, std::span<const uint8_t> section) {
  constexpr size_t header_bytes = 4;
  std::vector<std::array<std::byte, packet_bytes>> result;
  for (auto first = true; !section.empty(); first = false) {
    auto& x = result.emplace_back();
    x.fill(std::byte{0xff});
    x[0] = std::byte{0x47};
    x[1] = static_cast<std::byte>((first ? 0x40 : 0) | pid >> 8);
    x[2] = static_cast<std::byte>(pid & 0xff);
    x[3] = std::byte{0x10};
    auto at = header_bytes;
    if (first)
      x[at++] = std::byte{0};
    auto size = std::min(section.size(), packet_bytes - at);
    std::transform(section.begin(), section.begin() + static_cast<std::ptrdiff_t>(size),
                   x.begin() + static_cast<std::ptrdiff_t>(at), [](uint8_t y) { return std::byte{y}; });
    section = section.subspan(size);
  }
  return result;
}

} // namespace troupe::av

// Splice sections (SCTE 35) in a transport stream, which libavformat's muxer cannot write. The sections get packets of
// their own, and the table of the program (PMT) that libavformat made gets an entry for them.
#pragma once

#include "packaging/transport_packets.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace troupe::av {

class splice_packets {
public:
  /// The PIDs that later tables list.
  void set_pids(std::vector<int> pids) {
    pids_ = std::move(pids);
  }

  /// Adds, in place, the PIDs to the tables among these transport packets. A table that fills its packet stays as it
  /// is: then receivers do not find the sections.
  void announce(std::span<std::byte> packets) const;

  /// The packets of a section, in the form of ISO/IEC 13818-1, 2.4.4. Their counters are set later.
  static std::vector<std::array<std::byte, transport_packets::packet_bytes>> of(int pid,
                                                                                std::span<const uint8_t> section);

private:
  void announce_in(std::span<uint8_t> packet) const;

  std::vector<int> pids_;
};

} // namespace troupe::av

// What a judge reads of MP4 fragments (ISO 14496-12) and transport streams (ISO 13818-1): timing, random access, form.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench::delivery {

struct mp4_track {
  uint32_t id = 0;
  uint32_t timescale = 0; ///< ticks a second
  std::string handler;    ///< "vide", "soun" or other
  std::string codec;      ///< as in CODECS; only the four letters of the sample entry, except for AVC
  uint32_t default_duration = 0;
  uint32_t default_flags = 0;
  int64_t edit_from = 0; ///< media time at which its edit list begins, in its timescale
};

struct mp4_init {
  std::vector<std::string> brands; ///< major one first
  std::vector<mp4_track> tracks;
  bool durations = false; ///< mvhd or a tkhd states a duration
};

/// One traf of a moof.
struct mp4_fragment {
  uint32_t track = 0;
  bool moof_relative = false;
  std::optional<uint64_t> time; ///< tfdt, in the track's timescale
  uint64_t duration = 0;        ///< sum of its samples
  uint32_t samples = 0;
  bool first_is_sync = false;
  int64_t first_offset = 0; ///< composition offset of its first sample
};

/// Nothing if there is no moov that can be read.
std::optional<mp4_init> read_init(std::string_view bytes);

/// All fragments in order; `init` supplies defaults. Stops where the bytes no longer make sense.
std::vector<mp4_fragment> read_fragments(std::string_view bytes, const mp4_init& init);

/// True if all that the fragments' samples hold is cues of WebVTT, or that there are none (ISO 14496-30).
bool holds_only_cues(std::string_view bytes);

struct ts_facts {
  bool in_step = true;                    ///< it is whole packets, each with its sync byte
  bool tables_first = false;              ///< the first packets are a PAT and a PMT that it lists
  uint64_t jumps = 0;                     ///< continuity counters that do not follow the one before
  std::optional<int64_t> first_video_pts; ///< of the segment's first picture, in 1/90000 s; 33 bits
  bool first_is_random_access = false;
  uint64_t clocks = 0;     ///< values of PCR
  double clock_step_s = 0; ///< the longest between two of them
  bool clock_back = false; ///< one is before the last one, perhaps of the segment before
};

/// Reads consecutive segments of one transport stream: continuity counters and clock run on through all of them.
class ts_account {
public:
  ts_facts take(std::string_view segment);

  /// The next segment follows a discontinuity, or one that was not read.
  void restart() {
    counters_.fill(-1);
    clock_.reset();
  }

  ts_account() {
    restart();
  }

private:
  void take_clock(const uint8_t* packet, ts_facts& to);

  std::array<int, 8192> counters_; ///< by PID; -1: not seen yet
  std::optional<int64_t> clock_;   ///< the last PCR, in 1/90000 s; 33 bits
};

} // namespace troupe::bench::delivery

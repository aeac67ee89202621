// Cuts an MPEG transport stream at each point where libavformat's knowledge of it stops being true. Bytes in, bytes
// out.
//
// libavformat 59 decides once what a PID carries. If a broadcaster changes the audio codec under the same PID, the
// sound is lost. If the video moves to another PID or program, its last picture stays in a buffer and is lost. So this
// class reads the tables first. If they announce another video, or other sound under a used PID, the present part ends.
// The next part begins with the tables, so that its reader finds what it needs. Each packet of sound and video is in
// exactly one part.
//
// If only the sound changes, the cut waits for the video's next random-access point, so that the unchanged video loses
// nothing. Streams that come or go under other PIDs cause no cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace troupe::av {

class ts_parts {
public:
  static constexpr size_t packet_bytes = 188;

  /// The number of the program to read; by default the only one. A program that has left the stream meanwhile is not
  /// followed.
  void follow(int program);

  /// Takes the next bytes of the stream. Call it only after `take` has returned all of the present part, and if
  /// `at_cut` is false.
  void feed(std::span<const uint8_t> bytes);

  /// No more bytes come: packets that wait for a decision belong to the present part.
  void finish();

  /// Moves bytes of the present part to `to`; returns how many.
  size_t take(std::span<uint8_t> to);

  /// True if the present part is over and was taken completely, and another part follows.
  bool at_cut() const noexcept {
    return cut_ && taken_ == part_.size();
  }

  /// Continues with the next part.
  void next_part();

  /// True once a part has ended: offsets in the output of `take` are then no longer offsets in the stream.
  bool was_cut() const noexcept {
    return parts_ > 0;
  }

  /// True if most of the packets so far are marked as scrambled.
  bool is_scrambled() const noexcept {
    return scrambled_ > clear_;
  }

  /// Forgets what was read before a jump in the stream, but keeps the contents of the present part.
  void flush();

private:
  using packet = std::vector<uint8_t>;

  /// A table in progress, which may span several packets.
  struct section {
    std::vector<uint8_t> bytes;
    std::vector<packet> packets; ///< the packets that carried it
  };

  struct table {
    int number = 0;
    std::optional<std::pair<int, uint32_t>> video; ///< PID and kind
    std::map<int, uint32_t> audio;                 ///< kinds by PID

    bool operator==(const table&) const = default;
  };

  enum class change { none, sound, all };

  void take_packet(std::span<const uint8_t> bytes);
  void read_section(int pid, std::span<const uint8_t> bytes);
  static bool add_payload(section& x, std::span<const uint8_t> payload);
  void read_pat(const section& x);
  void read_pmt(const section& x);
  change compare(const table& now) const;
  void release();
  bool is_in_table() const;

  int wanted_ = 0;
  std::vector<uint8_t> carry_;    ///< bytes of a packet that is not whole
  std::vector<uint8_t> part_;     ///< bytes of the present part
  size_t taken_ = 0;              ///< bytes of `part_` already taken
  std::vector<packet> undecided_; ///< packets since a table that changes the sound
  std::vector<uint8_t> rest_;     ///< packets behind the cut
  bool cut_ = false;
  size_t parts_ = 0;
  uint64_t scrambled_ = 0;      ///< packets
  uint64_t clear_ = 0;          ///< packets
  std::map<int, int> pmt_pids_; ///< program numbers by PID
  std::map<int, section> sections_;
  std::vector<packet> pat_;
  std::vector<packet> pmt_;
  std::optional<table> present_;
  bool waits_ = false; ///< the sound has changed: the next random-access point ends the part
  bool holds_ = false; ///< packets go to `undecided_` until the next picture
  int pictures_ = 0;   ///< since `waits_`
};

} // namespace troupe::av

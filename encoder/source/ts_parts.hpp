// An MPEG transport stream, cut where what libavformat has learnt of it stops being true. Bytes in, bytes out.
//
// libavformat 59 decides once what a PID carries. If a broadcaster goes on with another codec under the same PID, its sound is lost; if the
// picture moves to another PID or program, its last picture stays in a buffer. So the tables are read here, on their way: where they announce another
// picture, or other sound under a PID in use, the present part ends. The next part begins with the tables, so that whoever opens it finds
// what it needs. Sound and pictures are in one part each, whole and once.
//
// A picture that stays must not lose any: a change of sound alone waits for the next random-access point of the picture. Streams that come or go under
// other PIDs make no cut.
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

  /// The number of the program that is read; without it the only one. One that the stream has no more, because more was read meanwhile, is not followed.
  void follow(int program);

  /// Takes the next bytes of the stream. Call it only when `take` has given all of the present part, and `at_cut` is false.
  void feed(std::span<const uint8_t> bytes);

  /// Nothing more will come: what waits for a decision belongs to the present part.
  void finish();

  /// Moves bytes of the present part to `to`; returns how many.
  size_t take(std::span<uint8_t> to);

  /// The present part is over, and all of it was taken: another one follows.
  bool at_cut() const noexcept {
    return cut_ && taken_ == part_.size();
  }

  /// Goes on with the next part.
  void next_part();

  /// True once a part has ended: places in what `take` gives are no places in the stream any more.
  bool was_cut() const noexcept {
    return parts_ > 0;
  }

  /// True where most of what was read so far says that it is scrambled.
  bool is_scrambled() const noexcept {
    return scrambled_ > clear_;
  }

  /// Forgets what was read before a jump in the stream; not what the present part consists of.
  void flush();

private:
  using packet = std::vector<uint8_t>;

  /// A table on its way, over any number of packets.
  struct section {
    std::vector<uint8_t> bytes;
    std::vector<packet> packets; ///< that it came in
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
  std::vector<uint8_t> part_;     ///< of the present part
  size_t taken_ = 0;              ///< bytes of that
  std::vector<packet> undecided_; ///< packets since a table that changes the sound
  std::vector<uint8_t> rest_;     ///< behind the cut
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

// The rules of a single media playlist.
#include "rig/delivery/hls_rules.hpp"

#include <array>
#include <cstdio>

namespace troupe::bench::delivery {

namespace {

using std::string_view;

/// Durations are written with a few decimals.
constexpr double rounding_s = 0.002;
constexpr double date_tolerance_s = 0.05;

class checker {
public:
  checker(verdict& to, string_view place, const media_playlist& seen, const media_playlist& whole)
    : to_(to), place_(place), seen_(seen), whole_(whole) {}

  void run() {
    for (auto& fault : seen_.faults)
      add("hls-0.1", fault);
    if (std::isnan(seen_.target_s)) {
      add("hls-1.5", "no EXT-X-TARGETDURATION");
      return;
    }
    versions();
    control();
    dates();
    date_ranges();
    for (auto& segment : seen_.segments)
      of_segment(segment);
    if (seen_.end)
      return;
    if (whole_.length_s() < 3 * seen_.target_s - rounding_s)
      add("hls-4.7", in_seconds(whole_.length_s()) + " with TARGETDURATION " + in_seconds(seen_.target_s));
    if (seen_.low_latency())
      low_latency();
  }

private:
  void add(string_view rule, std::string found) {
    to_.add(rule, place_, std::move(found));
  }

  void versions() {
    auto skip = seen_.removed_date_ranges ? 10 : 9;
    if (seen_.skipped && seen_.version < skip)
      add("hls-7.1", "VERSION " + std::to_string(seen_.version));
    if (seen_.has_map && seen_.version < (seen_.i_frames_only ? 5 : 6))
      add("hls-7.4", "VERSION " + std::to_string(seen_.version));
    auto until = seen_.server_control ? seen_.server_control->number("CAN-SKIP-UNTIL") : 0;
    // The skip boundary lies `until` before the playlist's end; a skipped segment must end before that boundary.
    if (seen_.skipped && !(seen_.length_s() >= until - rounding_s))
      add("hls-7.2", "only " + in_seconds(seen_.length_s()) + " follow the skipped segments, CAN-SKIP-UNTIL is "
                       + in_seconds(until));
  }

  void control() {
    auto control = seen_.server_control.value_or(attributes{});
    auto text = [&](string_view name) { return std::string{name} + "=" + std::string{control.text(name)}; };
    if (control.has("HOLD-BACK") && control.number("HOLD-BACK") < 3 * seen_.target_s)
      add("hls-3.3", text("HOLD-BACK"));
    if (control.has("CAN-SKIP-UNTIL") && control.number("CAN-SKIP-UNTIL") < 6 * seen_.target_s)
      add("hls-3.4", text("CAN-SKIP-UNTIL"));
    if (!seen_.low_latency())
      return;
    auto hold_back = control.number("PART-HOLD-BACK");
    if (!(hold_back >= 2 * seen_.part_target_s - rounding_s))
      add("hls-3.1", text("PART-HOLD-BACK"));
    else if (hold_back < 3 * seen_.part_target_s - rounding_s)
      add("hls-3.2", text("PART-HOLD-BACK"));
    if (!control.yes("CAN-BLOCK-RELOAD"))
      add("hls-3.7", text("CAN-BLOCK-RELOAD"));
  }

  void dates() {
    for (size_t i = 1; i < whole_.segments.size(); ++i) {
      auto& before = whole_.segments[i - 1];
      auto& now = whole_.segments[i];
      auto error = now.own_date_s - (before.date_s + before.length_s());
      if (!now.discontinuity && std::abs(error) > date_tolerance_s)
        add("hls-9.11", "segment " + std::to_string(now.number) + " is off by " + in_seconds(error));
    }
  }

  void date_ranges() {
    if (!seen_.date_ranges.empty() && !whole_.segments.empty() && std::isnan(whole_.segments.back().date_s))
      add("hls-14.3", "no EXT-X-PROGRAM-DATE-TIME");
    for (auto& range : seen_.date_ranges) {
      auto id = std::string{range.text("ID")};
      if (id.empty() || !range.has("START-DATE"))
        add("hls-14.4", "DATERANGE \"" + id + "\"");
      for (auto name : {"SCTE35-CMD", "SCTE35-OUT", "SCTE35-IN"})
        if (range.has(name) && !is_splice_section(range.text(name)))
          add("hls-14.2", std::string{name} + " of DATERANGE " + id);
    }
  }

  /// ANSI/SCTE 35, 9.6: table 0xFC, and a length that reaches exactly to the end.
  static bool is_splice_section(string_view hex) {
    if (!(hex.starts_with("0x") || hex.starts_with("0X")) || hex.size() % 2 != 0)
      return false;
    hex.remove_prefix(2);
    if (hex.size() < 8 || hex.find_first_not_of("0123456789abcdefABCDEF") != string_view::npos)
      return false;
    auto word = std::stoul(std::string{hex.substr(0, 6)}, nullptr, 16);
    return word >> 16 == 0xfc && hex.size() / 2 == (word & 0xfff) + 3;
  }

  void of_segment(const media_segment& x) {
    auto name = "segment " + std::to_string(x.number);
    if (x.duration_s && std::lround(*x.duration_s) > std::lround(seen_.target_s))
      add("hls-1.3", name + " lasts " + in_seconds(*x.duration_s));
    if (x.tag_after_part)
      add("hls-5.1", name);
    double sum = 0;
    for (size_t i = 0; i < x.parts.size(); ++i) {
      of_part(x, i, name + " part " + std::to_string(i));
      sum += x.parts[i].duration_s;
    }
    auto tolerance = rounding_s * static_cast<double>(x.parts.size() + 1);
    if (x.duration_s && !x.parts.empty() && std::abs(sum - *x.duration_s) > tolerance)
      add("hls-2.7", name + ": parts " + in_seconds(sum) + ", EXTINF " + in_seconds(*x.duration_s));
  }

  void of_part(const media_segment& of, size_t i, const std::string& name) {
    auto& x = of.parts[i];
    if (x.duration_s > seen_.part_target_s + rounding_s / 4)
      add("hls-2.1", name + " lasts " + in_seconds(x.duration_s));
    auto last = i + 1 == of.parts.size();
    auto excused = x.independent || x.gap || last || of.parts[i + 1].gap;
    if (!excused && x.duration_s < 0.85 * seen_.part_target_s - rounding_s / 4)
      add("hls-2.2", name + " lasts " + in_seconds(x.duration_s));
  }

  void low_latency() {
    if (seen_.hints.empty())
      add("hls-8.1", "no EXT-X-PRELOAD-HINT");
    if (!whole_.segments.empty() && std::isnan(whole_.segments.back().date_s))
      add("hls-9.1", "no EXT-X-PROGRAM-DATE-TIME");
    parts_by_age();
  }

  void parts_by_age() {
    double behind = 0; ///< from the end of the segment to the end of the playlist
    for (auto x = seen_.segments.rbegin(); x != seen_.segments.rend(); ++x) {
      auto length = x->length_s();
      auto name = "segment " + std::to_string(x->number) + ", " + in_seconds(behind) + " behind the end";
      // A server drops the parts of a whole segment at once, so one segment more is in order.
      if (!x->parts.empty() && behind > 3 * seen_.target_s + length + rounding_s)
        add("hls-4.3", name);
      if (x->parts.empty() && !x->gap && behind + length < 3 * seen_.target_s - rounding_s)
        add("hls-4.4", name);
      behind += length;
    }
  }

  verdict& to_;
  string_view place_;
  const media_playlist& seen_;
  const media_playlist& whole_;
};

} // namespace

void check_media_playlist(verdict& to, string_view place, const media_playlist& seen, const media_playlist& whole) {
  checker{to, place, seen, whole}.run();
}

std::string in_seconds(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f s", value);
  return text.data();
}

} // namespace troupe::bench::delivery

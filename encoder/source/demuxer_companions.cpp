// Puts subtitles and splice sections on the timeline of the tracks that they accompany. They are too rare to show a
// jump by themselves, so they follow the shift of those tracks.
#include "encoder/source/demuxer_impl.hpp"
#include "encoder/splice_section.hpp"

#include <algorithm>
#include <cstdlib>

namespace troupe::av {

namespace {

/// A packet further (ticks) from the newest one of the tracks does not belong to the present timeline.
constexpr int64_t spread_max = 60 * 90'000;

/// How far (ticks) a splice may lie from the arrival of its section.
constexpr int64_t notice_max = 3600 * int64_t{90'000};

constexpr int packet_bytes_max = 1 << 20;

int64_t nearest_turn(int64_t x, int64_t to, int64_t turn) {
  if (turn <= 0)
    return x;
  auto distance = ((x - to) % turn + turn) % turn;
  return to + (distance < turn / 2 ? distance : distance - turn);
}

} // namespace

void demuxer::impl::take_companions() {
  if (companions_version == input.companions_version())
    return;
  companions_version = input.companions_version();
  companions.clear();
  for (size_t i = 0; i < input.companions(); ++i) {
    auto& stream = input.companion(i);
    track made;
    made.parameters = copy(*stream.codecpar);
    made.language = language_in(stream.metadata);
    made.stream = stream.index;
    companions.push_back(std::move(made));
  }
  ++changes;
}

/// False if the packet is not to be returned.
bool demuxer::impl::place_companion(AVPacket& out) {
  auto index = static_cast<size_t>(out.stream_index);
  if (index >= companions.size() || newest == no_pts || out.size <= 0 || out.size > packet_bytes_max)
    return false;
  auto splices = companions[index].parameters->codec_id == AV_CODEC_ID_SCTE_35;
  auto base = input.companion(index).time_base;
  auto at = in_ticks(out.pts, base);
  if (at == no_pts && !splices)
    return false;
  // A section has no time of its own: libavformat gives it that of the clock.
  auto raw = at == no_pts ? newest - counted.shift : at;
  auto placed = nearest_turn(raw + counted.shift, newest, wrap);
  if (std::abs(placed - newest) > spread_max)
    return false;
  out.dts = std::min(placed, newest);
  out.pts = placed;
  if (splices) {
    auto section = read_splice({out.data, static_cast<size_t>(out.size)});
    if (!section)
      return false;
    if (section->time)
      out.pts = placed + clock_distance(raw, *section->time);
    if (std::abs(out.pts - placed) > notice_max)
      return false;
  }
  out.duration = std::max<int64_t>(in_ticks(out.duration, base), 0);
  out.time_base = time_base;
  out.pos = -1;
  out.flags = 0;
  return av_packet_make_refcounted(&out) >= 0;
}

} // namespace troupe::av

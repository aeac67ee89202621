// Counts the demuxer's own packets, so that the index describes exactly what a window will get.
#include "encoder/source/source_index.hpp"

#include "encoder/log.hpp"
#include "encoder/source/annexb.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/display.h>
#include <libavutil/intreadwrite.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <span>
#include <string_view>
#include <utility>

namespace troupe::av {

namespace {

constexpr size_t text_max = 4096;
constexpr size_t entries_max = 256; // entries of metadata, also of chapters
constexpr size_t chapters_max = 10'000;

/// How many access points are tried to see if times stay the same after a seek, and how many pictures are compared at
/// each.
constexpr size_t trials = 4;
/// MOV and MP4 have a table of packet times: a seek rarely changes times there, so fewer trials suffice.
constexpr size_t trials_by_table = 2;
constexpr size_t trial_pictures = 40;

/// Bytes that are kept of an access point: a GOP header is before the pictures themselves.
constexpr int begin_bytes_max = 4096;

/// An MPEG-4 picture up to this size may be an uncoded one: the picture before it stays visible.
constexpr int empty_picture_bytes = 19;

/// If intervals between pictures differ by less than this (ticks, share), it is the container's rounding.
constexpr int64_t rate_slack = 180;

std::map<std::string, std::string> to_map(const AVDictionary* from) {
  std::map<std::string, std::string> result;
  for (const AVDictionaryEntry* x = nullptr; (x = av_dict_get(from, "", x, AV_DICT_IGNORE_SUFFIX)) != nullptr;)
    if (result.size() < entries_max)
      result.emplace(std::string{x->key}.substr(0, text_max), std::string{x->value}.substr(0, text_max));
  return result;
}

stream_kind kind_of(const AVStream& x) {
  if ((x.disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)) != 0)
    return stream_kind::picture;
  switch (x.codecpar->codec_type) {
  case AVMEDIA_TYPE_VIDEO:
    return stream_kind::video;
  case AVMEDIA_TYPE_AUDIO:
    return stream_kind::audio;
  case AVMEDIA_TYPE_SUBTITLE:
    return stream_kind::subtitle;
  case AVMEDIA_TYPE_ATTACHMENT:
    return stream_kind::attachment;
  default:
    return stream_kind::data;
  }
}

int rotation_of(const AVStream& x) {
  size_t size = 0;
  const auto* data = av_stream_get_side_data(&x, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (data == nullptr || size < 9 * sizeof(int32_t))
    return 0;
  auto degrees = -av_display_rotation_get(reinterpret_cast<const int32_t*>(data));
  if (std::isnan(degrees))
    return 0;
  return ((static_cast<int>(std::lround(degrees)) % 360) + 360) % 360;
}

source_stream describe(const AVStream& from) {
  source_stream result;
  result.stream = from.index;
  result.kind = kind_of(from);
  result.codec = avcodec_get_name(from.codecpar->codec_id);
  result.metadata = to_map(from.metadata);
  result.language = language_in(from.metadata);
  result.disposition = from.disposition;
  result.parameters = copy(*from.codecpar);
  result.rotation = rotation_of(from);
  return result;
}

/// The data that one pass collects about a track.
struct pass_track {
  bool video = false;
  std::vector<int64_t> times; ///< video: PTS in decoding order
  std::vector<access_point> points;
  int64_t begin = no_pts;          ///< of the first access point; the lowest value if that is hidden
  std::vector<uint8_t> begin_data; ///< its bytes
  std::vector<int64_t> lost;       ///< PTS of its leading pictures that refer to missing pictures
  bool countable = true;
  int64_t skip = 0; ///< audio: ticks that are decoded and not played, from the next packet
  uint64_t packets = 0;
  uint64_t bytes = 0;
  int64_t first_pts = no_pts;
  int64_t last_pts = no_pts;
  int64_t end_pts = no_pts;
};

/// Samples at the start of the packet that are decoded and not played.
int64_t skipped_ticks(const AVPacket& packet, int sample_rate) {
  size_t size = 0;
  const auto* data = av_packet_get_side_data(&packet, AV_PKT_DATA_SKIP_SAMPLES, &size);
  if (data == nullptr || size < 10 || sample_rate <= 0)
    return 0;
  return av_rescale(AV_RL32(data), time_base.den, sample_rate);
}

void take(pass_track& to, const AVPacket& packet, const AVCodecParameters& parameters) {
  auto hidden = (packet.flags & AV_PKT_FLAG_DISCARD) != 0;
  // Pictures after a hidden keyframe were cut out with it, or can be decoded.
  if (to.video && to.begin == no_pts && (packet.flags & AV_PKT_FLAG_KEY) != 0) {
    to.begin = hidden ? std::numeric_limits<int64_t>::min() + 1 : packet.pts;
    to.begin_data.assign(packet.data, packet.data + std::min(packet.size, begin_bytes_max));
  }
  if (auto skipped = to.video ? 0 : skipped_ticks(packet, parameters.sample_rate); skipped > 0)
    to.skip = skipped;
  auto skip = std::exchange(to.skip, std::max<int64_t>(to.skip - packet.duration, 0));
  if (hidden)
    return;
  ++to.packets;
  to.bytes += static_cast<uint64_t>(packet.size);
  auto first = packet.pts;
  if (to.video) {
    to.times.push_back(packet.pts);
    if ((packet.flags & AV_PKT_FLAG_KEY) != 0)
      to.points.push_back({packet.pts, packet.dts, 0});
    to.countable = to.countable && !(parameters.codec_id == AV_CODEC_ID_MPEG4 && packet.size <= empty_picture_bytes);
    std::span<const uint8_t> bytes{packet.data, static_cast<size_t>(packet.size)};
    if (packet.pts < to.begin && !video_normaliser::is_decodable_leading(parameters.codec_id, to.begin_data, bytes)) {
      to.lost.push_back(packet.pts);
      return;
    }
  } else {
    first = packet.pts + std::min(skip, packet.duration);
  }
  to.first_pts = to.first_pts == no_pts ? first : std::min(to.first_pts, first);
  to.last_pts = std::max(to.last_pts, first);
  to.end_pts = std::max(to.end_pts, packet.pts + packet.duration);
}

/// Examines the intervals between pictures. The rate is variable unless all intervals, except one in fifty, equal the
/// median. For a constant rate, wide intervals are gaps.
void measure_spaces(const std::vector<int64_t>& sorted, source_stream& stream) {
  if (sorted.size() < 3)
    return;
  std::vector<int64_t> spaces;
  for (size_t i = 1; i < sorted.size(); ++i)
    spaces.push_back(sorted[i] - sorted[i - 1]);
  auto middle = spaces.begin() + static_cast<std::ptrdiff_t>(spaces.size() / 2);
  std::nth_element(spaces.begin(), middle, spaces.end());
  auto median = *middle;
  auto odd = std::count_if(spaces.begin(), spaces.end(),
                           [median](int64_t x) { return std::abs(x - median) > std::max(rate_slack, median / 20); });
  stream.variable_rate = static_cast<size_t>(odd) * 50 > spaces.size();
  for (auto x : spaces)
    if (!stream.variable_rate && x > median + std::max(rate_slack, median / 2)) {
      ++stream.gaps;
      stream.gap_ticks += x - median;
    }
}

/// Counts the pictures shown before each access point. Drops points where no cut is possible: those where decoding
/// order and presentation order disagree, and the second of two with the same time.
void count_pictures(pass_track& track, source_stream& stream) {
  auto all = track.times;
  std::sort(all.begin(), all.end());
  std::sort(track.lost.begin(), track.lost.end());
  std::vector<int64_t> sorted;
  std::set_difference(all.begin(), all.end(), track.lost.begin(), track.lost.end(), std::back_inserter(sorted));
  auto rises = [last = no_pts](const access_point& x) mutable {
    auto ok = last == no_pts || x.pts > last;
    last = std::max(last, x.pts);
    return !ok;
  };
  std::erase_if(track.points, rises);
  for (auto& x : track.points)
    x.pictures_before = static_cast<uint64_t>(std::lower_bound(sorted.begin(), sorted.end(), x.pts) - sorted.begin());
  stream.packets = sorted.size();
  measure_spaces(sorted, stream);
  if (!sorted.empty())
    stream.grid = find_grid(sorted, stream.frame_rate).value_or(frame_grid{{0, 1}, sorted.front()});
}

/// Moves all times of the pictures to the grid, without the container's rounding.
void put_on_grid(source_stream& stream, std::vector<access_point>& points) {
  if (!stream.grid || !stream.grid->is_even())
    return;
  for (auto* x : {&stream.first_pts, &stream.last_pts})
    *x = stream.grid->snap(*x);
  stream.end_pts = std::max(stream.end_pts, stream.last_pts);
  for (auto& x : points)
    x.pts = stream.grid->snap(x.pts);
}

bool is_countable(const pass_track& track, AVCodecID codec) {
  // VP8 has hidden pictures in separate packets, and a packet of interlaced H.264 may be one field.
  constexpr std::array kinds{AV_CODEC_ID_H264,  AV_CODEC_ID_HEVC,       AV_CODEC_ID_VP9,
                             AV_CODEC_ID_AV1,   AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4,
                             AV_CODEC_ID_MJPEG, AV_CODEC_ID_PRORES,     AV_CODEC_ID_DNXHD};
  if (!track.countable || std::find(kinds.begin(), kinds.end(), codec) == kinds.end())
    return false;
  auto sorted = track.times;
  std::sort(sorted.begin(), sorted.end());
  return std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

/// Seeks to `point` and compares the packets from there with those of the pass.
expected<bool> is_same_after_seek(const source_options& options, int stream, const pass_track& seen,
                                  const access_point& point, const work_control& control) {
  auto source = demuxer::open(options, control.stop);
  if (!source)
    return tl::unexpected{std::move(source.error())};
  for (size_t i = 0; i < source->tracks().size(); ++i)
    if (source->tracks()[i].stream != stream)
      source->ignore(i);
  auto found = source->seek(point.pts);
  if (!found || !*found)
    return found;
  auto expect = std::find(seen.times.begin(), seen.times.end(), point.pts);
  auto packet = make_packet();
  for (size_t count = 0; count < trial_pictures && expect != seen.times.end();) {
    auto more = source->read(*packet);
    if (!more)
      return more;
    if (!*more)
      return false;
    if ((packet->flags & AV_PKT_FLAG_DISCARD) != 0)
      continue;
    if (count == 0 && packet->pts < point.pts && packet->pts != *expect)
      continue;
    if (packet->pts != *expect)
      return false;
    ++count;
    ++expect;
  }
  return true;
}

/// Tests if the file can be read from anywhere: tries a few evenly spread places.
expected<bool> try_seeking(const source_options& options, int stream, const pass_track& seen, size_t times,
                           const work_control& control) {
  for (size_t i = 1; i <= times; ++i) {
    auto& point = seen.points[seen.points.size() * i / (times + 1)];
    auto same = is_same_after_seek(options, stream, seen, point, control);
    if (same && *same)
      continue;
    // A failed seek is no fault of the file.
    if (same || same.error().code == errc::media)
      return false;
    return same;
  }
  return true;
}

/// The duration in the header, not an estimate from the file's size. Read before the first packet, because libavformat
/// corrects it later.
int64_t announced_by(const AVFormatContext& format) {
  if (format.duration == AV_NOPTS_VALUE || format.duration_estimation_method != AVFMT_DURATION_FROM_STREAM)
    return no_pts;
  return av_rescale(format.duration, time_base.den, AV_TIME_BASE);
}

class pass {
public:
  pass(demuxer source, const work_control& control)
    : source_{std::move(source)},
      control_{control},
      streams_at_open_{source_.format().nb_streams},
      tracks_at_open_{source_.tracks().size()},
      announced_{announced_by(source_.format())} {}

  expected<void> run() {
    report_gate gate{control_};
    log_capture log;
    auto packet = make_packet();
    uint64_t count = 0;
    for (;;) {
      if (gate.stopped())
        return fail(errc::interrupted, "index the source: stopped by the caller");
      auto more = source_.read(*packet);
      if (!more)
        return tl::unexpected{std::move(more.error())};
      if (!*more) {
        complaint_ = log.text();
        return {};
      }
      if (++count > index_packets_max)
        return fail(errc::limit, "index the source: more than " + std::to_string(index_packets_max) + " packets");
      while (tracks_.size() < source_.tracks().size()) {
        pass_track made;
        made.video = source_.tracks()[tracks_.size()].parameters->codec_type == AVMEDIA_TYPE_VIDEO;
        tracks_.push_back(std::move(made));
      }
      auto index = static_cast<size_t>(packet->stream_index);
      take(tracks_[index], *packet, *source_.tracks()[index].parameters);
      gate.poll([&] { return work_progress{count, source_.counters().bytes, packet->dts, 0}; });
    }
  }

  source_index result();

  const demuxer& source() const noexcept {
    return source_;
  }

  std::vector<pass_track>& tracks() noexcept {
    return tracks_;
  }

private:
  demuxer source_;
  const work_control& control_;
  size_t streams_at_open_;
  size_t tracks_at_open_;
  int64_t announced_;
  std::string complaint_;
  std::vector<pass_track> tracks_;
};

source_index pass::result() {
  source_index result;
  const auto& format = source_.format();
  result.format = format.iformat->name;
  result.bytes = format.pb != nullptr ? avio_size(format.pb) : -1;
  result.metadata = to_map(format.metadata);
  result.corrupt_packets = source_.counters().corrupt_packets;
  result.dropped_packets = source_.counters().dropped_packets;
  result.announced = announced_;
  result.complaint = complaint_;
  for (unsigned i = 0; i < format.nb_streams; ++i)
    result.streams.push_back(describe(*format.streams[i]));
  for (size_t i = streams_at_open_; i < result.streams.size(); ++i)
    result.streams[i].late = true;
  for (unsigned i = 0; i < std::min<size_t>(format.nb_chapters, chapters_max); ++i) {
    const auto& x = *format.chapters[i];
    result.chapters.push_back({av_rescale_q(x.start, x.time_base, time_base),
                               x.end == AV_NOPTS_VALUE ? no_pts : av_rescale_q(x.end, x.time_base, time_base),
                               to_map(x.metadata)});
  }
  auto any = false;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const auto& track = source_.tracks()[i];
    auto& from = tracks_[i];
    auto& to = result.streams[static_cast<size_t>(track.stream)];
    to.readable = from.first_pts != no_pts;
    to.late = to.late || i >= tracks_at_open_;
    to.parameters = copy(*track.parameters);
    to.frame_rate = track.frame_rate;
    to.packets = from.packets;
    to.bytes = from.bytes;
    to.first_pts = from.first_pts;
    to.last_pts = from.last_pts;
    to.end_pts = from.end_pts;
    if (from.video) {
      result.dropped_packets += from.lost.size();
      count_pictures(from, to);
      result.video = track.stream;
      result.access_points = from.points;
      // The video begins at its first picture, even if the keyframe before it is not shown.
      if (to.readable && (from.points.empty() || from.points.front().pts > from.first_pts))
        result.access_points.insert(result.access_points.begin(), {from.first_pts, from.first_pts, 0});
      put_on_grid(to, result.access_points);
      result.countable = is_countable(from, track.parameters->codec_id);
    }
    if (!to.readable)
      continue;
    result.origin = any ? std::min(result.origin, to.first_pts) : to.first_pts;
    result.end = any ? std::max(result.end, to.end_pts) : to.end_pts;
    any = true;
  }
  return result;
}

} // namespace

std::vector<late_stream> source_index::late_streams() const {
  std::vector<late_stream> result;
  for (const auto& x : streams)
    if (x.late && (x.readable || x.kind == stream_kind::subtitle))
      result.push_back({std::make_shared<track>(track{copy(*x.parameters), x.frame_rate, x.language, x.stream}),
                        x.disposition, x.metadata});
  return result;
}

std::optional<uint64_t> source_index::pictures_in(int64_t from, int64_t to) const noexcept {
  if (!countable || access_points.empty())
    return std::nullopt;
  auto before = [this](int64_t pts) -> std::optional<uint64_t> {
    if (pts <= access_points.front().pts)
      return 0;
    if (pts > video_stream()->last_pts)
      return video_stream()->packets;
    auto at = std::lower_bound(access_points.begin(), access_points.end(), pts,
                               [](const access_point& x, int64_t y) { return x.pts < y; });
    if (at == access_points.end() || at->pts != pts)
      return std::nullopt;
    return at->pictures_before;
  };
  auto begin = before(from);
  auto end = before(to);
  return begin && end && *begin <= *end ? std::optional{*end - *begin} : std::nullopt;
}

expected<source_index> index_source(const source_options& from, const work_control& control) {
  auto options = from;
  options.keep_times = true;
  options.tracks_max = chunk_tracks_max;
  auto source = demuxer::open(options, control.stop);
  if (!source)
    return tl::unexpected{std::move(source.error())};
  if (source->is_live())
    return fail(errc::option, "index the source: it has no end; give a file");
  pass reading{std::move(*source), control};
  if (auto done = reading.run(); !done)
    return tl::unexpected{std::move(done.error())};
  auto result = reading.result();
  const auto& counters = reading.source().counters();
  if (counters.displaced_packets > 0 || counters.discontinuities > 0)
    return result;
  result.exact = true;
  if (result.access_points.size() > 1) {
    auto& seen =
      *std::find_if(reading.tracks().begin(), reading.tracks().end(), [](const pass_track& x) { return x.video; });
    auto times = result.format.starts_with("mov") ? trials_by_table : trials;
    auto same = try_seeking(options, result.video, seen, times, control);
    if (!same)
      return tl::unexpected{std::move(same.error())};
    result.exact = *same;
  }
  return result;
}

} // namespace troupe::av

// Selects streams once, and probes unknown streams with each of their packets.
#include "encoder/source/source_tracks.hpp"

extern "C" {
#include <libavutil/dict.h>
}

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::av {

namespace {

constexpr size_t packet_bytes_max = size_t{64} << 20;

/// More streams than this, and more waiting packets, are dropped.
constexpr size_t companions_max = 32;
constexpr size_t beside_max = 1024;

bool is_picture(const AVStream& x) {
  return (x.disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS)) != 0;
}

} // namespace

int64_t in_ticks(int64_t x, AVRational base) {
  auto rounding = static_cast<AVRounding>(AV_ROUND_NEAR_INF | AV_ROUND_PASS_MINMAX);
  return x == AV_NOPTS_VALUE ? no_pts : av_rescale_q_rnd(x, base, time_base, rounding);
}

tl::unexpected<error> no_random_access(const std::string& source, AVCodecID codec, std::string_view when) {
  return fail(errc::media, "read " + source + ": the video (" + avcodec_get_name(codec)
                             + ") has no random-access point " + std::string{when});
}

bool is_encrypted(const AVFormatContext& format, const AVStream& stream) {
  auto tag = stream.codecpar->codec_tag;
  // MP4's Common Encryption replaces the sample entry's name by its own (ISO/IEC 23001-7).
  if (tag == MKTAG('e', 'n', 'c', 'v') || tag == MKTAG('e', 'n', 'c', 'a')
      || av_stream_get_side_data(&stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, nullptr) != nullptr)
    return true;
  // A transport stream's tag is its stream type: these four are SAMPLE-AES, whose key is named in a playlist (Apple,
  // MPEG-2 Stream Encryption Format for HLS).
  constexpr std::array<uint32_t, 4> sample_aes{0xdb, 0xcf, 0xc1, 0xc2};
  if (std::string_view{format.iformat->name} == "mpegts")
    return std::find(sample_aes.begin(), sample_aes.end(), tag) != sample_aes.end();
  // Matroska's ContentEncryption.
  return av_dict_get(stream.metadata, "enc_key_id", nullptr, 0) != nullptr;
}

bool is_encrypted(const AVPacket& packet) {
  return av_packet_get_side_data(&packet, AV_PKT_DATA_ENCRYPTION_INFO, nullptr) != nullptr;
}

tl::unexpected<error> encrypted(const std::string& source, const AVStream& stream) {
  return fail(errc::media, "read " + source + ": stream " + std::to_string(stream.index) + " ("
                             + avcodec_get_name(stream.codecpar->codec_id)
                             + ") is encrypted, and there is no key for it; give a source without encryption");
}

/// True for a stream of the chosen program (of any program, if the format has none).
bool source_tracks::is_wanted(int index) const {
  const auto& format = source_.format();
  const auto& stream = *format.streams[index];
  auto type = stream.codecpar->codec_type;
  if (is_picture(stream) || (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO))
    return false;
  return type == AVMEDIA_TYPE_VIDEO ? index == video_stream_ : is_in_program(index);
}

/// True for a stream that tells something about the chosen program's picture.
bool source_tracks::is_companion(int index) const {
  const auto& stream = *source_.format().streams[index]->codecpar;
  auto beside = stream.codec_type == AVMEDIA_TYPE_SUBTITLE || stream.codec_type == AVMEDIA_TYPE_DATA;
  return companion_test_ != nullptr && beside && companion_test_(stream.codec_id) && is_in_program(index)
         && companions_.size() < companions_max;
}

bool source_tracks::is_in_program(int index) const {
  if (!program_)
    return true;
  for (AVProgram* x = nullptr; (x = av_find_program_from_stream(&source_.format(), x, index)) != nullptr;)
    if (x->id == *program_)
      return true;
  return false;
}

std::vector<std::string> source_tracks::left_out() const {
  std::vector<std::string> result;
  auto& format = source_.format();
  for (unsigned i = 0; i < format.nb_streams; ++i) {
    auto& stream = *format.streams[i];
    auto ignored = i >= streams_.size() || streams_[i].state == stream_state::ignored;
    if (!ignored || is_picture(stream))
      continue;
    const auto* kind = av_get_media_type_string(stream.codecpar->codec_type);
    auto text = std::string{kind != nullptr ? kind : "unknown"} + " " + avcodec_get_name(stream.codecpar->codec_id)
                + " (stream " + std::to_string(stream.id > 0 ? stream.id : stream.index);
    if (const auto* x = av_dict_get(stream.metadata, "language", nullptr, 0); x != nullptr)
      text += ", " + std::string{x->value}.substr(0, 3);
    if (const auto* x = av_find_program_from_stream(&format, nullptr, static_cast<int>(i)); x != nullptr)
      text += ", program " + std::to_string(x->id);
    result.push_back(text + ")");
  }
  return result;
}

void source_tracks::select_streams() {
  auto& format = source_.format();
  auto best = [&](AVMediaType type) {
    auto index = av_find_best_stream(&format, type, -1, -1, nullptr, 0);
    return index >= 0 && !is_picture(*format.streams[index]) ? index : -1;
  };
  video_stream_ = best(AVMEDIA_TYPE_VIDEO);
  auto leader = video_stream_ >= 0 ? video_stream_ : best(AVMEDIA_TYPE_AUDIO);
  if (leader >= 0)
    if (const auto* x = av_find_program_from_stream(&format, nullptr, leader); x != nullptr) {
      program_ = x->id;
      source_.follow(x->id);
    }
  for (unsigned i = 0; i < format.nb_streams; ++i)
    take_stream(static_cast<int>(i));
}

/// Decides how a stream that libavformat has found is used.
void source_tracks::take_stream(int index) {
  auto& stream = *source_.format().streams[index];
  if (streams_.size() <= static_cast<size_t>(index))
    streams_.resize(static_cast<size_t>(index) + 1);
  auto& entry = streams_[static_cast<size_t>(index)];
  entry.group = groups_;
  if (video_stream_ < 0 && stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !is_picture(stream)
      && is_in_program(index))
    video_stream_ = index;
  if (is_companion(index)) {
    entry.state = stream_state::companion;
    entry.track = companions_.size();
    companions_.push_back(index);
    ++companions_version_;
    return;
  }
  auto taken = std::count_if(streams_.begin(), streams_.end(),
                             [](const stream_entry& x) { return x.state == stream_state::pending; })
               + std::count_if(found_.begin(), found_.end(), [](int x) { return x >= 0; });
  if (!is_wanted(index) || (static_cast<size_t>(taken) >= tracks_max_ && index != video_stream_)) {
    stream.discard = AVDISCARD_ALL;
    return;
  }
  entry.state = stream_state::pending;
  if (is_known(*stream.codecpar))
    return;
  entry.prober = std::make_unique<stream_prober>(*stream.codecpar);
  if (!entry.prober->possible()) {
    entry.state = stream_state::ignored;
    stream.discard = AVDISCARD_ALL;
  }
}

/// True for a stream that its program no longer lists.
bool source_tracks::has_left(int index) const {
  return program_ && av_find_program_from_stream(&source_.format(), nullptr, index) == nullptr;
}

/// True if the stream may continue that track: it is of the same kind, and no other stream for the track is still
/// active.
bool source_tracks::fits(size_t track, int index) const {
  return types_[track] == source_.format().streams[index]->codecpar->codec_type
         && (found_[track] < 0 || has_left(found_[track]));
}

/// Makes the stream a track: one that has lost its own stream, or a new one.
void source_tracks::activate(int index) {
  auto& slot = streams_[static_cast<size_t>(index)];
  slot.state = stream_state::active;
  slot.prober.reset();
  slot.track = 0;
  while (slot.track < found_.size() && !fits(slot.track, index))
    ++slot.track;
  if (slot.track == found_.size()) {
    found_.push_back(-1);
    types_.push_back(source_.format().streams[index]->codecpar->codec_type);
    versions_.push_back(0);
    unwanted_.push_back(false);
  }
  found_[slot.track] = index;
  ++versions_[slot.track];
  if (unwanted_[slot.track])
    source_.format().streams[index]->discard = AVDISCARD_ALL;
}

/// Handles streams that appeared in mid-stream. A new video replaces the old one if that is gone, or if the format has
/// no programs that could say so. The sound that came with it replaces the old sound.
void source_tracks::take_late_streams() {
  auto& format = source_.format();
  auto last = [&](AVMediaType type) {
    for (auto i = format.nb_streams; i > streams_.size(); --i)
      if (auto& x = *format.streams[i - 1]; x.codecpar->codec_type == type && !is_picture(x))
        return static_cast<int>(i - 1);
    return -1;
  };
  auto video = last(AVMEDIA_TYPE_VIDEO);
  auto told = std::string_view{format.iformat->name} == "mpegts"
              && (video_stream_ >= 0 ? !has_left(video_stream_) : video >= 0 && !is_in_program(video));
  if (video >= 0 && !told) {
    ++groups_;
    video_stream_ = video;
    auto sound = last(AVMEDIA_TYPE_AUDIO) >= 0;
    for (size_t i = 0; i < found_.size(); ++i)
      if (types_[i] == AVMEDIA_TYPE_VIDEO || sound)
        found_[i] = -1;
  }
  while (streams_.size() < format.nb_streams)
    take_stream(static_cast<int>(streams_.size()));
}

/// True if replaced streams return: an advertisement is over, and the programme's own streams resume.
bool source_tracks::comes_back(int index, const AVPacket& data) const {
  auto& x = streams_[static_cast<size_t>(index)];
  auto is_video = types_[x.track] == AVMEDIA_TYPE_VIDEO;
  return x.group != streams_[static_cast<size_t>(found_[x.track])].group
         && (is_video ? (data.flags & AV_PKT_FLAG_KEY) != 0 : video_stream_ < 0);
}

void source_tracks::switch_to(int group) {
  for (size_t i = 0; i < streams_.size(); ++i) {
    auto& x = streams_[i];
    if (x.state != stream_state::active || x.group != group || found_[x.track] == static_cast<int>(i))
      continue;
    found_[x.track] = static_cast<int>(i);
    ++versions_[x.track];
    if (types_[x.track] == AVMEDIA_TYPE_VIDEO)
      video_stream_ = static_cast<int>(i);
  }
}

void source_tracks::activate_known() {
  for (size_t i = 0; i < streams_.size(); ++i)
    if (streams_[i].state == stream_state::pending && !streams_[i].prober)
      activate(static_cast<int>(i));
}

/// Puts the streams of the next part in the place of the last part's streams.
void source_tracks::take_part() {
  part_ = source_.part();
  streams_.clear();
  companions_.clear();
  beside_.clear();
  companions_version_ += companion_test_ != nullptr ? 1 : 0;
  program_.reset();
  std::fill(found_.begin(), found_.end(), -1);
  select_streams();
  activate_known();
}

expected<void> source_tracks::rewind() {
  held_.clear();
  beside_.clear();
  return source_.rewind();
}

/// Gives a packet of an unknown stream to its prober; the stream becomes a track when its parameters are known.
expected<void> source_tracks::probe(int index, const AVPacket& data) {
  auto& slot = streams_[static_cast<size_t>(index)];
  auto& stream = *source_.format().streams[index];
  if (slot.prober) {
    auto found = slot.prober->feed(data);
    if (!found)
      return {};
    if (avcodec_parameters_copy(stream.codecpar, found.get()) < 0)
      return fail(errc::limit, "copy the parameters of a stream of " + source_.name());
  }
  activate(index);
  return {};
}

/// True while the video (or an audio stream, if there is no video) is unknown and may become known.
bool source_tracks::is_waiting() const {
  if (video_stream_ >= 0)
    return streams_[static_cast<size_t>(video_stream_)].state == stream_state::pending;
  return found_.empty() && std::any_of(streams_.begin(), streams_.end(), [](const stream_entry& x) {
           return x.state == stream_state::pending;
         });
}

expected<void> source_tracks::find(std::chrono::milliseconds timeout) {
  select_streams();
  activate_known();
  if (auto ok = resolve(timeout); !ok)
    return ok;
  if (video_stream_ >= 0 && is_waiting())
    return no_random_access(source_.name(), source_.format().streams[video_stream_]->codecpar->codec_id,
                            "that a decoder could start from");
  if (found_.empty()) {
    auto why = source_.trouble();
    return fail(errc::media,
                "read " + source_.name() + ": " + (why.empty() ? "neither video nor audio that can be decoded" : why));
  }
  if (source_.is_live())
    order();
  return {};
}

/// Puts the picture first, then the others in the source's order. The order in which they were found depends on where a
/// live source is joined.
void source_tracks::order() {
  std::vector<size_t> from(found_.size());
  std::iota(from.begin(), from.end(), size_t{0});
  std::sort(from.begin(), from.end(), [&](size_t a, size_t b) {
    auto place = [&](size_t i) { return std::pair{types_[i] != AVMEDIA_TYPE_VIDEO, found_[i]}; };
    return place(a) < place(b);
  });
  auto sorted = [&](auto old) {
    auto result = old;
    std::transform(from.begin(), from.end(), result.begin(), [&](size_t i) { return old[i]; });
    return result;
  };
  found_ = sorted(found_);
  types_ = sorted(types_);
  versions_ = sorted(versions_);
  for (auto& x : streams_)
    if (x.state == stream_state::active)
      x.track = static_cast<size_t>(std::find(from.begin(), from.end(), x.track) - from.begin());
}

expected<void> source_tracks::resolve(std::chrono::milliseconds timeout) {
  auto deadline = std::chrono::steady_clock::now() + timeout;
  size_t bytes = 0;
  int64_t first = no_pts;
  while (is_waiting()) {
    if (std::chrono::steady_clock::now() > deadline)
      return fail(errc::timeout, "open the source " + source_.name()
                                   + ": no random-access point that a decoder could start from came in time");
    auto x = make_packet();
    auto more = source_.read(*x);
    if (!more)
      return tl::unexpected{std::move(more.error())};
    if (!*more)
      break;
    if (source_.part() != part_) {
      // No caller has seen a track yet, so the held packets can be dropped.
      held_.clear();
      found_.clear();
      types_.clear();
      versions_.clear();
      unwanted_.clear();
      first = no_pts;
      take_part();
    }
    auto index = static_cast<size_t>(x->stream_index);
    if (index >= streams_.size() || streams_[index].state == stream_state::ignored)
      continue;
    bytes += static_cast<size_t>(x->size);
    auto at = in_ticks(x->dts, source_.format().streams[index]->time_base);
    if (first == no_pts)
      first = at;
    if (bytes > random_access_bytes || (source_.is_live() && at != no_pts && at - first > random_access_wait))
      break;
    if (streams_[index].state == stream_state::pending)
      if (auto ok = probe(x->stream_index, *x); !ok)
        return ok;
    if (streams_[index].state == stream_state::active || streams_[index].state == stream_state::companion)
      held_.push_back(std::move(x));
    else
      ++dropped_;
  }
  return {};
}

expected<bool> source_tracks::seek(size_t track, int64_t at) {
  held_.clear();
  return source_.seek(found_[track], av_rescale_q_rnd(at, time_base, stream(track).time_base, AV_ROUND_DOWN));
}

void source_tracks::ignore(size_t track) {
  stream(track).discard = AVDISCARD_ALL;
  unwanted_[track] = true;
}

/// The next packet of a stream that is a track, as libavformat has it.
expected<bool> source_tracks::next(AVPacket& out) {
  for (;;) {
    if (!held_.empty()) {
      av_packet_move_ref(&out, held_.front().get());
      held_.pop_front();
    } else {
      auto more = source_.read(out);
      if (!more || !*more)
        return more;
    }
    if (source_.part() != part_)
      take_part();
    if (streams_.size() < source_.format().nb_streams)
      take_late_streams();
    auto index = static_cast<size_t>(out.stream_index);
    if (streams_[index].state == stream_state::companion) {
      out.stream_index = static_cast<int>(streams_[index].track);
      put_beside(out);
      continue;
    }
    if (streams_[index].state == stream_state::pending)
      if (auto ok = probe(out.stream_index, out); !ok)
        return tl::unexpected{std::move(ok.error())};
    if (streams_[index].state == stream_state::active) {
      auto track = streams_[index].track;
      if (found_[track] < 0) // no other stream took its place
        found_[track] = out.stream_index;
      else if (found_[track] != out.stream_index && comes_back(out.stream_index, out))
        switch_to(streams_[index].group);
      auto its = found_[track] == out.stream_index && !unwanted_[track];
      if (its && out.size > 0 && static_cast<size_t>(out.size) < packet_bytes_max) {
        out.stream_index = static_cast<int>(track);
        return true;
      }
    }
    if (streams_[index].state == stream_state::pending)
      ++dropped_;
    av_packet_unref(&out);
  }
}

void source_tracks::put_beside(AVPacket& packet) {
  auto kept = make_packet();
  av_packet_move_ref(kept.get(), &packet);
  beside_.push_back(std::move(kept));
  if (beside_.size() > beside_max)
    beside_.pop_front();
}

bool source_tracks::take_companion(AVPacket& out) {
  if (beside_.empty())
    return false;
  av_packet_move_ref(&out, beside_.front().get());
  beside_.pop_front();
  return true;
}

} // namespace troupe::av

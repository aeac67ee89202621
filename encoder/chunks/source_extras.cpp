// Copies everything about the content, and nothing about the file that it came in.
#include "encoder/chunks/source_extras.hpp"

#include "encoder/chunks/chunk_file.hpp"
#include "encoder/source/picture_marks.hpp"
#include "encoder/source/stream_changes.hpp"

extern "C" {
#include <libavutil/dict.h>
#include <libavutil/mathematics.h>
}

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

namespace troupe::av {

namespace {

constexpr size_t chapters_max = 10'000;
constexpr size_t attachment_bytes_max = size_t{256} << 20;

/// Metadata about the old file: its writer, its format, its size.
constexpr std::array file_words{"major_brand",
                                "minor_version",
                                "compatible_brands",
                                "encoder",
                                "duration",
                                "vendor_id",
                                "NUMBER_OF_BYTES",
                                "NUMBER_OF_FRAMES",
                                "_STATISTICS_TAGS",
                                "_STATISTICS_WRITING_APP",
                                "_STATISTICS_WRITING_DATE_UTC",
                                "BPS",
                                "DURATION",
                                "alpha_mode",
                                "rotate"};

/// A container's statements about a stream's pictures or sound, kept whether the stream is encoded or copied.
constexpr std::array side_data_carried{AV_PKT_DATA_DISPLAYMATRIX,       AV_PKT_DATA_STEREO3D,
                                       AV_PKT_DATA_SPHERICAL,           AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
                                       AV_PKT_DATA_CONTENT_LIGHT_LEVEL, AV_PKT_DATA_AUDIO_SERVICE_TYPE,
                                       AV_PKT_DATA_REPLAYGAIN};

void copy_words(AVDictionary** to, const AVDictionary* from) {
  av_dict_copy(to, from, AV_DICT_DONT_OVERWRITE);
  for (const auto* x : file_words) {
    av_dict_set(to, x, nullptr, 0);
    // mkvmerge writes its statistics once for each language.
    auto tagged = std::string{x} + "-";
    for (const auto* y = av_dict_get(*to, tagged.c_str(), nullptr, AV_DICT_IGNORE_SUFFIX); y != nullptr;
         y = av_dict_get(*to, tagged.c_str(), nullptr, AV_DICT_IGNORE_SUFFIX))
      av_dict_set(to, std::string{y->key}.c_str(), nullptr, 0);
  }
}

bool is_cover(const AVStream& x) {
  return (x.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

/// True for data that the result's muxer writes again and that does not belong to the video: a timecode, or chapter
/// titles. QuickTime's subtitles have the same tag as chapter titles, but libavformat makes only the titles a data
/// stream.
bool is_made_anew(const AVStream& x) {
  auto tag = x.codecpar->codec_tag;
  return x.codecpar->codec_type == AVMEDIA_TYPE_DATA
         && (tag == MKTAG('t', 'm', 'c', 'd') || tag == MKTAG('t', 'e', 'x', 't'));
}

std::string name_of(const AVStream& x) {
  const auto* kind = av_get_media_type_string(x.codecpar->codec_type);
  return std::string{kind != nullptr ? kind : "unknown"} + " stream (" + avcodec_get_name(x.codecpar->codec_id) + ")";
}

void put_side_data(AVStream& to, AVPacketSideDataType type, const uint8_t* data, size_t size) {
  std::memcpy(checked(av_stream_new_side_data(&to, type, size)), data, size);
}

AVStream& new_stream(AVFormatContext& to, const AVStream& from) {
  auto& made = *checked(avformat_new_stream(&to, nullptr));
  copy_words(&made.metadata, from.metadata);
  made.disposition = from.disposition;
  made.time_base = time_base;
  return made;
}

void copy_parameters(AVStream& to, const AVCodecParameters& from) {
  if (avcodec_parameters_copy(to.codecpar, &from) < 0)
    throw std::bad_alloc{};
  to.codecpar->codec_tag = 0;
}

} // namespace

expected<source_extras> source_extras::open(const source_options& source, config cfg,
                                            const std::vector<late_stream>& late, const std::atomic<bool>& stop) {
  auto options = source;
  options.keep_times = true; // stream numbers must match those in the pass that reads the pictures
  auto context = source_context::open(options, stop);
  if (!context)
    return tl::unexpected{std::move(context.error())};
  auto marks = find_marks(options, context->format(), stop);
  if (!marks)
    return tl::unexpected{std::move(marks.error())};
  source_extras result{std::move(*context), std::move(cfg)};
  result.hdr10_plus_ = std::move(marks->hdr10_plus);
  for (auto x : marks->captions)
    result.captions_.emplace(x, 0);
  result.add_late(late);
  return result;
}

void source_extras::add_late(const std::vector<late_stream>& xs) {
  late_.reset(xs.empty() ? nullptr : checked(avformat_alloc_context()));
  for (const auto& x : xs) {
    auto& made = *checked(avformat_new_stream(late_.get(), nullptr));
    if (avcodec_parameters_copy(made.codecpar, x.info->parameters.get()) < 0)
      throw std::bad_alloc{};
    made.index = x.info->stream;
    made.disposition = x.disposition;
    for (const auto& [key, value] : x.metadata)
      av_dict_set(&made.metadata, key.c_str(), value.c_str(), 0);
  }
}

const AVStream* source_extras::find(int stream) const noexcept {
  if (stream >= 0 && static_cast<unsigned>(stream) < source_.format().nb_streams)
    return source_.format().streams[stream];
  for (unsigned i = 0; late_ && i < late_->nb_streams; ++i)
    if (late_->streams[i]->index == stream)
      return late_->streams[i];
  return nullptr;
}

void source_extras::note(int stream, std::string what) {
  notes_.push_back({stream, std::move(what)});
}

bool source_extras::is_selected(int stream) const {
  return !config_.streams
         || std::find(config_.streams->begin(), config_.streams->end(), stream) != config_.streams->end();
}

void source_extras::describe(AVStream& made, int stream, bool copied) {
  const auto* known = find(stream);
  if (known == nullptr)
    return;
  const auto& from = *known;
  made.disposition = from.disposition;
  carried::track kept{stream, made.index, made.disposition, {}};
  if (config_.metadata)
    copy_words(&made.metadata, from.metadata);
  else if (const auto* x = av_dict_get(from.metadata, "language", nullptr, 0); x != nullptr)
    av_dict_set(&made.metadata, "language", x->value, 0);
  for (auto type : side_data_carried) {
    size_t size = 0;
    const auto* data = av_stream_get_side_data(&from, type, &size);
    if (data == nullptr)
      continue;
    // The encoder got upright pictures: no rotation is left.
    if (type == AV_PKT_DATA_DISPLAYMATRIX && !copied && !orientation_of(from).is_upright())
      continue;
    put_side_data(made, type, data, size);
    kept.records.push_back(type);
    if (type == AV_PKT_DATA_DISPLAYMATRIX && config_.into != container::mp4 && config_.into != container::mov)
      note(stream, "the rotation of the picture is lost: " + std::string{muxer_name(config_.into)}
                     + " cannot store it; mp4 and mov can, and an encode turns the picture itself");
  }
  for (auto& x : changes_of(from, made, config_.into, copied))
    note(stream, std::move(x));
  size_t size = 0;
  const auto* dolby = av_stream_get_side_data(&from, AV_PKT_DATA_DOVI_CONF, &size);
  if (copied && dolby != nullptr) {
    put_side_data(made, AV_PKT_DATA_DOVI_CONF, dolby, size);
    kept.records.push_back(AV_PKT_DATA_DOVI_CONF);
  }
  list_.tracks.push_back(std::move(kept));
  if (copied) {
    captions_.erase(stream);
    return;
  }
  if (dolby != nullptr)
    note(stream,
         "the metadata of Dolby Vision are lost: an encode keeps what players without Dolby Vision show; copy the "
         "video to keep them");
  if (hdr10_plus_.contains(stream))
    note(stream,
         "the tone curves of HDR10+ are lost: an encode keeps the picture as HDR10; copy the video to keep them");
}

void source_extras::add_words(AVFormatContext& to) {
  const auto& from = source_.format();
  if (config_.metadata)
    copy_words(&to.metadata, from.metadata);
  if (!config_.chapters || from.nb_chapters == 0)
    return;
  if (config_.into == container::mpegts) {
    note(-1, "the " + std::to_string(from.nb_chapters) + " chapters are lost: ts has none; mp4 and mkv do");
    return;
  }
  auto count = static_cast<unsigned>(std::min<size_t>(from.nb_chapters, chapters_max));
  if (count < from.nb_chapters)
    note(-1, "of the " + std::to_string(from.nb_chapters) + " chapters the first " + std::to_string(count)
               + " are carried: that is the limit");
  list_.chapters = count;
  to.chapters = static_cast<AVChapter**>(checked(av_calloc(count, sizeof(AVChapter*))));
  for (unsigned i = 0; i < count; ++i) {
    const auto& x = *from.chapters[i];
    auto& made = *static_cast<AVChapter*>(checked(av_mallocz(sizeof(AVChapter))));
    made.id = x.id;
    made.time_base = time_base;
    made.start = std::max<int64_t>(av_rescale_q(x.start, x.time_base, time_base) - config_.origin, 0);
    made.end = std::max(av_rescale_q(x.end, x.time_base, time_base) - config_.origin, made.start);
    copy_words(&made.metadata, x.metadata);
    to.chapters[to.nb_chapters++] = &made;
  }
}

expected<void> source_extras::add_subtitle(AVFormatContext& to, const AVStream& from) {
  auto codec = from.codecpar->codec_id;
  subtitle_track track;
  track.stream = from.index;
  if (!holds(config_.into, codec)) {
    auto target = text_subtitle_of(config_.into);
    if (!is_text_subtitle(codec) || target == AV_CODEC_ID_NONE) {
      note(from.index, name_of(from) + " is lost: " + container_name(config_.into) + " does not hold it"
                         + (is_text_subtitle(codec) ? "" : ", and pictures cannot be converted to text")
                         + others_that_hold(config_.into, codec));
      return {};
    }
    auto converter = subtitle_converter::open(*from.codecpar, target);
    if (!converter) {
      note(from.index, name_of(from) + " is lost: " + converter.error().what);
      return {};
    }
    track.converter = std::move(*converter);
    note(from.index, name_of(from) + " is converted to " + avcodec_get_name(target) + ", the text format that "
                       + container_name(config_.into) + " holds");
  }
  auto& made = new_stream(to, from);
  copy_parameters(made, track.converter ? track.converter->parameters() : *from.codecpar);
  track.output = made.index;
  track.place = list_.subtitles.size();
  list_.subtitles.push_back({from.index, 0, made.disposition});
  if (auto lost = language_loss(from.metadata, config_.into); !lost.empty())
    note(from.index, std::move(lost));
  subtitles_.push_back(std::move(track));
  return {};
}

void source_extras::add_attachment(AVFormatContext& to, const AVStream& from) {
  if (!holds_attachments(config_.into)) {
    const auto* name = av_dict_get(from.metadata, "filename", nullptr, 0);
    note(from.index, "the attachment " + (name != nullptr ? std::string{name->value}.substr(0, 256) : std::string{})
                       + " is lost: " + container_name(config_.into) + " holds none; mkv does");
    return;
  }
  auto& made = new_stream(to, from);
  ++list_.files;
  copy_parameters(made, *from.codecpar);
  av_dict_set(&made.metadata, "filename", ("attachment-" + std::to_string(from.index)).c_str(), AV_DICT_DONT_OVERWRITE);
  av_dict_set(&made.metadata, "mimetype", "application/octet-stream", AV_DICT_DONT_OVERWRITE);
}

void source_extras::add_cover(AVFormatContext& to, const AVStream& from) {
  const auto& picture = from.attached_pic;
  auto fits = picture.size > 0 && static_cast<size_t>(picture.size) <= attachment_bytes_max;
  if (!holds_cover(config_.into) || !fits) {
    note(from.index, "the cover picture is lost: "
                       + (fits ? std::string{container_name(config_.into)} + " holds none; mp4 and mkv do"
                               : std::string{"it is empty, or has more than 256 MiB"}));
    return;
  }
  ++list_.files;
  auto& made = new_stream(to, from);
  copy_parameters(made, *from.codecpar);
  if (config_.into != container::mkv) {
    covers_.push_back({from.index, made.index});
    return;
  }
  auto png = from.codecpar->codec_id == AV_CODEC_ID_PNG;
  auto size = static_cast<size_t>(picture.size);
  made.disposition = 0;
  made.codecpar->codec_type = AVMEDIA_TYPE_ATTACHMENT;
  av_freep(&made.codecpar->extradata);
  made.codecpar->extradata = static_cast<uint8_t*>(checked(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE)));
  std::memcpy(made.codecpar->extradata, picture.data, size);
  made.codecpar->extradata_size = picture.size;
  av_dict_set(&made.metadata, "filename", png ? "cover.png" : "cover.jpg", AV_DICT_DONT_OVERWRITE);
  av_dict_set(&made.metadata, "mimetype", png ? "image/png" : "image/jpeg", AV_DICT_DONT_OVERWRITE);
}

std::string source_extras::why_left_out(const AVStream& x, const std::vector<int>& used) const {
  auto& from = source_.format();
  auto is_used = [&](const AVProgram& program) {
    return std::any_of(program.stream_index, program.stream_index + program.nb_stream_indexes, [&used](unsigned i) {
      return std::find(used.begin(), used.end(), static_cast<int>(i)) != used.end();
    });
  };
  auto type = x.codecpar->codec_type;
  if (type == AVMEDIA_TYPE_DATA || type == AVMEDIA_TYPE_UNKNOWN)
    return ": data is not carried";
  auto is_alike = [&](int i) {
    const auto* known = find(i);
    return known != nullptr && known->codecpar->codec_type == type;
  };
  if (std::none_of(used.begin(), used.end(), is_alike))
    return {};
  if (const auto* program = av_find_program_from_stream(&from, nullptr, x.index); program && !is_used(*program))
    return ": it belongs to another program";
  if (type == AVMEDIA_TYPE_VIDEO)
    return ": of several videos only the best is carried";
  return used.size() >= chunk_tracks_max ? ": no more than " + std::to_string(chunk_tracks_max) + " tracks are carried"
                                         : "";
}

expected<void> source_extras::add_stream(AVFormatContext& to, const AVStream& from, const std::vector<int>& used) {
  auto type = from.codecpar->codec_type;
  if (!is_selected(from.index)) {
    note(from.index, name_of(from) + " is left out: it was not asked for");
  } else if (is_cover(from)) {
    add_cover(to, from);
  } else if (type == AVMEDIA_TYPE_SUBTITLE) {
    return add_subtitle(to, from);
  } else if (type == AVMEDIA_TYPE_ATTACHMENT) {
    add_attachment(to, from);
  } else {
    note(from.index, name_of(from) + " is left out" + why_left_out(from, used));
  }
  return {};
}

expected<void> source_extras::add_streams(AVFormatContext& to, const std::vector<int>& used) {
  auto& source = source_.format();
  std::vector<const AVStream*> all;
  for (unsigned i = 0; i < source.nb_streams; ++i) {
    source.streams[i]->discard = AVDISCARD_ALL;
    all.push_back(source.streams[i]);
  }
  for (unsigned i = 0; late_ && i < late_->nb_streams; ++i)
    if (const auto* x = late_->streams[i]; find(x->index) == x)
      all.push_back(x);
  for (const auto* x : all)
    if (std::find(used.begin(), used.end(), x->index) == used.end() && !is_made_anew(*x))
      if (auto ok = add_stream(to, *x, used); !ok)
        return ok;
  for (auto i = static_cast<size_t>(source.nb_streams); i < config_.names.size(); ++i)
    if (auto number = static_cast<int>(i);
        find(number) == nullptr && std::find(used.begin(), used.end(), number) == used.end())
      note(number, config_.names[i] + " is lost: it begins too late in the file to be found");
  for (const auto& x : subtitles_)
    if (static_cast<unsigned>(x.stream) < source.nb_streams)
      source.streams[x.stream]->discard = AVDISCARD_DEFAULT;
  return {};
}

expected<void> source_extras::write_covers(AVFormatContext& to) {
  for (const auto& x : covers_) {
    packet_ptr packet{checked(av_packet_clone(&source_.format().streams[x.stream]->attached_pic))};
    packet->stream_index = x.output;
    packet->pts = packet->dts = 0;
    if (auto code = av_write_frame(&to, packet.get()); code < 0)
      return fail(errc::encoder, "write the cover picture", code);
  }
  return {};
}

void source_extras::look_at(int stream, const AVPacket& packet) {
  auto at = captions_.find(stream);
  if (at == captions_.end() || at->second >= marked_packets)
    return;
  if (has_captions(packet))
    captions_.erase(at);
  else
    ++at->second;
}

void source_extras::note_rest() {
  for (const auto& x : subtitles_)
    if (x.unconverted > 0)
      note(x.stream, std::to_string(x.unconverted) + " lines of these subtitles are lost: they are empty or damaged");
  for (const auto& [stream, packets] : captions_)
    if (packets > 0)
      note(stream,
           "the closed captions in the picture are lost: the encoder does not keep them; copy the video, or encode "
           "it with libx264 or libx265, to keep them");
}

/// Puts a subtitle on the result's timeline. False if it has no time, or ends before that timeline begins.
bool source_extras::place(AVPacket& packet, subtitle_track& track) {
  const auto& stream = *source_.format().streams[track.stream];
  if (packet.pts == AV_NOPTS_VALUE)
    packet.pts = packet.dts;
  if (packet.pts == AV_NOPTS_VALUE)
    return false;
  av_packet_rescale_ts(&packet, stream.time_base, time_base);
  if (stream.pts_wrap_bits > 0 && stream.pts_wrap_bits < 48) {
    auto wrap = av_rescale_q(int64_t{1} << stream.pts_wrap_bits, stream.time_base, time_base);
    if (packet.pts < config_.origin - wrap / 2)
      packet.pts += wrap;
  }
  packet.pts -= config_.origin;
  auto end = packet.pts + std::max<int64_t>(packet.duration, 0);
  if (packet.pts < 0) {
    if (end <= 0)
      return false;
    packet.pts = 0;
    packet.duration = end;
  }
  packet.dts = packet.pts;
  // In MP4 and MOV, lines cannot overlap, because a line ends when the next one begins. So a line begins at least a
  // millisecond after the line before it.
  auto one_by_one = config_.into == container::mp4 || config_.into == container::mov;
  auto earliest = track.last_dts + (one_by_one ? time_base.den / 1000 : 0);
  if (track.last_dts != no_pts && packet.dts < earliest)
    packet.dts = packet.pts = earliest;
  track.last_dts = packet.dts;
  return true;
}

expected<bool> source_extras::next(AVPacket& packet) {
  av_packet_unref(&packet);
  if (subtitles_.empty())
    return false;
  for (;;) {
    auto more = source_.read(packet);
    if (!more || !*more)
      return more;
    auto at = std::find_if(subtitles_.begin(), subtitles_.end(),
                           [&packet](const subtitle_track& x) { return x.stream == packet.stream_index; });
    if (at != subtitles_.end() && place(packet, *at)) {
      auto line = is_line(source_.format().streams[at->stream]->codecpar->codec_id, packet);
      if (!at->converter || at->converter->convert(packet)) {
        packet.stream_index = at->output;
        list_.subtitles[at->place].packets += line ? 1 : 0;
        return true;
      }
      at->unconverted += line ? 1 : 0;
    }
    av_packet_unref(&packet);
  }
}

} // namespace troupe::av

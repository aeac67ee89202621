// libavformat knows what its muxers take; this file corrects it where it allows too much.
#include "encoder/container.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
}

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace troupe::av {

namespace {

struct entry {
  container value;
  const char* muxer;
  std::array<std::string_view, 4> names;
};

constexpr std::array entries{
  entry{container::mp4, "mp4", {"mp4", "m4v", "m4a", ""}},
  entry{container::mov, "mov", {"mov", "qt", "", ""}},
  entry{container::mkv, "matroska", {"mkv", "matroska", "mka", "mk3d"}},
  entry{container::webm, "webm", {"webm", "weba", "", ""}},
  entry{container::mpegts, "mpegts", {"ts", "mpegts", "m2ts", "mts"}},
};

/// libavformat 5.1 writes every other codec as private data that no player can read.
constexpr std::array transport_codecs{
  AV_CODEC_ID_MPEG1VIDEO,   AV_CODEC_ID_MPEG2VIDEO,   AV_CODEC_ID_MPEG4,
  AV_CODEC_ID_H264,         AV_CODEC_ID_HEVC,         AV_CODEC_ID_CAVS,
  AV_CODEC_ID_DIRAC,        AV_CODEC_ID_VC1,          AV_CODEC_ID_MP2,
  AV_CODEC_ID_MP3,          AV_CODEC_ID_AAC,          AV_CODEC_ID_AC3,
  AV_CODEC_ID_EAC3,         AV_CODEC_ID_DTS,          AV_CODEC_ID_TRUEHD,
  AV_CODEC_ID_OPUS,         AV_CODEC_ID_S302M,        AV_CODEC_ID_AAC_LATM,
  AV_CODEC_ID_DVB_SUBTITLE, AV_CODEC_ID_DVB_TELETEXT, AV_CODEC_ID_HDMV_PGS_SUBTITLE};

constexpr std::array matroska_subtitles{AV_CODEC_ID_SUBRIP,
                                        AV_CODEC_ID_ASS,
                                        AV_CODEC_ID_SSA,
                                        AV_CODEC_ID_WEBVTT,
                                        AV_CODEC_ID_DVD_SUBTITLE,
                                        AV_CODEC_ID_DVB_SUBTITLE,
                                        AV_CODEC_ID_HDMV_PGS_SUBTITLE,
                                        AV_CODEC_ID_HDMV_TEXT_SUBTITLE};

constexpr std::array webm_codecs{AV_CODEC_ID_VP8,    AV_CODEC_ID_VP9,  AV_CODEC_ID_AV1,
                                 AV_CODEC_ID_VORBIS, AV_CODEC_ID_OPUS, AV_CODEC_ID_WEBVTT};

/// libavformat supports these only in the ISO form of the container.
constexpr std::array not_in_quicktime{AV_CODEC_ID_VP9,  AV_CODEC_ID_AV1,    AV_CODEC_ID_OPUS,
                                      AV_CODEC_ID_FLAC, AV_CODEC_ID_TRUEHD, AV_CODEC_ID_MPEGH_3D_AUDIO};

/// Indexed by FF_PROFILE_PRORES_*: proxy, LT, standard, HQ, 4444, XQ.
constexpr std::array<uint32_t, 6> prores_tags{MKTAG('a', 'p', 'c', 'o'), MKTAG('a', 'p', 'c', 's'),
                                              MKTAG('a', 'p', 'c', 'n'), MKTAG('a', 'p', 'c', 'h'),
                                              MKTAG('a', 'p', '4', 'h'), MKTAG('a', 'p', '4', 'x')};

template <class List>
bool contains(const List& list, AVCodecID x) {
  return std::find(list.begin(), list.end(), x) != list.end();
}

/// In lower case; the whole name if it has no dot.
std::string extension_of(std::string_view name_or_path) {
  auto dot = name_or_path.rfind('.');
  std::string result{dot == std::string_view::npos ? name_or_path : name_or_path.substr(dot + 1)};
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

const entry& entry_of(container x) {
  return *std::find_if(entries.begin(), entries.end(), [x](const entry& y) { return y.value == x; });
}

} // namespace

std::optional<container> container_of(std::string_view name_or_path) {
  auto name = extension_of(name_or_path);
  for (const auto& x : entries)
    if (!name.empty() && std::find(x.names.begin(), x.names.end(), name) != x.names.end())
      return x.value;
  return std::nullopt;
}

bool is_for_sound(std::string_view name_or_path) {
  auto name = extension_of(name_or_path);
  return name == "m4a" || name == "mka" || name == "weba";
}

std::string container_extensions() {
  std::string result;
  for (const auto& x : entries)
    for (auto name : x.names)
      if (!name.empty())
        result += (result.empty() ? "" : ", ") + std::string{name};
  return result;
}

const char* container_name(container x) {
  return entry_of(x).names.front().data();
}

const char* muxer_name(container x) {
  return entry_of(x).muxer;
}

bool holds(container into, AVCodecID codec) {
  if (into == container::mpegts)
    return contains(transport_codecs, codec);
  if (into == container::webm)
    return contains(webm_codecs, codec);
  if (avcodec_get_type(codec) == AVMEDIA_TYPE_SUBTITLE)
    return into == container::mkv ? contains(matroska_subtitles, codec) : codec == AV_CODEC_ID_MOV_TEXT;
  if (into == container::mov && contains(not_in_quicktime, codec))
    return false;
  const auto* format = av_guess_format(muxer_name(into), nullptr, nullptr);
  return format != nullptr && avformat_query_codec(format, codec, FF_COMPLIANCE_NORMAL) == 1;
}

std::string others_that_hold(container but, AVCodecID codec) {
  std::string result;
  for (const auto& x : entries)
    if (x.value != but && holds(x.value, codec))
      result += (result.empty() ? "; " : " or ") + std::string{x.names.front()};
  return result.empty() ? result : result + " holds it";
}

uint32_t tag_of(AVCodecID codec, int profile) {
  auto known = codec == AV_CODEC_ID_PRORES && profile >= 0 && static_cast<size_t>(profile) < prores_tags.size();
  return known ? prores_tags[static_cast<size_t>(profile)] : 0;
}

int profile_of(AVCodecID codec, uint32_t tag, int otherwise) {
  auto found = std::find(prores_tags.begin(), prores_tags.end(), tag);
  auto known = codec == AV_CODEC_ID_PRORES && found != prores_tags.end();
  return known ? static_cast<int>(found - prores_tags.begin()) : otherwise;
}

AVCodecID text_subtitle_of(container into) {
  switch (into) {
  case container::mp4:
  case container::mov:
    return AV_CODEC_ID_MOV_TEXT;
  case container::mkv:
    return AV_CODEC_ID_SUBRIP;
  case container::webm:
    return AV_CODEC_ID_WEBVTT;
  case container::mpegts:
    break;
  }
  return AV_CODEC_ID_NONE;
}

bool is_text_subtitle(AVCodecID codec) {
  const auto* x = avcodec_descriptor_get(codec);
  return x != nullptr && x->type == AVMEDIA_TYPE_SUBTITLE && (x->props & AV_CODEC_PROP_TEXT_SUB) != 0;
}

bool holds_attachments(container into) {
  return into == container::mkv;
}

bool holds_cover(container into) {
  return into == container::mp4 || into == container::mkv;
}

bool wants_headers_in_band(container into) {
  return into == container::mpegts;
}

const char* usual_video_codec(container into) {
  return into == container::webm ? "vp9" : "h264";
}

const char* usual_audio_codec(container into) {
  return into == container::webm ? "opus" : "aac";
}

} // namespace troupe::av

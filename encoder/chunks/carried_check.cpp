// Compares streams by kind and order, because containers count covers and attachments in different ways.
#include "encoder/chunks/carried_check.hpp"

#include <algorithm>
#include <string>

namespace troupe::av {

namespace {

bool is_file(const AVStream& x) {
  return x.codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT || (x.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
}

size_t files_in(const AVFormatContext& x) {
  return static_cast<size_t>(std::count_if(x.streams, x.streams + x.nb_streams, [](auto* y) { return is_file(*y); }));
}

/// Flags that players use. The default flag is left out, because transport streams cannot store it.
constexpr int marks = AV_DISPOSITION_DUB | AV_DISPOSITION_ORIGINAL | AV_DISPOSITION_COMMENT | AV_DISPOSITION_LYRICS
                      | AV_DISPOSITION_KARAOKE | AV_DISPOSITION_FORCED | AV_DISPOSITION_HEARING_IMPAIRED
                      | AV_DISPOSITION_VISUAL_IMPAIRED | AV_DISPOSITION_CAPTIONS | AV_DISPOSITION_DESCRIPTIONS;

void compare_marks(int stream, int want, const AVStream& have, std::vector<assembly_note>& to) {
  for (auto lost = want & marks & ~have.disposition; lost != 0; lost &= lost - 1)
    to.push_back({stream, std::string{"the mark \""} + av_disposition_to_string(lost & -lost)
                            + "\" is lost: this container does not keep it"});
}

/// Side data that libavformat reads only from the container, not also from the pictures.
bool is_of_container(AVPacketSideDataType x) {
  return x == AV_PKT_DATA_DOVI_CONF || x == AV_PKT_DATA_SPHERICAL || x == AV_PKT_DATA_STEREO3D;
}

std::string share(size_t have, size_t want, const char* what) {
  return std::to_string(want - have) + " of the " + std::to_string(want) + " " + what
         + " are lost: the written result does not have them";
}

} // namespace

void carried_check::open(const AVFormatContext& have) {
  for (unsigned i = 0; i < have.nb_streams; ++i) {
    auto subtitle = have.streams[i]->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE;
    places_.push_back(subtitle ? static_cast<int>(packets_.size()) : -1);
    if (!subtitle)
      continue;
    packets_.push_back(0);
    streams_.push_back(i);
  }
}

void carried_check::take(const AVFormatContext& have, const AVPacket& packet) {
  auto stream = static_cast<size_t>(packet.stream_index);
  if (stream < places_.size() && places_[stream] >= 0 && is_line(have.streams[stream]->codecpar->codec_id, packet))
    ++packets_[static_cast<size_t>(places_[stream])];
}

std::vector<assembly_note> carried_check::finish(const AVFormatContext& have) const {
  std::vector<assembly_note> result;
  for (const auto& want : want_.tracks) {
    if (static_cast<unsigned>(want.output) >= have.nb_streams)
      continue;
    const auto& stream = *have.streams[want.output];
    compare_marks(want.stream, want.disposition, stream, result);
    for (auto type : want.records)
      if (is_of_container(type) && av_stream_get_side_data(&stream, type, nullptr) == nullptr)
        result.push_back({want.stream, "the record \"" + std::string{av_packet_side_data_name(type)}
                                         + "\" is lost: this container does not keep it"});
  }
  for (size_t i = 0; i < want_.subtitles.size(); ++i) {
    const auto& want = want_.subtitles[i];
    if (i < streams_.size())
      compare_marks(want.stream, want.disposition, *have.streams[streams_[i]], result);
    auto read = i < packets_.size() ? packets_[i] : 0;
    if (read < want.packets || i >= packets_.size())
      result.push_back({want.stream, i < packets_.size()
                                       ? share(read, want.packets, "lines of these subtitles")
                                       : "these subtitles are lost: the result that was written does not have them"});
  }
  if (auto found = files_in(have); found < want_.files)
    result.push_back({-1, share(found, want_.files, "attachments and covers")});
  if (have.nb_chapters < want_.chapters)
    result.push_back({-1, share(have.nb_chapters, want_.chapters, "chapters")});
  return result;
}

} // namespace troupe::av

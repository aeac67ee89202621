// First pass: times, checksums, parameters. Second pass: packets.
#include "encoder/chunks/chunk_sequence.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe::av {

namespace {

/// The most pictures of reordering: the limit of H.264 and HEVC, the highest of all codecs.
constexpr int reordered_max = 16;

bool is_same_header(const AVCodecParameters& a, const AVCodecParameters& b) {
  return a.extradata_size == b.extradata_size
         && (a.extradata_size == 0
             || std::memcmp(a.extradata, b.extradata, static_cast<size_t>(a.extradata_size)) == 0);
}

/// Compares the properties that must not change between chunks, because a container stores them once.
bool is_same_format(const track& a, const track& b) {
  const auto& x = *a.parameters;
  const auto& y = *b.parameters;
  return a.stream == b.stream && x.codec_id == y.codec_id && x.width == y.width && x.height == y.height
         && x.format == y.format && x.sample_rate == y.sample_rate
         && x.ch_layout.nb_channels == y.ch_layout.nb_channels;
}

/// Codecs whose parameter sets have the same form in extradata and before a random-access point.
bool has_headers_in_band(AVCodecID codec) {
  return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_MPEG4;
}

bool is_annexb(const AVCodecParameters& p) {
  return p.extradata_size > 4 && p.extradata[0] == 0 && p.extradata[1] == 0
         && (p.extradata[2] == 1 || (p.extradata[2] == 0 && p.extradata[3] == 1));
}

/// True if the access unit has a sequence header before its first slice.
bool brings_headers(AVCodecID codec, const AVPacket& packet) {
  for (auto i = 0; i + 3 < packet.size; ++i) {
    if (packet.data[i] != 0 || packet.data[i + 1] != 0 || packet.data[i + 2] != 1)
      continue;
    auto byte = packet.data[i + 3];
    if (codec == AV_CODEC_ID_MPEG4)
      return byte != 0xb6;
    auto kind = codec == AV_CODEC_ID_H264 ? byte & 0x1f : byte >> 1 & 0x3f;
    if (codec == AV_CODEC_ID_H264 ? kind == 7 : kind == 33)
      return true;
    if (codec == AV_CODEC_ID_H264 ? kind >= 1 && kind <= 5 : kind < 32)
      return false;
  }
  return false;
}

tl::unexpected<error> wrong(const std::string& path, const std::string& what) {
  return fail(errc::media, "assemble the chunk " + path + ": " + what);
}

} // namespace

expected<void> chunk_sequence::scan(const chunk_source& chunk, const work_control& control,
                                    std::vector<std::vector<int64_t>>& decoded) {
  auto reader = chunk_reader::open(chunk.path, !chunk.sha256.empty());
  if (!reader)
    return tl::unexpected{std::move(reader.error())};
  auto first = tracks_.empty();
  if (first) {
    for (const auto& x : reader->tracks())
      tracks_.push_back({x.clone(), 0, 0, no_pts, no_pts, no_pts, no_pts, false, {}});
    decoded.resize(tracks_.size());
  }
  if (reader->tracks().size() != tracks_.size())
    return wrong(chunk.path, "it has other tracks than the chunks before it");
  auto before = std::vector<int64_t>{};
  for (size_t i = 0; i < tracks_.size(); ++i) {
    if (!is_same_format(tracks_[i].info, reader->tracks()[i]))
      return wrong(chunk.path, "its track " + std::to_string(i) + " differs from that of the chunks before it");
    // For example, a chunk without packets of a track may lack its parameter sets.
    if (!is_same_header(*tracks_[i].info.parameters, *reader->tracks()[i].parameters))
      tracks_[i].headers_differ = true;
    before.push_back(tracks_[i].last_pts);
  }
  auto packet = make_packet();
  for (;;) {
    if (control.stop.load(std::memory_order_relaxed))
      return fail(errc::interrupted, "assemble: stopped by the caller");
    auto more = reader->next(*packet, true);
    if (!more)
      return tl::unexpected{std::move(more.error())};
    if (!*more)
      break;
    auto index = static_cast<size_t>(packet->stream_index);
    auto& x = tracks_[index];
    if (before[index] != no_pts && packet->pts <= before[index])
      return wrong(chunk.path, "it does not come after the chunk before it: it has a packet of track "
                                 + std::to_string(index) + " at " + std::to_string(packet->pts)
                                 + " ticks, the other one at " + std::to_string(before[index]));
    if (x.packets++ == 0) {
      x.first_dts = packet->dts;
      x.first_pts = packet->pts;
    }
    x.hidden += (packet->flags & AV_PKT_FLAG_DISCARD) != 0 ? 1 : 0;
    x.first_pts = std::min(x.first_pts, packet->pts);
    x.last_pts = std::max(x.last_pts, packet->pts);
    x.end_pts = std::max(x.end_pts, packet->pts + packet->duration);
    if (x.info.parameters->codec_type == AVMEDIA_TYPE_VIDEO)
      decoded[index].push_back(packet->pts);
  }
  if (!chunk.sha256.empty() && reader->digest() != chunk.sha256)
    return wrong(chunk.path, "it is not the file that was announced: its SHA-256 differs");
  return {};
}

void chunk_sequence::finish_scan(const std::vector<std::vector<int64_t>>& decoded) {
  orders_.resize(tracks_.size());
  for (size_t i = 0; i < tracks_.size(); ++i) {
    auto& x = tracks_[i];
    auto& made = orders_[i];
    x.pictures = decoded[i];
    std::sort(x.pictures.begin(), x.pictures.end());
    // Two fields of one picture with the same time keep their original decoding times.
    made.rebuilt = !x.pictures.empty() && std::adjacent_find(x.pictures.begin(), x.pictures.end()) == x.pictures.end();
    if (!made.rebuilt)
      continue;
    for (size_t k = 0; k < decoded[i].size(); ++k) {
      auto rank = std::lower_bound(x.pictures.begin(), x.pictures.end(), decoded[i][k]) - x.pictures.begin();
      if (static_cast<size_t>(rank) < k)
        made.reordered = std::max(made.reordered, k - static_cast<size_t>(rank));
    }
    // The depth is at least the value that the encoder announced, because players prepare for that one.
    auto announced = static_cast<size_t>(std::clamp(x.info.parameters->video_delay, 0, reordered_max));
    made.reordered = std::max(made.reordered, announced);
    made.step = x.pictures.size() > 1 ? x.pictures[1] - x.pictures[0] : time_base.den / 25;
    x.first_dts = x.pictures.front() - static_cast<int64_t>(made.reordered) * made.step;
  }
}

expected<chunk_sequence> chunk_sequence::open(std::vector<chunk_source> chunks, const work_control& control) {
  if (chunks.empty())
    return fail(errc::option, "assemble: there are no chunks");
  chunk_sequence result;
  result.chunks_ = std::move(chunks);
  std::vector<std::vector<int64_t>> decoded;
  for (const auto& x : result.chunks_)
    if (auto ok = result.scan(x, control, decoded); !ok)
      return tl::unexpected{std::move(ok.error())};
  result.finish_scan(decoded);
  return result;
}

/// Gives a packet its decoding time, and a picture the duration up to the next one.
void chunk_sequence::place(AVPacket& packet) {
  auto index = static_cast<size_t>(packet.stream_index);
  auto& made = orders_[index];
  const auto& pictures = tracks_[index].pictures;
  if (made.rebuilt) {
    auto k = made.next++;
    auto ahead = static_cast<int64_t>(k) - static_cast<int64_t>(made.reordered);
    packet.dts = ahead >= 0 ? pictures[static_cast<size_t>(ahead)] : pictures.front() + ahead * made.step;
    auto after = std::upper_bound(pictures.begin(), pictures.end(), packet.pts);
    if (after != pictures.end())
      packet.duration = *after - packet.pts;
  } else if (made.last_dts != no_pts && packet.dts <= made.last_dts) {
    packet.dts = made.last_dts + 1;
    packet.pts = std::max(packet.pts, packet.dts);
  }
  made.last_dts = packet.dts;
}

void chunk_sequence::add_headers(AVPacket& packet) const {
  auto index = static_cast<size_t>(packet.stream_index);
  const auto& p = *reader_->tracks()[index].parameters;
  if ((packet.flags & AV_PKT_FLAG_KEY) == 0 || !(headers_in_band_ || tracks_[index].headers_differ)
      || !has_headers_in_band(p.codec_id) || !is_annexb(p) || brings_headers(p.codec_id, packet))
    return;
  auto joined = make_packet();
  if (av_new_packet(joined.get(), p.extradata_size + packet.size) < 0
      || av_packet_copy_props(joined.get(), &packet) < 0)
    throw std::bad_alloc{};
  std::memcpy(joined->data, p.extradata, static_cast<size_t>(p.extradata_size));
  std::memcpy(joined->data + p.extradata_size, packet.data, static_cast<size_t>(packet.size));
  av_packet_unref(&packet);
  av_packet_move_ref(&packet, joined.get());
}

expected<bool> chunk_sequence::next(AVPacket& packet) {
  for (;;) {
    if (!reader_) {
      if (next_chunk_ == chunks_.size())
        return false;
      auto opened = chunk_reader::open(chunks_[next_chunk_++].path);
      if (!opened)
        return tl::unexpected{std::move(opened.error())};
      reader_ = std::move(*opened);
    }
    auto more = reader_->next(packet);
    if (!more)
      return more;
    if (!*more) {
      reader_.reset();
      continue;
    }
    auto index = static_cast<size_t>(packet.stream_index);
    if (index >= tracks_.size() || (orders_[index].rebuilt && orders_[index].next >= tracks_[index].pictures.size()))
      return wrong(chunks_[next_chunk_ - 1].path, "it has changed since it was first read");
    place(packet);
    add_headers(packet);
    return true;
  }
}

} // namespace troupe::av

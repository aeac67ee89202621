// A file is a magic word and records; each has a length, the CRC-32 of the body, and the body. A body begins with its
// kind.
#include "encoder/chunks/chunk_file.hpp"

#include "encoder/chunks/wire.hpp"

extern "C" {
#include <libavutil/crc.h>
#include <libavutil/pixdesc.h>
#include <libavutil/samplefmt.h>
}

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace troupe::av {

namespace {

constexpr std::string_view magic = "TROUPECHUNK1\n";

/// A packet from a source is 64 MiB at most; its record is slightly larger.
constexpr uint32_t record_bytes_max = (64u << 20) + (1u << 20);

enum class record_kind : uint8_t { tracks = 1, packet = 2, end = 3 };

/// Side data that a container writes, or that says which samples are played. Its index here is its number in the file.
constexpr std::array side_data_kinds{AV_PKT_DATA_NEW_EXTRADATA,   AV_PKT_DATA_SKIP_SAMPLES,
                                     AV_PKT_DATA_PARAM_CHANGE,    AV_PKT_DATA_MATROSKA_BLOCKADDITIONAL,
                                     AV_PKT_DATA_A53_CC,          AV_PKT_DATA_DYNAMIC_HDR10_PLUS,
                                     AV_PKT_DATA_MPEGTS_STREAM_ID};

uint32_t crc_of(std::span<const uint8_t> bytes) {
  return av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), 0xffffffff, bytes.data(), bytes.size());
}

std::string layout_name(const AVChannelLayout& layout) {
  std::array<char, 256> text = {};
  return av_channel_layout_describe(&layout, text.data(), text.size()) > 0 ? std::string{text.data()} : std::string{};
}

std::string format_name(const AVCodecParameters& p) {
  const auto* name = p.codec_type == AVMEDIA_TYPE_VIDEO ? av_get_pix_fmt_name(static_cast<AVPixelFormat>(p.format))
                                                        : av_get_sample_fmt_name(static_cast<AVSampleFormat>(p.format));
  return name != nullptr ? name : "";
}

int format_value(AVMediaType type, const std::string& name) {
  return type == AVMEDIA_TYPE_VIDEO ? static_cast<int>(av_get_pix_fmt(name.c_str()))
                                    : static_cast<int>(av_get_sample_fmt(name.c_str()));
}

void put_rational(wire_writer& to, AVRational x) {
  to.put(x.num);
  to.put(x.den);
}

AVRational get_rational(wire_reader& from) {
  auto num = from.get<int>();
  return {num, from.get<int>()};
}

/// A numerator of zero means unknown.
bool is_ratio(AVRational x) {
  return x.num == 0 || (x.num > 0 && x.den > 0);
}

/// The fields that codecs and containers use, in the order in which `get_track` reads them.
void put_track(wire_writer& to, const track& x) {
  const auto& p = *x.parameters;
  to.put(static_cast<uint8_t>(p.codec_type == AVMEDIA_TYPE_VIDEO ? 1 : 2));
  to.put_text(avcodec_get_name(p.codec_id));
  to.put_text(format_name(p));
  to.put(p.bit_rate);
  for (auto value : {p.bits_per_coded_sample, p.bits_per_raw_sample, p.profile, p.level, p.width, p.height})
    to.put(value);
  put_rational(to, p.sample_aspect_ratio);
  for (auto value : {static_cast<int>(p.field_order), static_cast<int>(p.color_range),
                     static_cast<int>(p.color_primaries), static_cast<int>(p.color_trc),
                     static_cast<int>(p.color_space), static_cast<int>(p.chroma_location), p.video_delay, p.sample_rate,
                     p.block_align, p.frame_size, p.initial_padding, p.trailing_padding, p.seek_preroll})
    to.put(value);
  to.put_text(p.codec_type == AVMEDIA_TYPE_AUDIO ? layout_name(p.ch_layout) : std::string{});
  to.put_bytes({p.extradata, static_cast<size_t>(p.extradata_size)});
  put_rational(to, x.frame_rate);
  to.put_text(x.language);
  to.put(x.stream);
}

/// False if the codec is unknown here or a field is invalid.
bool get_track(wire_reader& from, track& x) {
  x.parameters = make_codec_parameters();
  auto& p = *x.parameters;
  p.codec_type = from.get<uint8_t>() == 1 ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
  const auto* codec = avcodec_descriptor_get_by_name(from.get_text().c_str());
  p.format = format_value(p.codec_type, from.get_text());
  p.bit_rate = from.get<int64_t>();
  for (auto* value : {&p.bits_per_coded_sample, &p.bits_per_raw_sample, &p.profile, &p.level, &p.width, &p.height})
    *value = from.get<int>();
  p.sample_aspect_ratio = get_rational(from);
  p.field_order = static_cast<AVFieldOrder>(from.get<int>());
  p.color_range = static_cast<AVColorRange>(from.get<int>());
  p.color_primaries = static_cast<AVColorPrimaries>(from.get<int>());
  p.color_trc = static_cast<AVColorTransferCharacteristic>(from.get<int>());
  p.color_space = static_cast<AVColorSpace>(from.get<int>());
  p.chroma_location = static_cast<AVChromaLocation>(from.get<int>());
  for (auto* value : {&p.video_delay, &p.sample_rate, &p.block_align, &p.frame_size, &p.initial_padding,
                      &p.trailing_padding, &p.seek_preroll})
    *value = from.get<int>();
  auto layout = from.get_text();
  auto extradata = from.get_bytes();
  x.frame_rate = get_rational(from);
  x.language = from.get_text();
  x.stream = from.get<int>();
  if (!from.good() || codec == nullptr || codec->type != p.codec_type || p.width < 0 || p.height < 0
      || p.sample_rate < 0 || p.initial_padding < 0 || p.frame_size < 0 || !is_ratio(p.sample_aspect_ratio)
      || !is_ratio(x.frame_rate))
    return false;
  p.codec_id = codec->id;
  if (!layout.empty() && av_channel_layout_from_string(&p.ch_layout, layout.c_str()) < 0)
    return false;
  if (!extradata.empty()) {
    p.extradata = static_cast<uint8_t*>(checked(av_mallocz(extradata.size() + AV_INPUT_BUFFER_PADDING_SIZE)));
    std::memcpy(p.extradata, extradata.data(), extradata.size());
    p.extradata_size = static_cast<int>(extradata.size());
  }
  return true;
}

} // namespace

expected<chunk_writer> chunk_writer::create(const std::string& target, const std::string& tag) {
  return base::new_file::create(target, tag)
    .map([](base::new_file&& file) { return chunk_writer{std::move(file)}; })
    .map_error(from_file);
}

expected<void> chunk_writer::put_record(std::span<const uint8_t> record) {
  if (record.size() > record_bytes_max)
    return fail(errc::limit, "write a chunk: a packet of " + std::to_string(record.size()) + " bytes is too large");
  wire_writer head;
  head.put(static_cast<uint32_t>(record.size()));
  head.put(crc_of(record));
  return file_.write(std::as_bytes(std::span{head.bytes()}))
    .and_then([&] { return file_.write(std::as_bytes(record)); })
    .map_error(from_file);
}

expected<void> chunk_writer::begin(const std::vector<track>& tracks) {
  if (tracks.size() > chunk_tracks_max)
    return fail(errc::limit,
                "write a chunk: more than the " + std::to_string(chunk_tracks_max) + " tracks it may have");
  wire_writer body;
  body.put(static_cast<uint8_t>(record_kind::tracks));
  body.put(static_cast<uint8_t>(tracks.size()));
  for (const auto& x : tracks)
    put_track(body, x);
  if (auto ok = file_.write(std::as_bytes(std::span{magic})); !ok)
    return tl::unexpected{from_file(std::move(ok.error()))};
  return put_record({reinterpret_cast<const uint8_t*>(body.bytes().data()), body.bytes().size()});
}

expected<void> chunk_writer::write(const AVPacket& packet) {
  assert(packet.stream_index >= 0 && static_cast<size_t>(packet.stream_index) < chunk_tracks_max);
  assert(packet.dts != no_pts); // every lane sets one
  ++packets_;
  wire_writer body;
  body.put(static_cast<uint8_t>(record_kind::packet));
  body.put(static_cast<uint8_t>(packet.stream_index));
  body.put(packet.pts);
  body.put(packet.dts);
  body.put(packet.duration);
  body.put(static_cast<uint16_t>(packet.flags & 0xffff));
  uint8_t parts = 0;
  wire_writer side;
  for (auto i = 0; i < packet.side_data_elems; ++i)
    for (size_t kind = 0; kind < side_data_kinds.size(); ++kind)
      if (const auto& x = packet.side_data[i]; x.type == side_data_kinds[kind]) {
        ++parts;
        side.put(static_cast<uint8_t>(kind));
        side.put_bytes({x.data, x.size});
      }
  body.put(parts);
  auto record = body.bytes() + side.bytes();
  wire_writer data;
  data.put_bytes({packet.data, static_cast<size_t>(packet.size)});
  record += data.bytes();
  return put_record({reinterpret_cast<const uint8_t*>(record.data()), record.size()});
}

expected<std::string> chunk_writer::commit() {
  wire_writer body;
  body.put(static_cast<uint8_t>(record_kind::end));
  body.put(packets_);
  if (auto ok = put_record({reinterpret_cast<const uint8_t*>(body.bytes().data()), body.bytes().size()}); !ok)
    return tl::unexpected{std::move(ok.error())};
  return file_.commit(base::overwrite::allow).map_error(from_file);
}

tl::unexpected<error> chunk_reader::broken(const std::string& what) const {
  return fail(errc::media, "read the chunk " + path_ + ": " + what);
}

expected<chunk_reader> chunk_reader::open(const std::string& path, bool hashing) {
  std::unique_ptr<std::FILE, closer> file{std::fopen(path.c_str(), "rbe")};
  if (!file)
    return fail(errc::io, "open the chunk " + path + ": " + std::strerror(errno));
  chunk_reader result{std::move(file), path};
  if (hashing)
    result.hash_.emplace();
  std::array<uint8_t, magic.size()> head = {};
  if (!result.read(head) || std::memcmp(head.data(), magic.data(), magic.size()) != 0)
    return result.broken("it is no chunk file");
  if (auto ok = result.read_record().and_then([&] { return result.take_tracks(); }); !ok)
    return tl::unexpected{std::move(ok.error())};
  return result;
}

bool chunk_reader::read(std::span<uint8_t> bytes) {
  if (std::fread(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
    return false;
  if (hash_)
    hash_->add(std::as_bytes(bytes));
  return true;
}

expected<void> chunk_reader::read_record() {
  std::array<uint8_t, 8> head = {};
  if (!read(head))
    return broken("it ends early");
  wire_reader fields{head};
  auto size = fields.get<uint32_t>();
  auto crc = fields.get<uint32_t>();
  if (size == 0 || size > record_bytes_max)
    return broken("it is damaged: a record has " + std::to_string(size) + " bytes");
  record_.resize(size);
  if (!read(record_))
    return broken("it ends early");
  if (crc_of(record_) != crc)
    return broken("it is damaged: a checksum is wrong");
  return {};
}

expected<void> chunk_reader::take_tracks() {
  wire_reader body{record_};
  if (body.get<uint8_t>() != static_cast<uint8_t>(record_kind::tracks))
    return broken("it does not begin with its tracks");
  auto count = body.get<uint8_t>();
  if (count > chunk_tracks_max)
    return broken("it has too many tracks");
  for (auto i = 0; i < count; ++i) {
    track x;
    if (!get_track(body, x))
      return broken("the codec or format of its track " + std::to_string(i) + " is unknown here");
    tracks_.push_back(std::move(x));
  }
  return {};
}

expected<bool> chunk_reader::next(AVPacket& packet, bool headers_only) {
  av_packet_unref(&packet);
  if (ended_)
    return false;
  if (auto ok = read_record(); !ok)
    return tl::unexpected{std::move(ok.error())};
  if (record_[0] == static_cast<uint8_t>(record_kind::packet))
    return take_packet(packet, headers_only);
  wire_reader body{record_};
  body.get<uint8_t>();
  if (record_[0] != static_cast<uint8_t>(record_kind::end) || body.get<uint64_t>() != packets_ || !body.good())
    return broken("packets are missing");
  if (std::fgetc(file_.get()) != EOF)
    return broken("something follows its end");
  ended_ = true;
  return false;
}

expected<bool> chunk_reader::take_packet(AVPacket& packet, bool headers_only) {
  ++packets_;
  wire_reader body{record_};
  body.get<uint8_t>();
  packet.stream_index = body.get<uint8_t>();
  packet.pts = body.get<int64_t>();
  packet.dts = body.get<int64_t>();
  packet.duration = body.get<int64_t>();
  packet.flags = body.get<uint16_t>();
  packet.time_base = time_base;
  auto parts = body.get<uint8_t>();
  for (auto i = 0; i < parts && body.good(); ++i) {
    auto kind = body.get<uint8_t>();
    auto bytes = body.get_bytes();
    // Skips side data of a newer version whose number is unknown here.
    if (headers_only || kind >= side_data_kinds.size() || !body.good())
      continue;
    std::memcpy(checked(av_packet_new_side_data(&packet, side_data_kinds[kind], bytes.size())), bytes.data(),
                bytes.size());
  }
  auto data = body.get_bytes();
  if (!body.good() || !body.at_end() || static_cast<size_t>(packet.stream_index) >= tracks_.size()
      || packet.pts == no_pts || packet.dts == no_pts)
    return broken("a packet has invalid fields");
  if (headers_only)
    return true;
  auto* buffer = checked(av_buffer_alloc(data.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  std::memcpy(buffer->data, data.data(), data.size());
  std::memset(buffer->data + data.size(), 0, AV_INPUT_BUFFER_PADDING_SIZE);
  packet.buf = buffer;
  packet.data = buffer->data;
  packet.size = static_cast<int>(data.size());
  return true;
}

} // namespace troupe::av

// One walk over a packet's start codes finds its units; the codec tables below say what their numbers mean.
#include "encoder/source/annexb.hpp"

#include "encoder/source/coded_type.hpp"

extern "C" {
#include <libavutil/intreadwrite.h>
}

#include <algorithm>
#include <cstring>
#include <utility>

namespace troupe::av {

namespace {

constexpr size_t headers_max = 300;            // 256 picture parameter sets and all other headers
constexpr size_t header_bytes_max = 64 * 1024; // all of them together

enum class unit_role { other, header, delimiter, picture, key };

struct unit_meaning {
  unit_role role = unit_role::other;
  int kind = 0;
};

unit_meaning meaning(AVCodecID codec, uint8_t first) {
  switch (codec) {
  case AV_CODEC_ID_H264:
    switch (first & 0x1f) {
    case 1:
    case 2:
      return {unit_role::picture, 0};
    case 5:
      return {unit_role::key, 0};
    case 7:
      return {unit_role::header, 1};
    case 8:
      return {unit_role::header, 2};
    case 9:
      return {unit_role::delimiter, 0};
    }
    return {};
  case AV_CODEC_ID_HEVC: {
    auto type = (first >> 1) & 0x3f;
    if (type >= 16 && type <= 23)
      return {unit_role::key, 0};
    if (type >= 32 && type <= 34)
      return {unit_role::header, type - 32};
    if (type < 32)
      return {unit_role::picture, 0};
    return {type == 35 ? unit_role::delimiter : unit_role::other, 0};
  }
  case AV_CODEC_ID_MPEG1VIDEO:
  case AV_CODEC_ID_MPEG2VIDEO:
    if (first == 0x00)
      return {unit_role::picture, 0};
    // A sequence extension belongs to the header before it.
    return {first == 0xb3 || first == 0xb5 ? unit_role::header : unit_role::other, first == 0xb3 ? 0 : 1};
  case AV_CODEC_ID_MPEG4:
    if (first == 0xb6)
      return {unit_role::picture, 0};
    if (first <= 0x2f)
      return {unit_role::header, first <= 0x1f ? 1 : 2};
    return {first == 0xb0 ? unit_role::header : unit_role::other, 0};
  default:
    return {};
  }
}

/// The kinds of headers that decoding needs to start, as bits.
uint32_t needed_kinds(AVCodecID codec) {
  switch (codec) {
  case AV_CODEC_ID_H264:
    return 0b110;
  case AV_CODEC_ID_HEVC:
    return 0b111;
  case AV_CODEC_ID_MPEG1VIDEO:
  case AV_CODEC_ID_MPEG2VIDEO:
    return 0b001;
  case AV_CODEC_ID_MPEG4:
    return 0b100;
  default:
    return 0;
  }
}

/// The offset of the next 00 00 01 at or after `from`, or the size.
size_t find_start(std::span<const uint8_t> data, size_t from) {
  while (from + 3 <= data.size()) {
    auto* at = static_cast<const uint8_t*>(std::memchr(data.data() + from + 2, 1, data.size() - from - 2));
    if (at == nullptr)
      break;
    auto i = static_cast<size_t>(at - data.data());
    if (data[i - 1] == 0 && data[i - 2] == 0)
      return i - 2;
    from = i - 1;
  }
  return data.size();
}

/// Calls `f` with each unit (start code excluded) and its beginning (start code included) until `f` returns false.
template <class F>
void for_each_unit(std::span<const uint8_t> data, F f) {
  auto begin = find_start(data, 0);
  while (begin + 3 < data.size()) {
    auto end = find_start(data, begin + 3);
    if (!f(data.subspan(begin + 3, end - begin - 3), begin))
      return;
    begin = end;
  }
}

/// The Exp-Golomb number at a bit of `data`; moves `bit` past it. 0 if there is none.
uint32_t read_ue(std::span<const uint8_t> data, size_t& bit) {
  auto next = [&]() -> uint32_t {
    auto at = bit++;
    return at / 8 < data.size() ? (data[at / 8] >> (7 - at % 8)) & 1 : 1;
  };
  int zeros = 0;
  while (next() == 0 && zeros < 16)
    ++zeros;
  uint32_t value = 0;
  for (int i = 0; i < zeros; ++i)
    value = (value << 1) | next();
  return (1u << zeros) - 1 + value;
}

uint32_t first_ue(std::span<const uint8_t> data) {
  size_t bit = 0;
  return read_ue(data, bit);
}

/// The number of a picture parameter set. Other headers have one number per kind.
uint32_t header_id(AVCodecID codec, int kind, std::span<const uint8_t> unit) {
  if (kind != 2)
    return 0;
  if (codec == AV_CODEC_ID_H264 && unit.size() > 1)
    return first_ue(unit.subspan(1));
  if (codec == AV_CODEC_ID_HEVC && unit.size() > 2)
    return first_ue(unit.subspan(2));
  return 0;
}

bool is_nal(AVCodecID codec) {
  return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC;
}

bool is_mpeg12(AVCodecID codec) {
  return codec == AV_CODEC_ID_MPEG1VIDEO || codec == AV_CODEC_ID_MPEG2VIDEO;
}

bool has_length_prefixes(const AVCodecParameters& x) {
  if (!is_nal(x.codec_id))
    return false;
  if (x.extradata_size < 7 || x.extradata == nullptr)
    return false;
  return AV_RB24(x.extradata) != 1 && AV_RB32(x.extradata) != 1;
}

std::span<const uint8_t> bytes_of(const AVPacket& x) {
  return {x.data, static_cast<size_t>(std::max(x.size, 0))};
}

/// True if every slice of an H.264 picture has only intra macroblocks (ITU-T H.264, table 7-6), or an older codec marks
/// the picture as intra.
bool is_intra(AVCodecID codec, const AVPacket& packet) {
  if (codec != AV_CODEC_ID_H264)
    return coded_type(codec, packet) == 'I';
  auto slices = 0;
  auto others = 0;
  for_each_unit(bytes_of(packet), [&](std::span<const uint8_t> unit, size_t) {
    if ((unit[0] & 0x1f) != 1)
      return true;
    size_t bit = 0;
    read_ue(unit.subspan(1), bit); // number of the slice's first macroblock
    auto type = read_ue(unit.subspan(1), bit) % 5;
    ++(type == 2 || type == 4 ? slices : others);
    return others == 0;
  });
  return slices > 0 && others == 0;
}

} // namespace

expected<video_normaliser> video_normaliser::open(const AVCodecParameters& parameters, AVRational packet_time_base) {
  video_normaliser result;
  result.packet_time_base_ = packet_time_base;
  result.parameters_ = copy(parameters);
  result.kinds_needed_ = needed_kinds(parameters.codec_id);
  if (has_length_prefixes(parameters))
    if (auto ok = result.open_filter(parameters); !ok)
      return tl::unexpected{std::move(ok.error())};
  auto& p = *result.parameters_;
  if (p.extradata_size > 0)
    result.learn({p.extradata, static_cast<size_t>(p.extradata_size)});
  return result;
}

expected<void> video_normaliser::open_filter(const AVCodecParameters& parameters) {
  auto name = parameters.codec_id == AV_CODEC_ID_H264 ? "h264_mp4toannexb" : "hevc_mp4toannexb";
  auto step = std::string{"open the bitstream filter "} + name;
  const auto* filter = av_bsf_get_by_name(name);
  if (filter == nullptr)
    return fail(errc::unsupported, step + ": not in the linked libavcodec");
  AVBSFContext* context = nullptr;
  if (auto rc = av_bsf_alloc(filter, &context); rc < 0)
    return fail(errc::media, step, rc);
  bitstream_filter_ptr owned{context};
  if (auto rc = avcodec_parameters_copy(context->par_in, &parameters); rc < 0)
    return fail(errc::media, step, rc);
  context->time_base_in = packet_time_base_;
  if (auto rc = av_bsf_init(context); rc < 0)
    return fail(errc::media, step, rc);
  parameters_ = copy(*context->par_out);
  filter_ = std::move(owned);
  return {};
}

void video_normaliser::flush() noexcept {
  if (filter_)
    av_bsf_flush(filter_.get());
}

bool video_normaliser::is_idr(AVCodecID codec, std::span<const uint8_t> annexb) {
  bool result = false;
  for_each_unit(annexb, [&](std::span<const uint8_t> unit, size_t) {
    auto type = codec == AV_CODEC_ID_H264 ? unit[0] & 0x1f : (unit[0] >> 1) & 0x3f;
    result = codec == AV_CODEC_ID_H264 ? type == 5 : codec == AV_CODEC_ID_HEVC && type >= 16 && type <= 20;
    auto slice = codec == AV_CODEC_ID_H264 ? type >= 1 && type <= 5 : type < 32;
    return !slice;
  });
  return result;
}

bool video_normaliser::decoder_knows_leading(AVCodecID codec) noexcept {
  return is_mpeg12(codec) || codec == AV_CODEC_ID_HEVC;
}

bool video_normaliser::is_decodable_leading(AVCodecID codec, std::span<const uint8_t> point,
                                            std::span<const uint8_t> picture) {
  auto result = false;
  if (is_mpeg12(codec))
    // A group header says whether the group is closed (ISO/IEC 13818-2, 6.2.2.6).
    for_each_unit(point, [&](std::span<const uint8_t> unit, size_t) {
      auto group = unit[0] == 0xb8 && unit.size() > 4;
      result = group && (unit[4] & 0x40) != 0;
      return !group && unit[0] != 0;
    });
  if (codec == AV_CODEC_ID_HEVC)
    // RADL pictures refer only to their random-access point and to each other; RASL pictures refer to pictures before
    // it (ITU-T H.265, table 7-1).
    for_each_unit(picture, [&](std::span<const uint8_t> unit, size_t) {
      auto type = unit[0] >> 1 & 0x3f;
      result = type == 6 || type == 7;
      return type >= 32;
    });
  return result;
}

void video_normaliser::remember(int kind, uint32_t id, std::span<const uint8_t> unit, uint32_t fresh_kinds) {
  // A NAL unit never ends with a zero: trailing zeros belong to the next start code.
  if (is_nal(parameters_->codec_id))
    while (!unit.empty() && unit.back() == 0)
      unit = unit.first(unit.size() - 1);
  if (unit.empty())
    return;
  // The first header of a kind in a packet replaces those of earlier packets; a picture parameter set replaces only the
  // set with its number.
  auto replaced = [&](const header& x) {
    return x.kind == kind && (x.id == id && (kind == 2 || (fresh_kinds & (1u << kind)) == 0));
  };
  std::erase_if(headers_, replaced);
  auto total = unit.size() + 4;
  for (const auto& x : headers_)
    total += x.bytes.size();
  if (headers_.size() >= headers_max || total > header_bytes_max)
    return;
  header x{kind, id, {0, 0, 0, 1}};
  x.bytes.insert(x.bytes.end(), unit.begin(), unit.end());
  auto at = std::upper_bound(headers_.begin(), headers_.end(), kind, [](int k, const header& y) { return k < y.kind; });
  headers_.insert(at, std::move(x));
}

video_normaliser::scan video_normaliser::learn(std::span<const uint8_t> annexb) {
  scan result;
  auto codec = parameters_->codec_id;
  for_each_unit(annexb, [&](std::span<const uint8_t> unit, size_t begin) {
    auto what = meaning(codec, unit[0]);
    switch (what.role) {
    case unit_role::delimiter:
      if (begin <= 1) {
        result.delimiter = true;
        result.after_delimiter = begin + 3 + unit.size();
      }
      break;
    case unit_role::header:
      // In MPEG-2 a sequence extension may also belong to a picture; only the one directly after a sequence header is
      // kept.
      if (is_mpeg12(codec) && what.kind == 1 && result.kinds != 0b001)
        break;
      remember(what.kind, header_id(codec, what.kind, unit), unit, result.kinds);
      result.kinds |= 1u << what.kind;
      break;
    case unit_role::key:
      result.key = true;
      break;
    case unit_role::picture:
    case unit_role::other:
      break;
    }
    // Headers come before the picture, so the walk can stop here.
    return what.role != unit_role::key && what.role != unit_role::picture;
  });
  return result;
}

expected<void> video_normaliser::convert(AVPacket& packet) {
  size_t size = 0;
  if (const auto* fresh = av_packet_get_side_data(&packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
      fresh != nullptr && size > 0 && size < header_bytes_max) {
    auto changed = copy(*parameters_);
    av_freep(&changed->extradata);
    changed->extradata = static_cast<uint8_t*>(checked(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE)));
    std::memcpy(changed->extradata, fresh, size);
    changed->extradata_size = static_cast<int>(size);
    if (has_length_prefixes(*changed))
      if (auto ok = open_filter(*changed); !ok)
        return ok;
    if (parameters_->extradata_size > 0)
      learn({parameters_->extradata, static_cast<size_t>(parameters_->extradata_size)});
  }
  if (!filter_)
    return {};
  auto rc = av_bsf_send_packet(filter_.get(), &packet);
  if (rc >= 0)
    rc = av_bsf_receive_packet(filter_.get(), &packet);
  if (rc < 0) {
    av_bsf_flush(filter_.get());
    return fail(errc::media, "convert a packet to Annex B", rc);
  }
  return {};
}

expected<void> video_normaliser::prepend_headers(AVPacket& packet, size_t at) const {
  size_t extra = 0;
  for (const auto& x : headers_)
    extra += x.bytes.size();
  auto old = packet_ptr{checked(av_packet_alloc())};
  av_packet_move_ref(old.get(), &packet);
  if (auto rc = av_new_packet(&packet, old->size + static_cast<int>(extra)); rc < 0)
    return fail(errc::limit, "repeat the headers before a random-access point", rc);
  if (auto rc = av_packet_copy_props(&packet, old.get()); rc < 0)
    return fail(errc::limit, "repeat the headers before a random-access point", rc);
  packet.stream_index = old->stream_index;
  auto* out = packet.data;
  std::memcpy(out, old->data, at);
  out += at;
  for (const auto& x : headers_)
    out = std::copy(x.bytes.begin(), x.bytes.end(), out);
  std::memcpy(out, old->data + at, static_cast<size_t>(old->size) - at);
  return {};
}

expected<void> video_normaliser::apply(AVPacket& packet) {
  if (auto ok = convert(packet); !ok)
    return ok;
  if (kinds_needed_ == 0)
    return {};
  auto found = learn(bytes_of(packet));
  auto key = (packet.flags & AV_PKT_FLAG_KEY) != 0 || found.key;
  was_intra_ = !key && join_at_intra_ && is_intra(parameters_->codec_id, packet);
  if (!key && !was_intra_)
    return {};
  packet.flags |= AV_PKT_FLAG_KEY;
  if ((found.kinds & kinds_needed_) == kinds_needed_)
    return {};
  uint32_t known = 0;
  for (const auto& x : headers_)
    known |= 1u << x.kind;
  if ((known & kinds_needed_) != kinds_needed_) {
    packet.flags &= ~AV_PKT_FLAG_KEY;
    return {};
  }
  return prepend_headers(packet, found.delimiter ? found.after_delimiter : 0);
}

} // namespace troupe::av

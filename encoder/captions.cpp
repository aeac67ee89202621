// The payload is the same in both: ITU-T T.35, United States, ATSC, "GA94", caption data (A/53 part 4, section 6.2.3).
#include "encoder/captions.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <new>
#include <span>
#include <string_view>

namespace troupe::av {

namespace {

/// Pictures that an encoder may hold at once, generously.
constexpr size_t pictures_max = 1024;

/// Bytes of one character pair, and how many pairs a picture may have: their number has five bits.
constexpr size_t pair_bytes = 3;
constexpr size_t pairs_max = 31;

std::vector<uint8_t> payload_of(std::span<const uint8_t> pairs) {
  auto count = std::min(pairs.size() / pair_bytes, pairs_max);
  std::vector<uint8_t> result{0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 3, static_cast<uint8_t>(0x40 | count), 0xff};
  result.insert(result.end(), pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(count * pair_bytes));
  result.push_back(0xff);
  return result;
}

/// A unit of HEVC: no three bytes of its content look like a start code.
std::vector<uint8_t> hevc_message(std::span<const uint8_t> payload) {
  std::vector<uint8_t> body{4, static_cast<uint8_t>(payload.size())};
  body.insert(body.end(), payload.begin(), payload.end());
  body.push_back(0x80);
  std::vector<uint8_t> result{0, 0, 0, 1, 39 << 1, 1};
  auto zeros = 0;
  for (auto x : body) {
    if (zeros >= 2 && x <= 3) {
      result.push_back(3);
      zeros = 0;
    }
    result.push_back(x);
    zeros = x == 0 ? zeros + 1 : 0;
  }
  return result;
}

std::vector<uint8_t> av1_metadata(std::span<const uint8_t> payload) {
  // Kind 5 with a size; of metadata the fourth kind; the payload, and a bit that ends it. 105 bytes at most: a size of one byte.
  std::vector<uint8_t> result{5 << 3 | 2, static_cast<uint8_t>(payload.size() + 2), 4};
  result.insert(result.end(), payload.begin(), payload.end());
  result.push_back(0x80);
  return result;
}

/// Where the first slice begins, start code included.
size_t first_slice(std::span<const uint8_t> bytes) {
  for (size_t i = 0; i + 3 < bytes.size(); ++i)
    if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1 && (bytes[i + 3] >> 1 & 0x3f) < 32)
      return i > 0 && bytes[i - 1] == 0 ? i - 1 : i;
  return bytes.size();
}

/// Where the first frame, or its header, begins.
size_t first_frame(std::span<const uint8_t> bytes) {
  constexpr auto header = 3;
  constexpr auto frame = 6;
  for (size_t i = 0; i < bytes.size();) {
    auto kind = bytes[i] >> 3 & 15;
    if (kind == header || kind == frame || (bytes[i] & 2) == 0)
      return i;
    auto at = i + ((bytes[i] & 4) != 0 ? 2 : 1);
    size_t size = 0;
    for (auto shift = 0; at < bytes.size() && shift < 56; shift += 7) {
      size |= static_cast<size_t>(bytes[at] & 0x7f) << shift;
      if ((bytes[at++] & 0x80) == 0)
        break;
    }
    if (size > bytes.size() - std::min(at, bytes.size()))
      break;
    i = at + size;
  }
  return bytes.size();
}

void insert(AVPacket& packet, size_t at, std::span<const uint8_t> what) {
  packet_ptr joined = make_packet();
  if (av_new_packet(joined.get(), packet.size + static_cast<int>(what.size())) < 0
      || av_packet_copy_props(joined.get(), &packet) < 0)
    throw std::bad_alloc{};
  std::memcpy(joined->data, packet.data, at);
  std::memcpy(joined->data + at, what.data(), what.size());
  std::memcpy(joined->data + at + what.size(), packet.data + at, static_cast<size_t>(packet.size) - at);
  av_packet_unref(&packet);
  av_packet_move_ref(&packet, joined.get());
}

} // namespace

caption_keeper::caption_keeper(const AVCodec& encoder) {
  constexpr std::array<std::string_view, 4> silent{"libx265", "libsvtav1", "libaom-av1", "librav1e"};
  if (std::find(silent.begin(), silent.end(), encoder.name) != silent.end())
    codec_ = encoder.id;
}

void caption_keeper::take(const AVFrame& frame) {
  const auto* x = av_frame_get_side_data(&frame, AV_FRAME_DATA_A53_CC);
  if (codec_ == AV_CODEC_ID_NONE || x == nullptr || x->size < pair_bytes)
    return;
  captions_[frame.pts].assign(x->data, x->data + x->size);
  if (captions_.size() > pictures_max)
    captions_.erase(captions_.begin());
}

void caption_keeper::put(AVPacket& packet) {
  auto found = captions_.find(packet.pts);
  if (found == captions_.end())
    return;
  auto payload = payload_of(found->second);
  captions_.erase(found);
  std::span<const uint8_t> bytes{packet.data, static_cast<size_t>(packet.size)};
  auto hevc = codec_ == AV_CODEC_ID_HEVC;
  auto at = hevc ? first_slice(bytes) : first_frame(bytes);
  if (at < bytes.size())
    insert(packet, at, hevc ? hevc_message(payload) : av1_metadata(payload));
}

} // namespace troupe::av

// Captions are ITU-T T.35 data: United States, ATSC, "GA94", caption data (A/53 part 4, section 6.2.3).
#include "encoder/codec/captions.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <string_view>

namespace troupe::av {

namespace {

/// The most pictures that an encoder may hold at once, a generous limit.
constexpr size_t pictures_max = 1024;

/// Bytes of one character pair, and the most pairs of a picture: their number has five bits.
constexpr size_t pair_bytes = 3;
constexpr size_t pairs_max = 31;

std::vector<uint8_t> payload_of(std::span<const uint8_t> pairs) {
  auto count = std::min(pairs.size() / pair_bytes, pairs_max);
  std::vector<uint8_t> result{0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 3, static_cast<uint8_t>(0x40 | count), 0xff};
  result.insert(result.end(), pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(count * pair_bytes));
  result.push_back(0xff);
  return result;
}

/// Makes an HEVC unit: emulation prevention keeps start codes out of its content.
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

/// The start of the first slice, start code included.
size_t first_slice(std::span<const uint8_t> bytes) {
  for (size_t i = 0; i + 3 < bytes.size(); ++i)
    if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1 && (bytes[i + 3] >> 1 & 0x3f) < 32)
      return i > 0 && bytes[i - 1] == 0 ? i - 1 : i;
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

void caption_queue::take(AVFrame& frame) {
  const auto* x = av_frame_get_side_data(&frame, AV_FRAME_DATA_A53_CC);
  if (x == nullptr)
    return;
  // After a jump back, pieces from before the jump are dropped.
  if (!pieces_.empty() && frame.pts < pieces_.back().pts)
    pieces_.clear();
  pieces_.push_back({frame.pts, {x->data, x->data + x->size}});
  av_frame_remove_side_data(&frame, AV_FRAME_DATA_A53_CC);
  if (pieces_.size() > pictures_max)
    pieces_.pop_front();
}

void caption_queue::give(AVFrame& frame) {
  std::vector<uint8_t> pairs;
  while (!pieces_.empty() && pieces_.front().pts <= frame.pts
         && (pairs.empty() || pairs.size() + pieces_.front().pairs.size() <= pairs_max * pair_bytes)) {
    auto& x = pieces_.front().pairs;
    pairs.insert(pairs.end(), x.begin(), x.end());
    pieces_.pop_front();
  }
  if (pairs.empty())
    return;
  auto* made = av_frame_new_side_data(&frame, AV_FRAME_DATA_A53_CC, pairs.size());
  std::memcpy(checked(made)->data, pairs.data(), pairs.size());
}

caption_keeper::caption_keeper(const AVCodec& encoder) : needed_{std::string_view{encoder.name} == "libx265"} {}

void caption_keeper::take(const AVFrame& frame) {
  const auto* x = av_frame_get_side_data(&frame, AV_FRAME_DATA_A53_CC);
  if (!needed_ || x == nullptr || x->size < pair_bytes)
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
  if (auto at = first_slice(bytes); at < bytes.size())
    insert(packet, at, hevc_message(payload));
}

} // namespace troupe::av

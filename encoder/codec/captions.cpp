// Captions are ITU-T T.35 data: United States, ATSC, "GA94", caption data (A/53 part 4, section 6.2.3).
#include "encoder/codec/captions.hpp"

extern "C" {
#include <libavutil/opt.h>
}

#include <algorithm>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <string_view>

namespace troupe::av {

namespace {

/// The most pictures that an encoder may hold at once, a generous limit.
constexpr size_t pictures_max = 1024;

/// Bytes of one character pair, and the most pairs of a picture: their number has five bits.
constexpr size_t pair_bytes = 3;
constexpr size_t pairs_max = 31;

/// The most bytes that wait for a picture: those of a few pictures.
constexpr size_t pending_max = 16 * pairs_max * pair_bytes;

std::vector<uint8_t> payload_of(std::span<const uint8_t> pairs) {
  auto count = std::min(pairs.size() / pair_bytes, pairs_max);
  std::vector<uint8_t> result{0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 3, static_cast<uint8_t>(0x40 | count), 0xff};
  result.insert(result.end(), pairs.begin(), pairs.begin() + static_cast<std::ptrdiff_t>(count * pair_bytes));
  result.push_back(0xff);
  return result;
}

/// Makes a message of registered user data. Emulation prevention keeps start codes out of its content.
std::vector<uint8_t> sei_message(std::vector<uint8_t> header, std::span<const uint8_t> payload) {
  std::vector<uint8_t> body{4, static_cast<uint8_t>(payload.size())};
  body.insert(body.end(), payload.begin(), payload.end());
  body.push_back(0x80);
  auto& result = header;
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

std::vector<uint8_t> h264_message(std::span<const uint8_t> payload) {
  return sei_message({0, 0, 0, 1, 6}, payload);
}

std::vector<uint8_t> hevc_message(std::span<const uint8_t> payload) {
  return sei_message({0, 0, 0, 1, 39 << 1, 1}, payload);
}

void put_leb128(std::vector<uint8_t>& to, size_t x) {
  for (; x > 0x7f; x >>= 7)
    to.push_back(static_cast<uint8_t>(x | 0x80));
  to.push_back(static_cast<uint8_t>(x));
}

/// A metadata OBU of the type METADATA_TYPE_ITUT_T35, with its trailing bits.
std::vector<uint8_t> av1_message(std::span<const uint8_t> payload) {
  std::vector<uint8_t> result{5 << 3 | 2};
  put_leb128(result, payload.size() + 2);
  result.push_back(4);
  result.insert(result.end(), payload.begin(), payload.end());
  result.push_back(0x80);
  return result;
}

/// The start of the first slice, start code included.
template <class Test>
std::optional<size_t> first_unit(std::span<const uint8_t> bytes, Test is_slice) {
  for (size_t i = 0; i + 3 < bytes.size(); ++i)
    if (bytes[i] == 0 && bytes[i + 1] == 0 && bytes[i + 2] == 1 && is_slice(bytes[i + 3]))
      return i > 0 && bytes[i - 1] == 0 ? i - 1 : i;
  return std::nullopt;
}

std::optional<size_t> first_h264_slice(std::span<const uint8_t> bytes) {
  return first_unit(bytes, [](uint8_t header) { return (header & 0x1f) >= 1 && (header & 0x1f) <= 5; });
}

std::optional<size_t> first_hevc_slice(std::span<const uint8_t> bytes) {
  return first_unit(bytes, [](uint8_t header) { return (header >> 1 & 0x3f) < 32; });
}

/// The start of the OBU with the picture that this temporal unit codes and shows; pictures that it hides come before
/// (AV1 specification, 5.9.2: show_existing_frame, frame_type, show_frame). None if it only shows one that was coded
/// earlier: dav1d 1.0 would give its captions to the picture that is coded next.
std::optional<size_t> shown_frame(std::span<const uint8_t> bytes) {
  constexpr int frame_header = 3;
  constexpr int frame = 6;
  for (size_t at = 0; at < bytes.size();) {
    auto i = at;
    auto header = bytes[i++];
    if ((header & 4) != 0)
      ++i;
    if ((header & 2) == 0)
      return std::nullopt; // without a size, nothing can be found behind it
    size_t size = 0;
    for (auto shift = 0;; shift += 7) {
      if (i >= bytes.size() || shift > 28)
        return std::nullopt;
      size |= static_cast<size_t>(bytes[i] & 0x7f) << shift;
      if ((bytes[i++] & 0x80) == 0)
        break;
    }
    if (size > bytes.size() - i)
      return std::nullopt;
    auto type = header >> 3 & 0xf;
    if ((type == frame_header || type == frame) && size > 0 && (bytes[i] & 0x90) == 0x10)
      return at;
    at = i + size;
  }
  return std::nullopt;
}

/// How captions are written into the packets of a codec.
struct caption_form {
  AVCodecID codec;
  std::optional<size_t> (*place)(std::span<const uint8_t>);
  std::vector<uint8_t> (*message)(std::span<const uint8_t>);
};

constexpr caption_form forms[]{{AV_CODEC_ID_H264, first_h264_slice, h264_message},
                               {AV_CODEC_ID_HEVC, first_hevc_slice, hevc_message},
                               {AV_CODEC_ID_AV1, shown_frame, av1_message}};

const caption_form* form_of(AVCodecID codec) {
  const auto* i = std::find_if(std::begin(forms), std::end(forms), [=](auto& x) { return x.codec == codec; });
  return i == std::end(forms) ? nullptr : i;
}

/// True if the encoder has the option to write captions by itself; it is on by default.
bool writes_captions(const AVCodec& encoder) {
  const auto* options = encoder.priv_class;
  return options != nullptr && av_opt_find(&options, "a53cc", nullptr, 0, AV_OPT_SEARCH_FAKE_OBJ) != nullptr;
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

caption_keeper::caption_keeper(const AVCodec& encoder)
  : codec_{writes_captions(encoder) || form_of(encoder.id) == nullptr ? AV_CODEC_ID_NONE : encoder.id} {}

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
  if (found != captions_.end()) {
    pending_.insert(pending_.end(), found->second.begin(), found->second.end());
    captions_.erase(found);
  }
  if (pending_.empty())
    return;
  const auto& form = *form_of(codec_);
  auto at = form.place({packet.data, static_cast<size_t>(packet.size)});
  // Temporal units of AV1 come in the order in which they are shown, so the next one may have them. The packets of
  // other codecs do not.
  auto may_wait = codec_ == AV_CODEC_ID_AV1 && pending_.size() <= pending_max;
  if (at) {
    insert(packet, *at, form.message(payload_of(pending_)));
    auto taken = std::min(pending_.size() - pending_.size() % pair_bytes, pairs_max * pair_bytes);
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  if (!may_wait)
    pending_.clear();
}

} // namespace troupe::av

// Opens the file without any of our repairs, to see what a player sees.
#include "encoder/chunks/verifier.hpp"

#include "encoder/chunks/carried_check.hpp"
#include "encoder/chunks/payload_hash.hpp"
#include "encoder/codec/decode_check.hpp"
#include "encoder/format_ptr.hpp"
#include "encoder/log.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

namespace troupe::av {

namespace {

/// Packets at the start of each chunk that are decoded.
constexpr uint64_t decoded_of_chunk = 8;

/// If a container rounds times per packet, the end of a stream may be off by this much (ticks).
constexpr int64_t end_slack = 450;

/// False for uncompressed sound, which each reader splits into packets in its own way.
bool keeps_packets(AVCodecID codec) {
  const auto* x = avcodec_descriptor_get(codec);
  return x == nullptr || codec < AV_CODEC_ID_FIRST_AUDIO || codec >= AV_CODEC_ID_ADPCM_IMA_QT;
}

/// MP4 has one name for all three layers.
bool is_mpeg_sound(AVCodecID codec) {
  return codec == AV_CODEC_ID_MP1 || codec == AV_CODEC_ID_MP2 || codec == AV_CODEC_ID_MP3;
}

/// One stream of the file, compared with its expected content.
class stream_check {
public:
  stream_check(const assembled_stream& want, const AVStream& have)
    : want_{want},
      base_{have.time_base},
      slack_{av_rescale_q_rnd(1, have.time_base, time_base, AV_ROUND_UP)},
      codec_{have.codecpar->codec_id},
      parameters_{copy(*have.codecpar)} {}

  expected<void> open(const AVStream& have, int threads) {
    if (want_.codec != avcodec_get_name(codec_) && !(is_mpeg_sound(codec_) && want_.codec.starts_with("mp")))
      return wrong("it is " + std::string{avcodec_get_name(codec_)} + ", not " + want_.codec);
    track described;
    described.parameters = copy(*have.codecpar);
    auto made = decode_check::open(described, threads, want_.copied);
    if (!made)
      return tl::unexpected{std::move(made.error())};
    check_ = std::move(*made);
    return {};
  }

  expected<void> take(AVPacket& packet) {
    av_packet_rescale_ts(&packet, base_, time_base);
    packet.time_base = time_base;
    if ((packet.flags & AV_PKT_FLAG_CORRUPT) != 0)
      return wrong("the packet at " + seconds_text(packet.pts) + " is cut short");
    // Audio packets may be shorter than the container's time resolution.
    if (packet.dts != no_pts && last_dts_ != no_pts && packet.dts < last_dts_ + (want_.video ? 1 : 0))
      return wrong("decoding times do not rise at " + seconds_text(packet.dts));
    last_dts_ = packet.dts;
    compare_content(packet);
    auto decoded = is_decoded();
    ++packets_;
    if (packet.pts != no_pts) {
      first_ = first_ == no_pts ? packet.pts : std::min(first_, packet.pts);
      last_ = std::max(last_, packet.pts);
      end_ = std::max(end_, packet.pts + packet.duration);
    }
    if (want_.video)
      shown_.push_back(packet.pts);
    return decoded && fault_.empty() ? keep(check_->take(packet)) : expected<void>{};
  }

  expected<void> finish() {
    auto done = fault_.empty() ? keep(check_->finish()) : expected<void>{};
    return std::move(done).and_then([this] { return check_times(); }).and_then([this]() -> expected<void> {
      if (fault_.empty())
        return {};
      return wrong(fault_);
    });
  }

  void count(verification& to) const {
    (want_.video ? to.pictures : to.sounds) += want_.video ? shown_.size() : packets_;
    to.damaged_packets += check_->damaged();
  }

  int64_t first() const noexcept {
    return first_;
  }

  int64_t end() const noexcept {
    return end_;
  }

private:
  /// True if the next packet is decoded. Encoded content is only compared by checksum: chunk_check.hpp decoded it
  /// during the encode. But the start of each chunk is decoded, to see that its parameter sets are where the container
  /// wants them, and that a decoder can continue from the chunk before it.
  bool is_decoded() {
    if (want_.copied || want_.contents.size() != want_.packets)
      return true;
    const auto& starts = want_.chunk_starts;
    while (chunk_ < starts.size() && starts[chunk_] <= packets_)
      ++chunk_;
    return chunk_ == 0 || packets_ - starts[chunk_ - 1] < decoded_of_chunk;
  }

  void compare_content(const AVPacket& packet) {
    if (!fault_.empty() || packets_ >= want_.contents.size())
      return;
    if (auto crc = payload_crc(*parameters_, packet); crc && *crc != want_.contents[packets_])
      fault_ = "the packet at " + seconds_text(packet.pts) + " differs from the input";
  }

  /// Remembers a packet's fault until all packets are counted, because "packets are missing" is the better message.
  expected<void> keep(expected<void> x) {
    if (x || x.error().code != errc::media)
      return x;
    fault_ = x.error().what;
    return {};
  }

  expected<void> check_times() {
    if (want_.video)
      return check_pictures();
    if (keeps_packets(codec_) && packets_ != want_.packets)
      return wrong("it has " + std::to_string(packets_) + " packets, and should have " + std::to_string(want_.packets)
                   + "; it ends at " + seconds_text(end_) + ", and should at " + seconds_text(want_.end_pts));
    if (want_.packets > 0 && std::abs(first_ - want_.first_pts) > slack_ + 1)
      return wrong("it begins at " + seconds_text(first_) + ", and should at " + seconds_text(want_.first_pts));
    // Containers store the last packet's length and its played part incompletely, and libavformat interprets them in
    // its own way. If packets are unchanged, the start of the last packet is compared instead of its end.
    auto late = keeps_packets(codec_) ? last_ - want_.last_pts : end_ - want_.end_pts;
    if (want_.packets > 0 && std::abs(late) > slack_ + end_slack)
      return wrong("it ends at " + seconds_text(end_) + ", and should at " + seconds_text(want_.end_pts));
    return {};
  }

  tl::unexpected<error> wrong(const std::string& what) const {
    return fail(errc::media, "verify the result: stream " + std::to_string(want_.output) + " (" + want_.codec + ", "
                               + (want_.video ? "video" : "audio") + "): " + what);
  }

  /// Compares the times of all pictures, in presentation order, with the times that went in.
  expected<void> check_pictures() {
    std::sort(shown_.begin(), shown_.end());
    if (auto found = difference(shown_, want_.pictures, slack_))
      return wrong(*found);
    return {};
  }

  const assembled_stream& want_;
  AVRational base_;
  int64_t slack_;
  AVCodecID codec_;
  codec_parameters_ptr parameters_;
  std::optional<decode_check> check_;
  std::vector<int64_t> shown_;
  uint64_t packets_ = 0;
  size_t chunk_ = 0; ///< chunks that have begun
  int64_t first_ = no_pts;
  int64_t last_ = no_pts; ///< start of the last packet
  int64_t end_ = no_pts;
  int64_t last_dts_ = no_pts;
  std::string fault_; ///< the first fault of a packet
};

class verification_pass {
public:
  verification_pass(const verification_job& job, const work_control& control) : job_{job}, control_{control} {}

  expected<verification> run() {
    auto done = open().and_then([this] { return read(); }).and_then([this] { return finish(); });
    if (!done)
      return tl::unexpected{std::move(done.error())};
    return result_;
  }

private:
  expected<void> open();
  expected<void> read();
  expected<void> finish();

  static int poll(void* self) noexcept {
    return static_cast<verification_pass*>(self)->control_.stop.load() ? 1 : 0;
  }

  const verification_job& job_;
  const work_control& control_;
  input_context_ptr input_;
  std::vector<std::optional<stream_check>> checks_; ///< one for each stream of the file
  carried_check others_{job_.others};
  verification result_;
};

expected<void> verification_pass::open() {
  input_.reset(checked(avformat_alloc_context()));
  input_->interrupt_callback = {poll, this};
  if (auto code = open_input(input_, "file:" + job_.path); code < 0)
    return fail(errc::media, "verify the result: open " + job_.path, code);
  if (auto code = avformat_find_stream_info(input_.get(), nullptr); code < 0)
    return fail(errc::media, "verify the result: find the streams of " + job_.path, code);
  checks_.resize(input_->nb_streams);
  others_.open(*input_);
  for (const auto& x : job_.streams) {
    if (x.output < 0 || static_cast<unsigned>(x.output) >= input_->nb_streams)
      return fail(errc::media, "verify the result: " + job_.path + " has no stream " + std::to_string(x.output) + " ("
                                 + x.codec + ")");
    auto& stream = *input_->streams[x.output];
    auto& made = checks_[static_cast<size_t>(x.output)].emplace(x, stream);
    if (auto ok = made.open(stream, job_.threads); !ok)
      return ok;
  }
  return {};
}

expected<void> verification_pass::read() {
  report_gate gate{control_};
  auto size = static_cast<double>(std::max<int64_t>(avio_size(input_->pb), 1));
  auto packet = make_packet();
  uint64_t count = 0;
  for (;;) {
    if (gate.stopped())
      return fail(errc::interrupted, "verify the result: stopped by the caller");
    auto code = av_read_frame(input_.get(), packet.get());
    if (code == AVERROR_EOF)
      return {};
    if (code < 0)
      return fail(errc::media, "verify the result: read " + job_.path, code);
    others_.take(*input_, *packet);
    auto& check = checks_.at(static_cast<size_t>(packet->stream_index));
    if (check)
      if (auto ok = check->take(*packet); !ok)
        return ok;
    ++count;
    gate.poll([&] {
      auto at = avio_tell(input_->pb);
      return work_progress{count, static_cast<uint64_t>(at), packet->dts,
                           std::min(static_cast<double>(at) / size, 1.0)};
    });
    av_packet_unref(packet.get());
  }
}

expected<void> verification_pass::finish() {
  auto first = no_pts;
  auto end = no_pts;
  for (auto& x : checks_) {
    if (!x)
      continue;
    if (auto ok = x->finish(); !ok)
      return ok;
    x->count(result_);
    if (x->first() != no_pts)
      first = first == no_pts ? x->first() : std::min(first, x->first());
    end = std::max(end, x->end());
  }
  result_.duration = end != no_pts ? end - first : 0;
  result_.notes = others_.finish(*input_);
  return {};
}

} // namespace

expected<verification> verify(const verification_job& job, const work_control& control) {
  quiet_logs();
  return verification_pass{job, control}.run();
}

} // namespace troupe::av

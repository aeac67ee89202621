// Parsing finds the errors of a stream, so decoders skip other work where they can.
#include "encoder/codec/decode_check.hpp"

#include "encoder/log.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace troupe::av {

std::string seconds_text(int64_t ticks) {
  std::array<char, 32> text = {};
  std::snprintf(text.data(), text.size(), "%.3f s", static_cast<double>(ticks) / time_base.den);
  return text.data();
}

std::optional<std::string> difference(const std::vector<int64_t>& shown, const std::vector<int64_t>& want,
                                      int64_t slack) {
  auto count = std::min(want.size(), shown.size());
  for (size_t i = 0; i < count; ++i) {
    if (std::abs(shown[i] - want[i]) <= slack)
      continue;
    auto number = "picture " + std::to_string(i);
    auto same = [slack, at = shown[i]](int64_t x) { return std::abs(x - at) <= slack; };
    if (auto later = std::find_if(want.begin() + static_cast<std::ptrdiff_t>(i), want.end(), same); later != want.end())
      return number + " at " + seconds_text(want[i]) + " is missing, and so are all up to " + seconds_text(*later);
    if (i > 0 && shown[i] <= shown[i - 1])
      return number + " at " + seconds_text(shown[i]) + " appears twice";
    return number + " is at " + seconds_text(shown[i]) + ", and should be at " + seconds_text(want[i]);
  }
  if (shown.size() == want.size())
    return {};
  return "it has " + std::to_string(shown.size()) + " pictures, and should have " + std::to_string(want.size())
         + "; they differ from " + seconds_text(count < want.size() ? want[count] : shown[count]) + " on";
}

expected<decode_check> decode_check::open(const track& of, int threads, bool foreign) {
  // Foreign streams may have checksums of their pictures, which need full decoding.
  auto made = decoder::open(of, {threads, false, true, !foreign});
  if (!made)
    return tl::unexpected{std::move(made.error())};
  return decode_check{std::move(*made), of.parameters->codec_type == AVMEDIA_TYPE_VIDEO, foreign};
}

template <class F>
expected<void> decode_check::decode(F&& run, int64_t at) {
  log_capture log;
  auto done = run([this](AVFrame& frame) -> expected<void> {
    if (video_ && !foreign_)
      shown_.push_back(frame.best_effort_timestamp);
    return {};
  });
  if (done && !foreign_ && decoder_.corrupt() > 0)
    return fail(errc::media, "a decoder refuses the packet at about " + seconds_text(at)
                               + (log.text().empty() ? "" : " (" + log.text() + ")"));
  return done;
}

expected<void> decode_check::take(const AVPacket& packet) {
  if (video_ && !foreign_)
    sent_.push_back(packet.pts);
  return decode([&](const decoder::on_frame& deliver) { return decoder_.decode(packet, deliver); }, packet.pts);
}

expected<void> decode_check::finish() {
  auto end = sent_.empty() ? 0 : sent_.back();
  if (auto drained = decode([this](const decoder::on_frame& deliver) { return decoder_.drain(deliver); }, end);
      !drained)
    return drained;
  std::sort(sent_.begin(), sent_.end());
  if (auto found = difference(shown_, sent_, 0))
    return fail(errc::media, "the decoded pictures differ from the input: " + *found);
  return {};
}

} // namespace troupe::av

// Checks that a decoder accepts a stream: each picture that goes in must come out once, at its time.
#pragma once

#include "encoder/codec/decoder.hpp"
#include "encoder/error.hpp"
#include "encoder/track.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av {

/// A time in seconds, for messages.
std::string seconds_text(int64_t ticks);

/// The first difference between the times of the pictures shown and those wanted, both in order (ticks). Nothing if
/// each pair is within `slack`.
std::optional<std::string> difference(const std::vector<int64_t>& shown, const std::vector<int64_t>& want,
                                      int64_t slack);

/// Decodes the packets of one track without keeping pictures. Legal calls: `open`, then `take` any number of times,
/// then `finish` once.
class decode_check {
public:
  /// `foreign` packets were not encoded here: their faults are counted and are no error.
  static expected<decode_check> open(const track& of, int threads, bool foreign);

  /// Times in ticks. `errc::media` if the decoder reports a fault.
  expected<void> take(const AVPacket& packet);

  /// `errc::media` if the pictures that came out are not those that went in.
  expected<void> finish();

  /// Damaged packets and pictures of foreign streams.
  uint64_t damaged() const noexcept {
    return decoder_.corrupt();
  }

private:
  decode_check(decoder made, bool video, bool foreign) : decoder_{std::move(made)}, video_{video}, foreign_{foreign} {}

  template <class F>
  expected<void> decode(F&& run, int64_t at);

  decoder decoder_;
  bool video_;
  bool foreign_;
  std::vector<int64_t> sent_;
  std::vector<int64_t> shown_;
};

} // namespace troupe::av

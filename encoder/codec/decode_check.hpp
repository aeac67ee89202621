// Are these packets what a decoder takes? Every picture that is put in must come out, once, at its time.
#pragma once

#include "encoder/codec/decoder.hpp"
#include "encoder/error.hpp"
#include "encoder/track.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::av {

/// A time as it is told to people.
std::string seconds_text(int64_t ticks);

/// The first difference between the times of the pictures that are shown and of those that should be, both in order (ticks); nothing where each is
/// within `slack` of the other.
std::optional<std::string> difference(const std::vector<int64_t>& shown, const std::vector<int64_t>& want,
                                      int64_t slack);

/// Decodes packets of one track without making pictures of them. Legal calls: `open`, then `take` any number of times, then `finish` once.
class decode_check {
public:
  /// What is wrong with `foreign` packets, which were not encoded here, is counted, and no error.
  static expected<decode_check> open(const track& of, int threads, bool foreign);

  /// Times in ticks. `errc::media` where a decoder finds fault with it.
  expected<void> take(const AVPacket& packet);

  /// `errc::media` where not the pictures came out that were put in.
  expected<void> finish();

  /// Packets and pictures of foreign streams that are damaged.
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

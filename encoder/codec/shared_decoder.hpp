// One decoder for several readers that send the same packets, so that a source is decoded once and encoded many times.
//
// Whoever comes to a packet first has it decoded; the others get the same pictures when they come to it. So each reader
// sees what a decoder of its own would show. Pictures are kept until the last reader has them: the caller gives a
// packet to all readers before it gives them the next one.
//
// A reader may be told to drain where others are not, because its window begins later. It does not matter: the pictures
// that come out of it are the same, and the others get them with their next packet.
#pragma once

#include "encoder/codec/engine.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace troupe::av {

class shared_decoder {
public:
  explicit shared_decoder(std::unique_ptr<picture_decoder> decoder);
  ~shared_decoder();

  /// A further reader of `from`; legal until the first packet. Readers keep the decoder alive.
  static std::unique_ptr<picture_decoder> reader_of(std::shared_ptr<shared_decoder> from);

  /// Time spent in the decoder.
  std::chrono::nanoseconds busy() const noexcept {
    return busy_;
  }

private:
  class reader;

  /// What came of one call.
  struct step {
    bool drains = false;
    std::vector<frame_ptr> frames;
    uint64_t corrupt = 0; ///< the decoder's count after it
    expected<void> done;
  };

  /// Decodes the packet, or drains the decoder if it is null.
  void take(const AVPacket* packet);
  void forget();

  std::unique_ptr<picture_decoder> decoder_;
  std::vector<reader*> readers_;
  std::deque<step> steps_; ///< those that some reader has not seen
  uint64_t seen_ = 0;      ///< steps that were dropped, because all readers had seen them
  std::chrono::nanoseconds busy_{0};
};

/// The decoders that several transcodes of one source have in common, one for each of its tracks.
class shared_decoders {
public:
  /// A reader of the track's decoder, which is opened if there is none: its options are those of the first reader.
  expected<std::unique_ptr<picture_decoder>> open(size_t index, const track& source, const decoder_options& options,
                                                  const engine& codecs);

  /// Time spent in all decoders.
  std::chrono::nanoseconds busy() const;

private:
  std::map<size_t, std::shared_ptr<shared_decoder>> decoders_; ///< by track
};

} // namespace troupe::av

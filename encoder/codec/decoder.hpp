// Decodes one track's packets to frames, pictures or sound, with the send/receive interface of libavcodec.
#pragma once

#include "encoder/codec/engine.hpp"

#include <cstdint>
#include <vector>

namespace troupe::av {

class decoder : public picture_decoder {
public:
  /// As `engine::open_decoder`.
  static expected<decoder> open(const track& source, const decoder_options& options);

  expected<void> decode(const AVPacket& packet, const on_frame& deliver) override;

  expected<void> drain(const on_frame& deliver) override;

  uint64_t corrupt() const noexcept override {
    return corrupt_;
  }

  /// The name of libav*'s decoder.
  const char* name() const noexcept;

private:
  enum class outcome { frame, again, end };

  decoder(codec_context_ptr context, frame_ptr frame);

  expected<void> send(const AVPacket* packet);
  expected<outcome> receive();
  expected<outcome> receive_all(const on_frame& deliver);

  /// True if the frame is damaged, or in main memory although a device was to decode it.
  bool is_corrupt(const AVFrame& frame) const;

  /// True if the frame's packet said that it is not shown.
  bool is_hidden(const AVFrame& frame);

  codec_context_ptr context_;
  frame_ptr frame_;
  uint64_t corrupt_ = 0;
  std::vector<int64_t> hidden_; ///< times of hidden pictures that have not come out yet
};

} // namespace troupe::av

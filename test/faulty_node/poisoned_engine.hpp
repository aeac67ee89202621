// An engine whose decoders crash the process at the first packet at or after one time. Everything else is done by
// another engine.
#pragma once

#include "encoder/codec/engine.hpp"

#include <cstdlib>

namespace troupe::test {

class poisoned_engine : public av::engine {
public:
  /// `deadly_pts` is in ticks.
  poisoned_engine(const av::engine& other, int64_t deadly_pts) : other_(other), deadly_pts_(deadly_pts) {}

  av::expected<std::unique_ptr<av::picture_decoder>> open_decoder(const av::track& source,
                                                                  const av::decoder_options& options) const override {
    auto opened = other_.open_decoder(source, options);
    if (!opened)
      return opened;
    return std::make_unique<poisoned_decoder>(std::move(*opened), deadly_pts_);
  }

  av::expected<std::unique_ptr<av::picture_encoder>> open_encoder(const av::video_settings& settings,
                                                                  const av::video_format& source,
                                                                  const av::device_pictures& pictures) const override {
    return other_.open_encoder(settings, source, pictures);
  }

private:
  struct poisoned_decoder : av::picture_decoder {
    poisoned_decoder(std::unique_ptr<av::picture_decoder> other, int64_t deadly_pts)
      : other(std::move(other)), deadly_pts(deadly_pts) {}

    av::expected<void> decode(const AVPacket& packet, const on_frame& deliver) override {
      if (packet.pts >= deadly_pts)
        std::abort();
      return other->decode(packet, deliver);
    }

    av::expected<void> drain(const on_frame& deliver) override {
      return other->drain(deliver);
    }

    uint64_t corrupt() const noexcept override {
      return other->corrupt();
    }

    std::unique_ptr<av::picture_decoder> other;
    int64_t deadly_pts;
  };

  const av::engine& other_;
  int64_t deadly_pts_;
};

} // namespace troupe::test

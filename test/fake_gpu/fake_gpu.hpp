// An engine with simulated graphics cards, controlled by the same scenario file as fake_nvml.
//
// A session is a file in the card's folder, named after the process, for as long as the encoder is open and the process
// lives. Processes that open encoders of one card at the same time count their sessions under a lock, so that a limit
// holds like a driver's. Software encoders make the pictures.
#pragma once

#include "encoder/codec/engine.hpp"
#include "test/fake_nvml/scenario.hpp"

#include <memory>
#include <string>

namespace troupe::test {

class fake_gpus : public av::engine {
public:
  explicit fake_gpus(std::string scenario) : path_(std::move(scenario)) {}

  av::expected<std::unique_ptr<av::picture_decoder>> open_decoder(const av::track& source,
                                                                  const av::decoder_options& options) const override;

  av::expected<std::unique_ptr<av::picture_encoder>> open_encoder(const av::video_settings& settings,
                                                                  const av::video_format& source,
                                                                  const av::device_pictures& pictures) const override;

  /// A session of an encoder ("h264_nvenc") on a device; an empty name means the first device that accepts it. It ends
  /// with the returned object. An error is `errc::device` with the driver's message.
  av::expected<std::shared_ptr<void>> open_session(const std::string& encoder, const std::string& device) const;

private:
  av::expected<std::unique_ptr<av::picture_encoder>> open_on_card(const AVCodec& codec, av::video_settings settings,
                                                                  const av::video_format& source) const;

  std::string path_;
};

} // namespace troupe::test

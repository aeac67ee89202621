#include "actors/common/encode_settings.hpp"

#include "encoder/codec/preset_translation.hpp"

#include <utility>

namespace troupe {

av::expected<av::video_settings> to_settings(const video_profile& x) {
  av::video_settings s;
  s.encoder = x.codec;
  s.width = x.width;
  s.height = x.height;
  if (x.fit == "pad")
    s.fit = av::fit::pad;
  else if (x.fit == "stretch")
    s.fit = av::fit::stretch;
  else if (x.fit != "inside")
    return av::fail(av::errc::option, "fit is " + x.fit + "; allowed are inside, pad, stretch");
  s.frame_rate = {x.frame_rate.num, x.frame_rate.den};
  s.pixel_format = x.pixel_format;
  if (x.deinterlace == "field")
    s.deinterlacing = av::deinterlace::field_rate;
  else if (x.deinterlace == "off")
    s.deinterlacing = av::deinterlace::off;
  else if (x.deinterlace != "auto")
    return av::fail(av::errc::option, "deinterlace is " + x.deinterlace + "; allowed are auto, field, off");
  s.bit_rate = x.bit_rate;
  s.max_bit_rate = x.max_bit_rate;
  s.crf = x.crf;
  s.preset = x.preset;
  s.tune = x.tune;
  s.profile = x.profile;
  s.level = x.level;
  s.keyframe_interval = x.keyframe_interval;
  s.b_frames = x.b_frames;
  s.options = x.options;
  return s;
}

av::audio_settings to_settings(const audio_profile& x) {
  av::audio_settings s;
  s.encoder = x.codec;
  s.bit_rate = x.bit_rate;
  s.sample_rate = x.sample_rate;
  s.channel_layout = x.channel_layout;
  s.options = x.options;
  return s;
}

av::expected<av::video_settings> to_settings(const video_profile& x, const encoder_seat& seat,
                                             std::vector<std::string>* left_out) {
  auto settings = to_settings(x);
  if (!settings || seat.encoder.empty())
    return settings;
  auto translated = av::translate_settings(*settings, seat.encoder);
  if (!translated)
    return tl::unexpected{translated.error()};
  if (left_out != nullptr)
    left_out->insert(left_out->end(), translated->left_out.begin(), translated->left_out.end());
  translated->settings.device = seat.device;
  // The card that encodes also decodes what it can, so that pictures need not leave it.
  if (seat.decodes)
    translated->settings.decode_device = seat.device;
  return std::move(translated->settings);
}

} // namespace troupe

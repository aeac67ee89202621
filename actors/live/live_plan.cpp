#include "actors/live/live_plan.hpp"

#include "actors/common/encode_settings.hpp"
#include "core/plan.hpp"
#include "encoder/container.hpp"
#include "packaging/rendition.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
}

namespace troupe {

namespace {

/// The codec that a codec's or encoder's name stands for, even if the encoder is not available here ("av1_nvenc"); none
/// if the name is unknown.
AVCodecID codec_of(const std::string& name) {
  if (auto* x = avcodec_find_encoder_by_name(name.c_str()); x != nullptr)
    return x->id;
  for (auto& part : {name, name.substr(0, name.find('_'))})
    if (auto* x = avcodec_descriptor_get_by_name(part.c_str()); x != nullptr)
      return x->id;
  return AV_CODEC_ID_NONE;
}

} // namespace

av::expected<std::vector<av::track_plan>> to_plan(const stream_format& source, const profile& target,
                                                  const encoder_seat& seat, std::vector<std::string>* left_out) {
  auto plan = core::plan_variant(source, target, delivery_holds);
  auto made = core::encoding_of(target);
  std::vector<av::track_plan> result;
  for (size_t i = 0; i < source.tracks.size(); ++i) {
    if (plan.actions[i] == core::track_action::drop) {
      result.emplace_back(av::drop_track{});
    } else if (plan.actions[i] == core::track_action::copy) {
      result.emplace_back(av::copy_track{});
    } else if (source.tracks[i].kind == track_kind::video) {
      auto s = to_settings(made.video, seat, left_out);
      if (!s)
        return tl::unexpected{s.error()};
      s->low_delay = true;
      result.emplace_back(std::move(*s));
    } else {
      result.emplace_back(to_settings(made.audio));
    }
  }
  return result;
}

av::slate_settings to_settings(const slate& x) {
  av::slate_settings result;
  result.show = x.kind == slate_kind::image  ? av::slate_settings::kind::image
                : x.kind == slate_kind::bars ? av::slate_settings::kind::bars
                                             : av::slate_settings::kind::last;
  auto file = x.image.span();
  result.image.assign(file.begin(), file.end());
  result.title = x.title;
  result.unix_ms = x.unix_ms;
  return result;
}

std::string misfit(const profile& x) {
  for (auto& codec : {x.video.codec, x.audio.codec}) {
    auto id = codec == "copy" || codec == "none" ? AV_CODEC_ID_NONE : codec_of(codec);
    if (id != AV_CODEC_ID_NONE && !av::holds(av::container::mpegts, id))
      return "channels cannot be watched in the profile " + x.name + ": MPEG-TS does not carry " + avcodec_get_name(id)
             + "; file jobs can use it";
  }
  return {};
}

} // namespace troupe

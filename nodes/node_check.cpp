#include "nodes/node_check.hpp"

#include "actors/common/encode_settings.hpp"
#include "encoder/codec/audio_encoder.hpp"
#include "encoder/codec/encoder_open.hpp"
#include "encoder/codec/video_encoder.hpp"
#include "encoder/log.hpp"
#include "encoder/source/allowed_sources.hpp"
#include "nodes/node_access.hpp"

#include <algorithm>

namespace troupe::nodes {

namespace {

/// A picture and a sound format that every encoder takes.
av::video_format usual_picture() {
  av::video_format x;
  x.width = 640;
  x.height = 360;
  x.pixel_format = AV_PIX_FMT_YUV420P;
  x.frame_rate = {25, 1};
  return x;
}

av::audio_format usual_sound() {
  av::audio_format x;
  x.sample_format = AV_SAMPLE_FMT_FLTP;
  x.sample_rate = 48'000;
  av_channel_layout_default(&x.layout, 2);
  return x;
}

bool is_encoded(const std::string& codec) {
  return codec != "copy" && codec != "none";
}

/// The fault of a named encoder; empty if there is none.
template <class Open>
std::string fault_of(const std::string& name, AVMediaType type, Open open) {
  auto found = av::find_encoders(name, type);
  if (!found)
    return found.error().what;
  // Only an encoder in software can be opened here: this machine may have no such GPU.
  auto in_software = [](const AVCodec* x) { return (x->capabilities & AV_CODEC_CAP_HARDWARE) == 0; };
  if (std::none_of(found->begin(), found->end(), in_software))
    return {};
  return open();
}

std::string fault_of(const video_profile& x) {
  auto settings = to_settings(x);
  if (!settings)
    return settings.error().what;
  return fault_of(settings->encoder, AVMEDIA_TYPE_VIDEO, [&] {
    auto opened = av::video_encoder::open(*settings, usual_picture());
    return opened || opened.error().code != av::errc::option ? std::string{} : opened.error().what;
  });
}

std::string fault_of(const audio_profile& x) {
  auto settings = to_settings(x);
  return fault_of(settings.encoder, AVMEDIA_TYPE_AUDIO, [&] {
    auto opened = av::audio_encoder::open(settings, usual_sound());
    return opened || opened.error().code != av::errc::option ? std::string{} : opened.error().what;
  });
}

/// A source that is away may come back; a source that may not be opened stays refused.
std::string fault_of(const std::string& url, const av::source_access& access) {
  auto parsed = av::parse_source(url, access.files);
  if (!parsed)
    return parsed.error().code == av::errc::option ? parsed.error().what : std::string{};
  return parsed->is_file() ? std::string{} : access.urls.refusal(core::url_use::source, parsed->url);
}

} // namespace

std::vector<std::string> faults_in_media(const config::configuration& x) {
  av::quiet_logs();
  std::vector<std::string> result;
  auto access = source_access_of(x);
  for (auto& [name, channel] : x.channels)
    for (auto& url : channel.urls)
      if (auto fault = fault_of(url, *access); !fault.empty())
        result.push_back("channels." + name + ": " + fault);
  for (auto& [name, profile] : x.profiles) {
    if (is_encoded(profile.video.codec))
      if (auto fault = fault_of(profile.video); !fault.empty())
        result.push_back("profiles." + name + ".video: " + fault);
    if (is_encoded(profile.audio.codec))
      if (auto fault = fault_of(profile.audio); !fault.empty())
        result.push_back("profiles." + name + ".audio: " + fault);
  }
  return result;
}

} // namespace troupe::nodes

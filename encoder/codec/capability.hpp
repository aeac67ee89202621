// Tests which encoders and decoders of the linked libav* really work here, on a few frames each.
#pragma once

#include "encoder/codec/engine.hpp"

#include <string>
#include <vector>

namespace troupe::av {

struct codec_trial {
  std::string name;  ///< "libx264"
  std::string codec; ///< "h264"
  std::string kind;  ///< "video" or "audio"
  bool encoder = false;
  std::string device; ///< empty for software
  bool works = false;
  std::string reason; ///< libav*'s message if it does not work
  double fps = 0;     ///< frames a second of the trial, only for video encoders
  std::string gpu{};  ///< identity of the GPU behind `device`, if it is known
  /// A decoder without a sample, because no encoder here makes one: it opened, but decoded nothing.
  bool opened = false;
};

/// A GPU of this machine.
struct trial_device {
  std::string device; ///< see encoder/codec/hw_device.hpp
  std::string gpu;    ///< the GPU's identity
  bool quick_sync = false;
};

/// The trials for `run_trial`, in a fixed order: each audio and video encoder, and for each of their codecs the decoder
/// that libav* chooses. Hardware codecs are listed once for each device that they may run on. If there is no such
/// device, hardware encoders are listed for the device that libav* would choose, so that the trial gives the reason.
std::vector<codec_trial> list_trials(const std::vector<trial_device>& devices = {});

/// Runs one trial in this process. An encoder encodes a few small frames, and a decoder, if there is one, decodes them.
/// A decoder is tried on an encoder's output; if no encoder makes its codec, it is only opened. A bad driver may crash
/// the process: call it in one that nothing depends on.
codec_trial run_trial(codec_trial trial, const engine& codecs = libav_engine());

/// Frames a second of a short 1280x720 libx264 "medium" encode; 0 if libx264 is missing.
double measure_speed();

/// The versions of the linked libraries, for example "libavcodec 59.37.100 libavformat 59.27.100".
std::string libav_version();

} // namespace troupe::av

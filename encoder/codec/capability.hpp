// What really works here: every encoder and decoder of the linked libav*, tried on a few frames.
#pragma once

#include <functional>
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
  std::string reason;  ///< libav*'s words where it does not work
  double fps = 0;      ///< frames a second of the trial, video encoders only
  std::string gpu{};   ///< identity of the card behind `device`, where it is known
  bool opened = false; ///< a decoder that no encoder here makes a sample for: it opened, and that is all that is known
};

/// A card of this machine.
struct trial_device {
  std::string device; ///< see encoder/codec/hw_device.hpp
  std::string gpu;    ///< its identity
  bool quick_sync = false;
};

/// The trials that `run_trial` can run, in a fixed order: each encoder of audio and video, and for each of their codecs the decoder that libav* takes
/// for it; those in hardware once for each device that they may run on. Where no device is of their kind, encoders in hardware are listed for the one that
/// libav* would take, for the reason why they do not work.
std::vector<codec_trial> list_trials(const std::vector<trial_device>& devices = {});

/// Runs one trial in the calling process: opens the encoder, encodes a few small frames, decodes them where a decoder exists; a decoder is tried on what an
/// encoder made, and where none makes its codec, it is opened. May crash with a bad driver: call it in a process that nothing depends on.
codec_trial run_trial(codec_trial trial);

/// Frames a second of a short 1280x720 libx264 "medium" encode; 0 where libx264 is missing.
double measure_speed();

/// The versions of the linked libraries, for example "libavcodec 59.37.100 libavformat 59.27.100".
std::string libav_version();

} // namespace troupe::av

// The rows of channels, profiles and ladders, whose names users choose.
#include "config/option_rows.hpp"

namespace troupe::config {

namespace {

template <auto Member>
slot in_channel(configuration& c, const names& filled) {
  auto& x = c.channels[filled.at(0)];
  x.name = filled.at(0);
  return &(x.*Member);
}

profile& profile_of(configuration& c, const names& filled) {
  auto& x = c.profiles[filled.at(0)];
  x.name = filled.at(0);
  return x;
}

template <auto Member>
slot in_video(configuration& c, const names& filled) {
  return &(profile_of(c, filled).video.*Member);
}

template <auto Member>
slot in_audio(configuration& c, const names& filled) {
  return &(profile_of(c, filled).audio.*Member);
}

slot video_option(configuration& c, const names& filled) {
  return &profile_of(c, filled).video.options[filled.at(1)];
}

slot audio_option(configuration& c, const names& filled) {
  return &profile_of(c, filled).audio.options[filled.at(1)];
}

slot ladder_profiles(configuration& c, const names& filled) {
  auto& x = c.ladders[filled.at(0)];
  x.name = filled.at(0);
  return &x.profiles;
}

} // namespace

// One row reads as one sentence: clang-format would put each field on its own line.
// clang-format off
std::vector<option> media_rows() {
  using v = video_profile;
  using a = audio_profile;
  return {
    {.key = "channels.*.title", .kind = kind::text, .at = in_channel<&channel::title>,
     .help = "The title that viewers see.",
     .default_text = "the channel's name"},
    {.key = "channels.*.urls", .kind = kind::url_list, .at = in_channel<&channel::urls>,
     .help = "Source URLs as libavformat takes them, or paths. The first that works is used."},
    {.key = "channels.*.url", .kind = kind::url, .at = in_channel<&channel::urls>,
     .help = "A single source; short for a list with one entry in `urls`."},
    {.key = "channels.*.loop", .kind = kind::boolean, .at = in_channel<&channel::loop>,
     .help = "Starts a file again at its end; the timeline continues."},
    {.key = "channels.*.slate", .kind = kind::choice, .at = in_channel<&channel::slate>,
     .help = "`live.slate` of this channel.", .choices = {"last", "image", "bars", "none"},
     .default_text = "`live.slate`"},
    {.key = "profiles.*.video.codec", .kind = kind::word, .at = in_video<&v::codec>,
     .help = "A codec (`h264`), an encoder (`libx264`), `copy` or `none`."},
    {.key = "profiles.*.video.width", .kind = kind::integer, .at = in_video<&v::width>,
     .help = "Pixels, of the picture as it is shown. If only one of width and height is set, the other follows the "
             "picture's shape.",
     .min = 16, .max = 8192,
     .default_text = "as the source"},
    {.key = "profiles.*.video.height", .kind = kind::integer, .at = in_video<&v::height>, .help = "Pixels.", .min = 16,
     .max = 8192, .default_text = "as the source"},
    {.key = "profiles.*.video.fit", .kind = kind::choice, .at = in_video<&v::fit>,
     .help = "If width and height are both set and the picture has another shape: `inside` scales the picture to fit "
             "into that size, with square pixels, so that one side is shorter; `pad` also adds black up to that size; "
             "`stretch` fills that size with pixels that are not square.",
     .choices = {"inside", "pad", "stretch"}},
    {.key = "profiles.*.video.frame_rate", .kind = kind::frame_rate, .at = in_video<&v::frame_rate>,
     .help = "Frames a second, as number or fraction.", .min = 1, .max = 240, .default_text = "as the source"},
    {.key = "profiles.*.video.pixel_format", .kind = kind::word, .at = in_video<&v::pixel_format>,
     .help = "libav*'s name, such as `yuv420p`.", .default_text = "as the source"},
    {.key = "profiles.*.video.deinterlace", .kind = kind::choice, .at = in_video<&v::deinterlace>,
     .help = "`auto` deinterlaces only interlaced frames and keeps the frame rate; `field` makes a frame of each "
             "field; `off` changes nothing.",
     .choices = {"auto", "field", "off"}},
    {.key = "profiles.*.video.bit_rate", .kind = kind::rate, .at = in_video<&v::bit_rate>, .help = "Average rate.",
     .min = 10'000, .max = 1e9, .default_text = "the encoder's"},
    {.key = "profiles.*.video.max_bit_rate", .kind = kind::rate, .at = in_video<&v::max_bit_rate>,
     .help = "Highest rate, over a buffer of one second.", .min = 10'000, .max = 1e9, .default_text = "none"},
    {.key = "profiles.*.video.crf", .kind = kind::number, .at = in_video<&v::crf>,
     .help = "Constant quality on the encoder's own scale, instead of a rate.",
     .min = 0, .max = 255, .default_text = "not set"},
    {.key = "profiles.*.video.preset", .kind = kind::word, .at = in_video<&v::preset>,
     .help = "The encoder's preset: speed against size.", .default_text = "the encoder's"},
    {.key = "profiles.*.video.tune", .kind = kind::word, .at = in_video<&v::tune>,
     .help = "The encoder's tuning.", .default_text = "the encoder's"},
    {.key = "profiles.*.video.profile", .kind = kind::word, .at = in_video<&v::profile>,
     .help = "The codec's profile, such as `high`.", .default_text = "the encoder's"},
    {.key = "profiles.*.video.level", .kind = kind::word, .at = in_video<&v::level>,
     .help = "The codec's level, such as `4.1`.", .default_text = "the encoder's"},
    {.key = "profiles.*.video.keyframe_interval", .kind = kind::duration, .at = in_video<&v::keyframe_interval>,
     .help = "Time between random-access points, at which clients can join.",
     .min = 100, .max = 1 * minutes},
    {.key = "profiles.*.video.b_frames", .kind = kind::integer, .at = in_video<&v::b_frames>,
     .help = "The most bidirectional frames in a row.", .min = 0, .max = 16, .default_text = "the encoder's"},
    {.key = "profiles.*.video.on_busy", .kind = kind::choice, .at = in_video<&v::on_busy>,
     .help = "If all encode sessions of the hardware encoder that `codec` names are in use: `queue` waits for one, "
             "`fallback` takes the next encoder of the ladder with a warning, `reject` is an error at once.",
     .choices = {"queue", "fallback", "reject"}},
    {.key = "profiles.*.video.fallback_encoder", .kind = kind::word, .at = in_video<&v::fallback_encoder>,
     .help = "The encoder that `fallback` tries first.", .default_text = "the ladder's next"},
    {.key = "profiles.*.video.never_software", .kind = kind::boolean, .at = in_video<&v::never_software>,
     .help = "Never encodes on the processor."},
    {.key = "profiles.*.video.queue_timeout", .kind = kind::duration, .at = in_video<&v::queue_timeout>,
     .help = "How long `queue` waits.", .max = 1 * hours, .default_text = "`gpu.queue_timeout`"},
    {.key = "profiles.*.video.options.*", .kind = kind::text, .at = video_option,
     .help = "A further option of the encoder, from the allow list.", .default_text = "none"},
    {.key = "profiles.*.audio.codec", .kind = kind::word, .at = in_audio<&a::codec>,
     .help = "A codec (`aac`), an encoder (`libopus`), `copy` or `none`."},
    {.key = "profiles.*.audio.bit_rate", .kind = kind::rate, .at = in_audio<&a::bit_rate>, .help = "Average rate.",
     .min = 6'000, .max = 10e6, .default_text = "the encoder's"},
    {.key = "profiles.*.audio.sample_rate", .kind = kind::integer, .at = in_audio<&a::sample_rate>, .help = "Sampling rate in Hz.",
     .min = 8'000, .max = 192'000, .default_text = "as the source"},
    {.key = "profiles.*.audio.channel_layout", .kind = kind::word, .at = in_audio<&a::channel_layout>,
     .help = "libav*'s name, such as `stereo` or `5.1`.", .default_text = "as the source"},
    {.key = "profiles.*.audio.languages", .kind = kind::word_list, .at = in_audio<&a::languages>,
     .help = "Of channels: the sounds in these languages come first, in this order, and the first is the default: "
             "`[de, en]`.", .default_text = "the source's order"},
    {.key = "profiles.*.audio.others", .kind = kind::choice, .at = in_audio<&a::others>,
     .help = "Whether sounds in other languages are kept. If none is in a language of the list, all are.",
     .choices = {"keep", "drop"}},
    {.key = "profiles.*.audio.options.*", .kind = kind::text, .at = audio_option,
     .help = "A further option of the encoder, from the allow list.", .default_text = "none"},
    {.key = "ladders.*", .kind = kind::name_list, .at = ladder_profiles,
     .help = "The profiles between which players of HLS and DASH switch. Each gives its video, at a rate or quality "
             "of its own; all have one keyframe interval. The sound is that of the first."},
  };
}

// clang-format on

} // namespace troupe::config

// The differences between encoders, as data: which encoder stands for a codec, how it names the common settings, and
// which further options callers may set.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::av {

/// A family of encoders with the same private options. An empty name means that the family has no such setting.
struct encoder_family {
  std::string_view names;       ///< separated by spaces; "*_nvenc" matches all names with this ending
  std::string_view preset;      ///< option for `video_settings::preset`
  std::string_view tune;        ///< option for `tune`
  std::string_view profile;     ///< option for `profile`
  std::string_view level;       ///< option for `level`; "x265-params:level-idc" is a key inside another option
  std::string_view quality;     ///< option for `crf`; "qscale" is libav*'s fixed quantiser
  bool b_frames = false;        ///< true if `b_frames` above 0 has an effect
  std::string_view fixed;       ///< always set: "name=value name=value"
  std::string_view mastering{}; ///< option for the colours and brightness of the HDR mastering display
  std::string_view light{};     ///< option for the brightness of HDR content
  std::string_view
    threads{}; ///< option for `threads`, of encoders that ignore libav*'s thread count or use it differently
  std::string_view steady{}; ///< "name=value" that keeps an average rate steady: set if there is time for lookahead.
  std::string_view no_scene_cuts{}; ///< "name=value": no random-access points except those that are asked for
};

/// The family of `encoder`. An encoder that the table does not know has only libav*'s general options.
const encoder_family& family_of(std::string_view encoder);

/// The encoders for a codec's name, best first; empty if the table does not list the codec.
std::vector<std::string_view> preferred_encoders(std::string_view codec);

/// False for encoders that callers may not ask for.
bool is_offered(std::string_view encoder);

/// True if the encoder makes a random-access point of a picture that is marked as one. Other encoders have one only
/// where they begin.
bool takes_forced_keys(std::string_view encoder);

/// True for an option that callers may set. No such option names a file, runs a program or breaks the timeline.
bool is_allowed_option(std::string_view name);

/// For options that are lists of keys ("x264-params=aq-mode=1:me=hex"): true for a key that callers may set.
bool is_allowed_key(std::string_view key);

/// True for options whose value is such a list.
bool is_key_list(std::string_view name);

} // namespace troupe::av

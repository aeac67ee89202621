// What is particular about each encoder, as data: which one stands for a codec, what it calls the settings that all share, and
// which further options callers may set.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::av {

/// A family of encoders that share their private options. An empty name says that the family has no such setting.
struct encoder_family {
  std::string_view names;       ///< separated by spaces; "*_nvenc" stands for all that end so
  std::string_view preset;      ///< option for `video_settings::preset`
  std::string_view tune;        ///< option for `tune`
  std::string_view profile;     ///< option for `profile`
  std::string_view level;       ///< option for `level`; "x265-params:level-idc" is a key inside another option
  std::string_view quality;     ///< option for `crf`; "qscale" is libav*'s fixed quantiser
  bool b_frames = false;        ///< true where `b_frames` above 0 means something
  std::string_view fixed;       ///< "name=value name=value": always set
  std::string_view mastering{}; ///< option for the colours and brightness of the display that HDR was made on
  std::string_view light{};     ///< option for the brightness of HDR content
  std::string_view
    threads{}; ///< option for `threads`, of encoders that take libav*'s count for nothing or for something else
  std::string_view
    steady{}; ///< "name=value" that keeps an average rate on its way: set where there is time to look ahead
};

/// The family of `encoder`: one that has libav*'s general options only where the table does not know it.
const encoder_family& family_of(std::string_view encoder);

/// The encoders for a codec's name, best first; empty where the table has no opinion.
std::vector<std::string_view> preferred_encoders(std::string_view codec);

/// False for encoders that nobody is to ask for.
bool is_offered(std::string_view encoder);

/// True for an option that callers may set: nothing that names a file, runs a program or breaks the timeline is among them.
bool is_allowed_option(std::string_view name);

/// For options that are lists of keys ("x264-params=aq-mode=1:me=hex"): true for a key that callers may set.
bool is_allowed_key(std::string_view key);

/// True for options whose value is such a list.
bool is_key_list(std::string_view name);

} // namespace troupe::av

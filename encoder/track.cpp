// Tracks are deep copies: no two threads or contexts ever share codec parameters.
#include "encoder/track.hpp"

extern "C" {
#include <libavutil/dict.h>
}

#include <algorithm>
#include <cctype>
#include <string_view>

namespace troupe::av {

track track::clone() const {
  return {parameters ? copy(*parameters) : make_codec_parameters(),
          frame_rate,
          language,
          stream,
          grid,
          turn,
          aspect_by_container};
}

std::string language_in(const AVDictionary* words) {
  constexpr size_t bytes_max = 35; // section 4.4.1
  const auto* found = av_dict_get(words, "language", nullptr, 0);
  std::string_view text{found != nullptr ? found->value : ""};
  auto is_letter = [](char c) { return c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0; };
  return text.size() <= bytes_max && std::all_of(text.begin(), text.end(), is_letter) ? std::string{text}
                                                                                      : std::string{};
}

std::vector<track> clone(const std::vector<track>& tracks) {
  std::vector<track> result;
  result.reserve(tracks.size());
  for (const auto& x : tracks)
    result.push_back(x.clone());
  return result;
}

} // namespace troupe::av

// Tracks are deep copies: no two threads or contexts ever share codec parameters.
#include "encoder/track.hpp"

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

std::vector<track> clone(const std::vector<track>& tracks) {
  std::vector<track> result;
  result.reserve(tracks.size());
  for (const auto& x : tracks)
    result.push_back(x.clone());
  return result;
}

} // namespace troupe::av

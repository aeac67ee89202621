#include "http/presets.hpp"

#include "config/presets.hpp"
#include "http/json.hpp"

#include <algorithm>

namespace troupe::http {

namespace json = boost::json;

tl::expected<profile, std::string> find_rendition(const std::string& name, const std::vector<profile>& profiles) {
  auto i = std::find_if(profiles.begin(), profiles.end(), [&](auto& x) { return x.name == name; });
  if (i != profiles.end())
    return *i;
  if (auto* preset = config::find_preset(name))
    return profile{preset->name, preset->video, preset->audio};
  return tl::unexpected("no preset or profile is named " + name.substr(0, 128)
                        + "; see /api/v1/presets and /api/v1/profiles");
}

void make_room(const json::object& set, video_profile& x) {
  if (set.contains("codec")) {
    // These values belong to the encoder that the preset or profile names.
    x.preset.clear();
    x.tune.clear();
    x.profile.clear();
    x.level.clear();
    x.options.clear();
  }
  if (set.contains("crf") || set.contains("bit_rate"))
    x.max_bit_rate = 0;
  if (set.contains("crf"))
    x.bit_rate = 0;
  if (set.contains("bit_rate"))
    x.crf = -1;
  if (set.contains("height") != set.contains("width"))
    x.height = x.width = 0;
}

json::value presets_json() {
  json::array list;
  for (auto& x : config::presets())
    list.push_back({{"name", x.name},
                    {"about", x.about},
                    {"container", x.container},
                    {"video", http::to_json(x.video)},
                    {"audio", http::to_json(x.audio)}});
  auto total = list.size();
  return json::object{{"presets", std::move(list)}, {"total", total}};
}

} // namespace troupe::http

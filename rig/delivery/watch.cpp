#include "rig/delivery/watch.hpp"

#include "rig/delivery/dash_player.hpp"
#include "rig/delivery/hls_player.hpp"

namespace troupe::bench::delivery {

bool is_delivery(std::string_view url) {
  auto name = name_of(url);
  return url.starts_with("http") && (name.ends_with(".m3u8") || name.ends_with(".mpd"));
}

watch_result watch(const watch_options& options) {
  verdict found;
  watch_result result;
  if (name_of(options.url).ends_with(".mpd"))
    dash_player{options, found}.run(result);
  else
    hls_player{options, found}.run(result);
  result.violations = found.violations();
  return result;
}

} // namespace troupe::bench::delivery

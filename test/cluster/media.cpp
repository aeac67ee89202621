#include "test/cluster/media.hpp"

#include "test/support/cluster.hpp"

#include <map>
#include <stdexcept>

namespace troupe::test {

bench::sample_options small_sample() {
  bench::sample_options result;
  result.width = 320;
  result.height = 180;
  result.seconds = 10;
  result.video_preset = "ultrafast";
  return result;
}

std::string media(const std::string& name, const bench::sample_options& options) {
  static const temporary_folder folder;
  static std::map<std::string, std::string> made;
  auto& path = made[name];
  if (path.empty()) {
    path = folder.path(name);
    if (auto written = bench::write_sample(path, options); !written)
      throw std::runtime_error("cannot make " + name + ": " + written.error().what);
  }
  return path;
}

uint32_t small_sample_frames() {
  return bench::frame_count(small_sample());
}

} // namespace troupe::test

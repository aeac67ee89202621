// MP4 files with any edit list: one pass over the file, and a second reader that gets the results of the first.
// Whatever the list hides, repeats or leaves empty, the file can be cut by the index, and no reader returns a picture
// before the first one of the index.
#include "encoder/source/source_index.hpp"

#include "test/fuzz/memory_file.hpp"
#include "test/fuzz/packets.hpp"

extern "C" {
#include <libavutil/log.h>
}

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

using namespace troupe;
using fuzz::require;

namespace {

std::string big_endian(uint32_t x) {
  return {static_cast<char>(x >> 24), static_cast<char>(x >> 16), static_cast<char>(x >> 8), static_cast<char>(x)};
}

uint32_t read_32(const std::string& bytes, size_t at) {
  uint32_t result = 0;
  for (size_t i = 0; i < 4; ++i)
    result = result << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return result;
}

/// The seed of the demuxer's target: its `moov` comes last, so that a box in it may grow.
const std::string& film() {
  static const std::string result = [] {
    std::ifstream file{TROUPE_FUZZ_CORPUS "/demuxer/h264_aac.mp4", std::ios::binary};
    return std::string{std::istreambuf_iterator<char>{file}, {}};
  }();
  return result;
}

/// The film with `entries` (12 bytes each: length, begin in the media, rate) as the edit list of its first track, and
/// of the other one too if `both`.
std::string with_edits(std::string_view entries, bool both) {
  auto bytes = film();
  auto count = static_cast<uint32_t>(entries.size() / 12);
  auto box = std::string{"elst"} + big_endian(0) + big_endian(count) + std::string{entries.substr(0, count * 12)};
  box = big_endian(static_cast<uint32_t>(box.size() + 4)) + box;
  for (size_t from = 0, tracks = 0; tracks < (both ? 2U : 1U); ++tracks) {
    auto trak = bytes.find("trak", from);
    require(trak != std::string::npos, "the film has a track");
    auto edts = bytes.find("edts", trak);
    auto old = bytes.find("elst", trak) - 4;
    auto grown = static_cast<uint32_t>(box.size()) - read_32(bytes, old);
    bytes.replace(old, read_32(bytes, old), box);
    for (auto at : {bytes.find("moov"), trak, edts})
      bytes.replace(at - 4, 4, big_endian(read_32(bytes, at - 4) + grown));
    from = trak + 4;
  }
  return bytes;
}

void check(const av::source_index& index) {
  require(index.origin <= index.end, "a file begins before it ends");
  for (size_t i = 1; i < index.access_points.size(); ++i) {
    auto& x = index.access_points[i];
    auto& before = index.access_points[i - 1];
    require(x.pts > before.pts, "access points come one after the other");
    require(x.pictures_before >= before.pictures_before, "pictures before a point grow");
  }
  for (auto& x : index.streams)
    if (x.readable && x.first_pts != av::no_pts) {
      require(x.first_pts <= x.last_pts && x.last_pts <= x.end_pts, "a stream's times are in order");
      require(x.first_pts >= index.origin && x.end_pts <= index.end, "a stream lies within its file");
    }
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::atomic<bool> stop{false};
  ::av_log_set_level(AV_LOG_QUIET);
  if (size == 0)
    return 0;
  auto bytes = with_edits(fuzz::text_of(data + 1, size - 1), data[0] % 2 == 1);
  fuzz::memory_file file{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  av::source_options options;
  options.url = file.path();
  options.open_timeout = std::chrono::milliseconds{2000};
  options.read_timeout = std::chrono::milliseconds{2000};
  auto index = av::index_source(options, av::work_control{stop, {}});
  if (!index) {
    require(!index.error().what.empty(), "a refusal says why");
    return 0;
  }
  check(*index);
  auto again = av::demuxer::open(std::move(options), stop);
  if (again)
    fuzz::read_packets(*again, 4096);
  return 0;
}

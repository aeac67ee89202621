// Goal: a channel's pictures and sound, written as a session writes them, and read as players read them.
#pragma once

#include "packaging/rendition.hpp"

#include "coded_track.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace troupe::test {

struct channel_fixture {
  static constexpr int64_t begin = 100 * ticks_per_second; // the source has a clock of its own
  static constexpr delivery_times times{.segment = ticks_per_second};

  explicit channel_fixture(const delivery_times& like = times) {
    auto pictures = make_pictures({.frames = 100, .gop = 25, .first_pts = begin});
    auto sound = make_sound({.encoder = "aac", .first_sample = 100 * 48'000, .samples = 4 * 48'000});
    all_tracks = {{pictures.format, sound.format}};
    BOOST_REQUIRE(out.set_format(all_tracks, like, {begin, 1'000'000}));
    for (auto& x : pictures.samples)
      all.push_back(x);
    for (auto& x : sound.samples) {
      all.push_back(x);
      all.back().info.track = 1;
      all.back().info.flags = sample::key;
    }
    std::ranges::stable_sort(all, {}, [](const coded_sample& x) { return x.info.dts; });
  }

  /// Writes the samples up to this decoding time, each as a block.
  void write_until(int64_t dts) {
    for (; next < all.size() && all[next].info.dts < dts; ++next) {
      auto x = all[next].info;
      if (x.track == 0 && (x.flags & sample::key) != 0)
        x.flags |= sample::random_access;
      x.size = static_cast<uint32_t>(all[next].bytes.size());
      BOOST_REQUIRE(out.write({{x}, shared_bytes{all[next].bytes}}, {}));
    }
  }

  /// The tracks, and subtitles.
  stream_format with_text() const {
    auto x = all_tracks;
    x.tracks.emplace_back().kind = track_kind::subtitle;
    x.tracks.back().codec = text_codec;
    x.tracks.back().language = "ger";
    return x;
  }

  void set(const stream_format& x) {
    BOOST_REQUIRE(out.set_format(x, times, {begin, 1'000'000}));
  }

  /// A subtitle this long (ticks) after the beginning.
  void say(int64_t at, const std::string& words, uint32_t duration = 90) {
    auto* from = reinterpret_cast<const std::byte*>(words.data());
    auto size = static_cast<uint32_t>(words.size());
    shared_bytes::container bytes(from, from + words.size());
    sample_block block{{{2, 0, begin + at, begin + at, duration, size}}, shared_bytes{std::move(bytes)}};
    BOOST_REQUIRE(out.write(block, {}));
  }

  delivery_reply get(const std::string& file, std::optional<int64_t> msn = {}, std::optional<int64_t> part = {}) {
    delivery_request x;
    x.file = file;
    x.msn = msn;
    x.part = part;
    return out.shared()->get(x);
  }

  static std::string text(const delivery_reply& x) {
    std::string result;
    for (auto& bytes : x.body)
      result.append(reinterpret_cast<const char*>(bytes.span().data()), bytes.size());
    return result;
  }

  rendition_output out{{}, "hd"};
  stream_format all_tracks;
  std::vector<coded_sample> all;
  size_t next = 0;
};

} // namespace troupe::test

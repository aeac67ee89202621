// The demuxer's output as tests look at it.
#pragma once

#include "encoder/source/demuxer.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::av::test {

/// The flag of a caller that never stops.
inline const std::atomic<bool> never{false};

struct seen {
  std::vector<packet_ptr> packets;
  std::vector<track> tracks;
  source_counters counters;

  std::vector<const AVPacket*> of(AVMediaType type) const {
    std::vector<const AVPacket*> result;
    for (const auto& x : packets)
      if (tracks[static_cast<size_t>(x->stream_index)].parameters->codec_type == type)
        result.push_back(x.get());
    return result;
  }

  std::vector<const AVPacket*> video() const {
    return of(AVMEDIA_TYPE_VIDEO);
  }

  std::vector<const AVPacket*> audio() const {
    return of(AVMEDIA_TYPE_AUDIO);
  }
};

/// The default options for a URL.
inline source_options from(const std::string& url) {
  source_options result;
  result.url = url;
  return result;
}

/// Reads the whole source (at most `count` packets), and checks the rules that every packet of any source must keep.
inline seen read_all(demuxer& source, size_t count = 1'000'000) {
  seen result;
  std::map<int, int64_t> last;
  for (;;) {
    auto x = make_packet();
    auto more = source.read(*x);
    BOOST_REQUIRE_MESSAGE(more, (more ? "" : more.error().what));
    if (!*more || result.packets.size() == count)
      break;
    BOOST_REQUIRE(static_cast<size_t>(x->stream_index) < source.tracks().size());
    BOOST_REQUIRE(x->pts != no_pts);
    BOOST_REQUIRE(x->pts >= x->dts);
    BOOST_REQUIRE(x->buf != nullptr);
    if (last.contains(x->stream_index))
      BOOST_REQUIRE(x->dts > last[x->stream_index]);
    last[x->stream_index] = x->dts;
    result.packets.push_back(std::move(x));
  }
  result.tracks = clone(source.tracks());
  result.counters = source.counters();
  return result;
}

inline seen read_all(const source_options& options, size_t count = 1'000'000) {
  auto source = demuxer::open(options, never);
  BOOST_REQUIRE_MESSAGE(source, (source ? "" : source.error().what));
  return read_all(*source, count);
}

/// The error of an open call that must fail.
inline error failure(const source_options& options) {
  auto source = demuxer::open(options, never);
  BOOST_REQUIRE(!source);
  return source.error();
}

} // namespace troupe::av::test

// One track as the packager gets it: a format, and samples with their bytes, made by libav*'s encoders.
#pragma once

#include "messages/media.hpp"

#include "test/encoder/make_stream.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::test {

struct coded_sample {
  sample info;
  std::vector<std::byte> bytes;
};

struct coded_track {
  track_format format;
  std::vector<coded_sample> samples;
};

/// Three seconds of pictures, a key picture each second.
coded_track make_pictures(const av::test::video_source& source);

coded_track make_sound(const av::test::audio_source& source);

/// The same three seconds for a codec by libav*'s name, from an encoder that this machine has.
coded_track make_track(const std::string& codec);

/// The boxes of one fragment (ISO/IEC 14496-12: 8.8), with the defaults of its headers filled in.
struct fragment {
  struct entry {
    uint32_t duration = 0;
    uint32_t size = 0;
    bool key = false;
    int32_t offset = 0; ///< from decoding to presentation
  };

  std::vector<std::string> boxes; ///< outermost, in order
  uint32_t number = 0;
  uint64_t first_dts = 0; ///< tfdt
  std::vector<entry> entries;
};

/// Throws `std::runtime_error` if the bytes are not boxes.
fragment read_fragment(const shared_bytes& bytes);

/// The names of all boxes in an init segment, outer before inner, sample entries among them.
std::vector<std::string> boxes_of(const shared_bytes& init);

/// What a player reads from an init segment and the fragments after it.
struct played {
  std::string codec;
  uint32_t tag = 0;
  std::vector<std::byte> extradata;
  AVRational time_base{0, 1};
  std::vector<av::packet_ptr> packets;
  size_t decoded = 0; ///< pictures, or frames of sound
};

played play(const std::vector<shared_bytes>& pieces, const std::string& name);

} // namespace troupe::test

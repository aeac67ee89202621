// Throws on any failure: a test that cannot make or read its media is meaningless.
#include "coded_track.hpp"

#include "packaging/samples.hpp"

#include "test/encoder/clip.hpp"

#include <stdexcept>
#include <utility>

namespace troupe::test {

namespace {

coded_track from_stream(const av::test::stream& x) {
  coded_track result;
  result.format = to_format(x.info);
  for (const auto& packet : x.packets) {
    // FLAC's encoder ends with an empty packet that only carries new extradata.
    if (packet->size == 0)
      continue;
    coded_sample made;
    made.info.pts = packet->pts;
    made.info.dts = packet->dts;
    made.info.duration = static_cast<uint32_t>(packet->duration);
    made.info.size = static_cast<uint32_t>(packet->size);
    if ((packet->flags & AV_PKT_FLAG_KEY) != 0)
      made.info.flags = sample::key;
    auto first = reinterpret_cast<const std::byte*>(packet->data);
    made.bytes.assign(first, first + packet->size);
    result.samples.push_back(std::move(made));
  }
  return result;
}

/// MP3 is made with `make_clip`, because `make_audio` does not support the sample formats of its encoder.
coded_track make_mp3() {
  av::test::clip_settings settings;
  settings.video = "";
  settings.audio = "libmp3lame";
  auto made = av::test::make_clip(settings);
  for (auto& x : made.packets) {
    x->pts += 900'000;
    x->dts += 900'000;
    x->duration = 2160;
  }
  return from_stream({std::move(made.tracks.at(0)), std::move(made.packets)});
}

uint64_t number(std::span<const std::byte> x, size_t at, size_t size) {
  if (at + size > x.size())
    throw std::runtime_error("a box ends too early");
  uint64_t result = 0;
  for (size_t i = 0; i < size; ++i)
    result = result << 8 | std::to_integer<uint64_t>(x[at + i]);
  return result;
}

/// Calls `f` with type and contents of each box.
template <class F>
void for_each_box(std::span<const std::byte> x, F f) {
  for (size_t at = 0; at < x.size();) {
    auto size = static_cast<size_t>(number(x, at, 4));
    (void)number(x, at + 4, 4);
    if (size < 8 || size > x.size() - at)
      throw std::runtime_error("a box has a wrong size");
    f(std::string{reinterpret_cast<const char*>(x.data()) + at + 4, 4}, x.subspan(at + 8, size - 8));
    at += size;
  }
}

struct run_defaults {
  uint32_t duration = 0;
  uint32_t size = 0;
  uint32_t flags = 0;
};

run_defaults read_tfhd(std::span<const std::byte> x) {
  auto flags = number(x, 0, 4);
  size_t at = 8;
  run_defaults result;
  auto next = [&](uint32_t bit) {
    if ((flags & bit) == 0)
      return 0U;
    at += 4;
    return static_cast<uint32_t>(number(x, at - 4, 4));
  };
  if ((flags & 0x20001) != 0x20000)
    throw std::runtime_error("a fragment is not relative to its moof");
  (void)next(0x2);
  result.duration = next(0x8);
  result.size = next(0x10);
  result.flags = next(0x20);
  return result;
}

void read_trun(std::span<const std::byte> x, const run_defaults& defaults, fragment& to) {
  auto flags = number(x, 0, 4);
  auto count = number(x, 4, 4);
  size_t at = 8;
  auto next = [&](uint32_t bit, uint32_t otherwise) {
    if ((flags & bit) == 0)
      return otherwise;
    at += 4;
    return static_cast<uint32_t>(number(x, at - 4, 4));
  };
  (void)next(0x1, 0);
  auto first_flags = next(0x4, defaults.flags);
  for (uint64_t i = 0; i < count; ++i) {
    fragment::entry made;
    made.duration = next(0x100, defaults.duration);
    made.size = next(0x200, defaults.size);
    made.key = (next(0x400, i == 0 ? first_flags : defaults.flags) & 0x10000) == 0;
    made.offset = static_cast<int32_t>(next(0x800, 0));
    to.entries.push_back(made);
  }
}

void list_boxes(std::span<const std::byte> x, std::vector<std::string>& to) {
  for_each_box(x, [&](const std::string& type, std::span<const std::byte> inner) {
    to.push_back(type);
    for (auto* outer : {"moov", "trak", "mdia", "minf", "stbl", "mvex", "edts"})
      if (type == outer)
        list_boxes(inner, to);
    if (type == "stsd")
      list_boxes(inner.subspan(8), to);
  });
}

} // namespace

coded_track make_pictures(const av::test::video_source& source) {
  return from_stream(av::test::make_video(source));
}

coded_track make_sound(const av::test::audio_source& source) {
  return from_stream(av::test::make_audio(source));
}

coded_track make_track(const std::string& codec) {
  static const std::map<std::string, av::test::video_source> pictures{
    {"h264", {.encoder = "libx264", .gop = 25}},
    {"hevc", {.encoder = "libx265", .gop = 25, .options = {{"forced-idr", "1"}}}},
    {"av1", {.encoder = "libaom-av1", .gop = 25, .b_frames = 0, .options = {{"cpu-used", "8"}, {"usage", "realtime"}}}},
    {"vp9", {.encoder = "libvpx-vp9", .gop = 25, .b_frames = 0, .options = {{"deadline", "realtime"}}}}};
  static const std::map<std::string, std::string> sounds{{"aac", "aac"}, {"ac3", "ac3"},      {"eac3", "eac3"},
                                                         {"mp2", "mp2"}, {"opus", "libopus"}, {"flac", "flac"}};
  if (codec == "mp3")
    return make_mp3();
  if (auto found = pictures.find(codec); found != pictures.end())
    return make_pictures(found->second);
  return make_sound({.encoder = sounds.at(codec)});
}

fragment read_fragment(const shared_bytes& bytes) {
  fragment result;
  run_defaults defaults;
  for_each_box(bytes.span(), [&](const std::string& outer, std::span<const std::byte> x) {
    result.boxes.push_back(outer);
    if (outer == "moof")
      for_each_box(x, [&](const std::string& type, std::span<const std::byte> y) {
        if (type == "mfhd")
          result.number = static_cast<uint32_t>(number(y, 4, 4));
        if (type == "traf")
          for_each_box(y, [&](const std::string& inner, std::span<const std::byte> z) {
            if (inner == "tfhd")
              defaults = read_tfhd(z);
            if (inner == "tfdt")
              result.first_dts = number(z, 4, number(z, 0, 1) == 1 ? 8 : 4);
            if (inner == "trun")
              read_trun(z, defaults, result);
          });
      });
  });
  return result;
}

std::vector<std::string> boxes_of(const shared_bytes& init) {
  std::vector<std::string> result;
  list_boxes(init.span(), result);
  return result;
}

played play(const std::vector<shared_bytes>& pieces, const std::string& name) {
  std::string bytes;
  for (const auto& x : pieces)
    bytes.append(reinterpret_cast<const char*>(x.span().data()), x.size());
  auto check = [](int rc) {
    if (rc < 0)
      throw std::runtime_error("play: " + av::av_text(rc));
  };
  AVFormatContext* input = nullptr;
  check(avformat_open_input(&input, av::test::write_bytes(name, bytes).c_str(), nullptr, nullptr));
  std::unique_ptr<AVFormatContext*, void (*)(AVFormatContext**)> closer{&input, avformat_close_input};
  auto& stream = *input->streams[0];
  auto& p = *stream.codecpar;
  auto first = reinterpret_cast<const std::byte*>(p.extradata);
  played result;
  result.codec = avcodec_get_name(p.codec_id);
  result.tag = p.codec_tag;
  result.extradata.assign(first, first + p.extradata_size);
  result.time_base = stream.time_base;
  av::codec_context_ptr decoder{av::checked(avcodec_alloc_context3(avcodec_find_decoder(p.codec_id)))};
  check(avcodec_parameters_to_context(decoder.get(), &p));
  check(avcodec_open2(decoder.get(), nullptr, nullptr));
  auto frame = av::make_frame();
  auto drain = [&] {
    while (avcodec_receive_frame(decoder.get(), frame.get()) >= 0)
      ++result.decoded;
  };
  for (;;) {
    auto packet = av::make_packet();
    if (av_read_frame(input, packet.get()) < 0)
      break;
    check(avcodec_send_packet(decoder.get(), packet.get()));
    drain();
    result.packets.push_back(std::move(packet));
  }
  check(avcodec_send_packet(decoder.get(), nullptr));
  drain();
  return result;
}

} // namespace troupe::test

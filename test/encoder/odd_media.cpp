// Boxes and sections are found by their names, not parsed: the files are our own.
#include "odd_media.hpp"

extern "C" {
#include <libavutil/crc.h>
}

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace troupe::av::test {

namespace {

std::string output_of(const std::string& command) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{::popen(command.c_str(), "r"), ::pclose};
  std::string result;
  std::array<char, 4096> text = {};
  while (pipe && std::fgets(text.data(), text.size(), pipe.get()) != nullptr)
    result += text.data();
  return result;
}

std::string big_endian(uint32_t x) {
  return {static_cast<char>(x >> 24), static_cast<char>(x >> 16), static_cast<char>(x >> 8), static_cast<char>(x)};
}

uint32_t read_32(const std::string& bytes, size_t at) {
  uint32_t result = 0;
  for (size_t i = 0; i < 4; ++i)
    result = result << 8 | static_cast<uint8_t>(bytes.at(at + i));
  return result;
}

} // namespace

void ffmpeg(const std::string& arguments) {
  if (std::system(("ffmpeg -v error -nostdin -y " + arguments + " 2>&1").c_str()) != 0)
    throw std::runtime_error{"ffmpeg " + arguments};
}

std::string pictures_input(int seconds) {
  return "-f lavfi -i testsrc2=s=160x96:r=25:d=" + std::to_string(seconds) + ",format=yuv420p ";
}

std::string tone_input(int seconds) {
  return "-f lavfi -i sine=sample_rate=48000:d=" + std::to_string(seconds) + " ";
}

std::vector<int64_t> pictures_by_ffmpeg(const std::string& path) {
  auto text =
    output_of("ffmpeg -v quiet -nostdin -i " + path
              + " -map 0:v:0 -vsync passthrough -enc_time_base 1:90000 -f framecrc - | grep '^0,' | cut -d, -f3");
  std::vector<int64_t> result;
  for (const auto* at = text.c_str(); *at != '\0'; at = std::strchr(at, '\n') + 1)
    result.push_back(std::atoll(at));
  return result;
}

std::vector<stream> one(stream x) {
  std::vector<stream> result;
  result.push_back(std::move(x));
  return result;
}

std::string with_edits(const std::string& path, const std::string& name,
                       const std::vector<std::pair<uint32_t, uint32_t>>& edits) {
  auto bytes = read_bytes(path);
  auto at = [&bytes](const char* box) { return bytes.rfind(box) - 4; };
  auto movie_scale = read_32(bytes, at("mvhd") + 20);
  auto media_scale = read_32(bytes, at("mdhd") + 20);
  auto old = at("elst");
  auto begin = read_32(bytes, old + 20); // media time of the first picture, which reordering delays
  std::string box = std::string{"elst"} + big_endian(0) + big_endian(static_cast<uint32_t>(edits.size()));
  for (auto [length, from] : edits)
    box +=
      big_endian(length * movie_scale / 1000) + big_endian(begin + from * media_scale / 1000) + big_endian(1 << 16);
  box = big_endian(static_cast<uint32_t>(box.size() + 4)) + box;
  uint32_t length = 0;
  for (auto x : edits)
    length += x.first * movie_scale / 1000;
  bytes.replace(at("mvhd") + 24, 4, big_endian(length));
  auto grown = static_cast<uint32_t>(box.size()) - read_32(bytes, old);
  bytes.replace(old, read_32(bytes, old), box);
  for (const auto* outer : {"moov", "trak", "edts"})
    bytes.replace(at(outer), 4, big_endian(read_32(bytes, at(outer)) + grown));
  return write_bytes(name, bytes);
}

std::string with_stream_type(const std::string& path, const std::string& name, uint8_t from, uint8_t to) {
  constexpr size_t packet_size = 188;
  auto bytes = read_bytes(path);
  for (size_t packet = 0; packet + packet_size <= bytes.size(); packet += packet_size) {
    auto pid = (read_32(bytes, packet) >> 8) & 0x1fff;
    if (pid != 0x1000) // where libavformat's muxer has its first program's map
      continue;
    auto section = packet + 5;
    auto length = (read_32(bytes, section) >> 8 & 0xfff) + 3;
    auto* data = reinterpret_cast<uint8_t*>(bytes.data()) + section;
    auto* found = std::find(data + 12, data + length - 4, from);
    if (found == data + length - 4)
      throw std::runtime_error{"no such stream type in " + path};
    *found = to;
    auto crc = av_crc(av_crc_get_table(AV_CRC_32_IEEE), 0xffff'ffff, data, length - 4);
    std::memcpy(data + length - 4, &crc, sizeof crc);
  }
  return write_bytes(name, bytes);
}

void without_unit(AVPacket& packet, int type) {
  std::string kept;
  const std::string all{reinterpret_cast<const char*>(packet.data), static_cast<size_t>(packet.size)};
  const std::string start{"\0\0\1", 3};
  for (auto at = all.find(start); at != std::string::npos;) {
    auto next = all.find(start, at + 3);
    if ((all.at(at + 3) & 0x1f) != type)
      kept += all.substr(at, next == std::string::npos ? next : next - at);
    at = next;
  }
  auto smaller = make_packet();
  if (av_new_packet(smaller.get(), static_cast<int>(kept.size())) < 0
      || av_packet_copy_props(smaller.get(), &packet) < 0)
    throw std::bad_alloc{};
  smaller->stream_index = packet.stream_index;
  std::memcpy(smaller->data, kept.data(), kept.size());
  av_packet_unref(&packet);
  av_packet_move_ref(&packet, smaller.get());
}

void add_dvd_subtitle(clip& to, int64_t pts) {
  const auto* codec = avcodec_find_encoder(AV_CODEC_ID_DVD_SUBTITLE);
  codec_context_ptr encoder{checked(avcodec_alloc_context3(codec))};
  encoder->width = 160;
  encoder->height = 96;
  encoder->time_base = time_base;
  if (avcodec_open2(encoder.get(), codec, nullptr) < 0)
    throw std::runtime_error{"no encoder for subtitles"};
  std::array<uint8_t, 32 * 16> pixels = {};
  std::fill(pixels.begin() + 64, pixels.end(), 1);
  std::array<uint32_t, 256> palette{0x00000000, 0xffffffff};
  AVSubtitleRect rectangle = {};
  rectangle.x = 16;
  rectangle.y = 16;
  rectangle.w = 32;
  rectangle.h = 16;
  rectangle.nb_colors = 2;
  rectangle.type = SUBTITLE_BITMAP;
  rectangle.data[0] = pixels.data();
  rectangle.data[1] = reinterpret_cast<uint8_t*>(palette.data());
  rectangle.linesize[0] = 32;
  auto* only = &rectangle;
  AVSubtitle subtitle = {};
  subtitle.num_rects = 1;
  subtitle.rects = &only;
  subtitle.end_display_time = 1000;
  std::array<uint8_t, 4096> coded = {};
  auto size = avcodec_encode_subtitle(encoder.get(), coded.data(), coded.size(), &subtitle);
  if (size <= 0)
    throw std::runtime_error{"encode a subtitle"};
  auto packet = make_packet();
  if (av_new_packet(packet.get(), size) < 0)
    throw std::bad_alloc{};
  std::memcpy(packet->data, coded.data(), static_cast<size_t>(size));
  packet->pts = packet->dts = pts;
  packet->duration = time_base.den;
  packet->stream_index = static_cast<int>(to.tracks.size());
  track made;
  made.parameters = make_codec_parameters();
  if (avcodec_parameters_from_context(made.parameters.get(), encoder.get()) < 0)
    throw std::bad_alloc{};
  to.tracks.push_back(std::move(made));
  auto later = std::find_if(to.packets.begin(), to.packets.end(), [pts](const auto& x) { return x->dts > pts; });
  to.packets.insert(later, std::move(packet));
}

} // namespace troupe::av::test

// Uses libavformat directly, without the product's code.
#include "film.hpp"

#include "encoder/format_ptr.hpp"

extern "C" {
#include <libavutil/dict.h>
}

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>

namespace troupe::av::test {

namespace {

void require(int code) {
  BOOST_REQUIRE(code >= 0);
}

void set_extradata(AVCodecParameters& to, const std::string& bytes) {
  to.extradata = static_cast<uint8_t*>(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE));
  to.extradata_size = static_cast<int>(bytes.size());
  std::memcpy(to.extradata, bytes.data(), bytes.size());
}

} // namespace

std::string write_film(const film& from, const std::string& name) {
  auto path = temporary(name);
  output_context_ptr out;
  require(make_output(out, muxer_name(container_of(name).value()), path));
  out->strict_std_compliance = FF_COMPLIANCE_UNOFFICIAL;
  out->max_streams = 2000;
  std::vector<packet_ptr> packets;
  for (const auto& x : from.tracks.packets)
    packets.emplace_back(av_packet_clone(x.get()));
  for (size_t i = 0; i < from.tracks.tracks.size(); ++i) {
    auto& stream = *avformat_new_stream(out.get(), nullptr);
    require(avcodec_parameters_copy(stream.codecpar, from.tracks.tracks[i].parameters.get()));
    stream.codecpar->codec_tag = 0;
    stream.time_base = time_base;
    stream.avg_frame_rate = from.tracks.tracks[i].frame_rate;
    if (from.languages.contains(i))
      av_dict_set(&stream.metadata, "language", from.languages.at(i).c_str(), 0);
  }
  for (const auto& x : from.extras) {
    auto& stream = *avformat_new_stream(out.get(), nullptr);
    stream.codecpar->codec_type = x.type;
    stream.codecpar->codec_id = x.codec;
    stream.time_base = time_base;
    if (x.type == AVMEDIA_TYPE_ATTACHMENT)
      set_extradata(*stream.codecpar, "not really a font");
    for (const auto& [key, value] : x.words)
      av_dict_set(&stream.metadata, key.c_str(), value.c_str(), 0);
    for (const auto& [begin, text] : x.lines) {
      auto packet = make_packet();
      require(av_new_packet(packet.get(), static_cast<int>(text.size())));
      std::memcpy(packet->data, text.data(), text.size());
      packet->pts = packet->dts = begin;
      packet->duration = 45'000;
      packet->stream_index = stream.index;
      packet->flags = AV_PKT_FLAG_KEY;
      packets.push_back(std::move(packet));
    }
  }
  for (unsigned i = 0; from.edit && i < out->nb_streams; ++i)
    from.edit(*out->streams[i]);
  require(open_file(*out));
  require(avformat_write_header(out.get(), nullptr));
  std::stable_sort(packets.begin(), packets.end(), [](const auto& a, const auto& b) { return a->dts < b->dts; });
  for (auto& x : packets) {
    av_packet_rescale_ts(x.get(), time_base, out->streams[x->stream_index]->time_base);
    require(av_interleaved_write_frame(out.get(), x.get()));
  }
  require(av_write_trailer(out.get()));
  return path;
}

stream short_picture(video_source from) {
  from.frames = 25;
  from.gop = 25;
  from.first_pts = 0;
  from.global_header = true;
  return make_video(from);
}

clip picture_and_sounds(size_t sounds) {
  std::vector<stream> streams;
  streams.push_back(short_picture());
  auto sound = make_audio({.encoder = "aac", .first_sample = 0, .samples = 24'576, .global_header = true});
  for (size_t i = 0; i < sounds; ++i) {
    auto& made = streams.emplace_back();
    made.info = sound.info.clone();
    for (const auto& x : sound.packets)
      made.packets.emplace_back(av_packet_clone(x.get()));
  }
  return as_clip(std::move(streams));
}

job_settings copies() {
  job_settings result;
  result.copy_video = true;
  return result;
}

job_settings quick() {
  return {usual_video(), usual_audio()};
}

std::string all_notes(const assembly_result& x) {
  std::string result;
  for (const auto& note : x.notes)
    result += std::to_string(note.stream) + ": " + note.what + "\n";
  return result;
}

bool has(const std::string& text, const std::string& part) {
  auto found = text.find(part) != text.npos;
  if (!found)
    BOOST_TEST_MESSAGE(text);
  return found;
}

verification verified(const job_outcome& made) {
  verification_job job;
  job.path = made.assembly.output;
  job.streams = made.result.streams;
  job.others = made.result.others;
  auto result = verify(job, unwatched());
  BOOST_REQUIRE_MESSAGE(result, (result ? "" : result.error().what));
  return *result;
}

} // namespace troupe::av::test

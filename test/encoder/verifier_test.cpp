// Goal: any fault of a result is found and named before the result is published. Method: a good result, then the same
// with a picture left out, a chunk inserted twice, its end cut off, or bytes changed; each made with libavformat or by
// hand.
#include "encoder/chunks/verifier.hpp"
#include "encoder/format_ptr.hpp"

#include "file_job.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cmath>
#include <functional>
#include <map>

using namespace troupe::av::test;

namespace av = troupe::av;

BOOST_AUTO_TEST_SUITE(verifier_test)

namespace {

struct finished_job {
  job_outcome made;
  std::string path;

  av::verification_job to_verify() const {
    av::verification_job result;
    result.path = path;
    result.streams = made.result.streams;
    result.threads = 1;
    return result;
  }
};

finished_job& job(const std::string& name, const std::string& encoder = "libx264", std::string sound = {}) {
  static std::map<std::string, finished_job> all;
  auto& result = all[name];
  if (result.path.empty()) {
    std::vector<stream> streams;
    streams.push_back(make_video({.frames = 100, .gop = 10, .first_pts = 0, .global_header = true}));
    streams.push_back(make_audio({.encoder = "aac", .first_sample = 0, .samples = 192'512, .global_header = true}));
    auto source = write_source(as_clip(std::move(streams)), "to-verify.mp4");
    result.path = temporary(name);
    if (sound.empty())
      sound = name.ends_with("webm") ? "libopus" : "aac";
    job_settings settings{usual_video(encoder), usual_audio(sound)};
    settings.chunks = 4;
    result.made = run_job(source, result.path, settings);
  }
  return result;
}

std::string what_is_wrong(const av::verification_job& with) {
  auto result = av::verify(with, unwatched());
  BOOST_REQUIRE(!result);
  BOOST_TEST((result.error().code == av::errc::media));
  return result.error().what;
}

bool says(const std::string& text, const std::string& word) {
  auto found = text.find(word) != text.npos;
  if (!found)
    BOOST_TEST_MESSAGE(text);
  return found;
}

/// Copies a file with libavformat; `times` says how often each packet is written.
std::string remux(const std::string& from, const std::string& name, const std::function<int(int, AVPacket&)>& times) {
  auto to = temporary(name);
  av::input_context_ptr in;
  av::output_context_ptr out;
  BOOST_REQUIRE(av::open_input(in, from) == 0);
  BOOST_REQUIRE(avformat_find_stream_info(in.get(), nullptr) >= 0);
  BOOST_REQUIRE(
    av::make_output(out, in->iformat->name[0] == 'm' && in->iformat->name[1] == 'a' ? "matroska" : "mp4", to) >= 0);
  for (unsigned i = 0; i < in->nb_streams; ++i) {
    auto* stream = avformat_new_stream(out.get(), nullptr);
    BOOST_REQUIRE(avcodec_parameters_copy(stream->codecpar, in->streams[i]->codecpar) >= 0);
    stream->codecpar->codec_tag = 0;
    stream->time_base = in->streams[i]->time_base;
  }
  BOOST_REQUIRE(av::open_file(*out) >= 0);
  BOOST_REQUIRE(avformat_write_header(out.get(), nullptr) >= 0);
  std::vector<int> count(in->nb_streams);
  auto packet = av::make_packet();
  while (av_read_frame(in.get(), packet.get()) >= 0) {
    auto index = packet->stream_index;
    auto copies = times(count[static_cast<size_t>(index)]++, *packet);
    for (auto n = 0; n < copies; ++n) {
      av::packet_ptr copy{av_packet_clone(packet.get())};
      av_packet_rescale_ts(copy.get(), in->streams[index]->time_base, out->streams[index]->time_base);
      BOOST_REQUIRE(av_interleaved_write_frame(out.get(), copy.get()) >= 0);
    }
    av_packet_unref(packet.get());
  }
  BOOST_REQUIRE(av_write_trailer(out.get()) >= 0);
  return to;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_good_file_passes_in_every_container) {
  for (const auto* name : {"good.mp4", "good.mov", "good.mkv", "good.ts"}) {
    BOOST_TEST_CONTEXT(name) {
      auto result = av::verify(job(name).to_verify(), unwatched());
      BOOST_REQUIRE_MESSAGE(result, (result ? "" : result.error().what));
      BOOST_TEST(result->pictures == 100);
      BOOST_TEST(result->sounds == job(name).made.result.streams[1].packets);
      BOOST_TEST(result->damaged_packets == 0);
      BOOST_TEST(std::abs(result->duration - 361'000) < 4'000);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_missing_picture_is_named) {
  auto with = job("good.mkv").to_verify();
  // The last picture of a group, to which no other picture refers: decoders do not notice that it is missing.
  auto hole = with.streams[0].pictures.at(24);
  with.path = remux(with.path, "holed.mkv", [&](int, AVPacket& x) {
    return x.stream_index == 0 && std::abs(av_rescale(x.pts, 90, 1) - hole) < 91 ? 0 : 1;
  });
  auto text = what_is_wrong(with);
  BOOST_TEST((says(text, "picture 24") || says(text, "refuses")));
}

BOOST_AUTO_TEST_CASE(missing_sound_is_named) {
  auto with = job("good.mkv").to_verify();
  with.path = remux(with.path, "silent.mkv", [](int n, AVPacket& x) { return x.stream_index == 1 && n == 50 ? 0 : 1; });
  BOOST_TEST(says(what_is_wrong(with), "audio"));
}

BOOST_AUTO_TEST_CASE(a_chunk_that_is_in_it_twice_is_refused) {
  auto again = job("good.mp4").made.assembly;
  again.output = temporary("doubled.mp4");
  auto& video = again.works.front();
  video.insert(video.begin() + 1, video[0]);
  auto result = av::assemble(again, unwatched());
  BOOST_REQUIRE(!result);
  BOOST_TEST(says(result.error().what, "does not come after"));
}

BOOST_AUTO_TEST_CASE(a_chunk_that_is_not_in_it_is_refused) {
  auto again = job("good.mp4").made.assembly;
  again.output = temporary("missing.mp4");
  again.pictures = 100;
  again.works.front().erase(again.works.front().begin() + 1);
  auto result = av::assemble(again, unwatched());
  BOOST_REQUIRE(!result);
  BOOST_TEST(says(result.error().what, "pictures"));
  // Without the known number of pictures the file is made, but does not match the expected content.
  again.pictures.reset();
  auto made = av::assemble(again, unwatched());
  BOOST_REQUIRE(made);
  auto with = job("good.mp4").to_verify();
  with.path = again.output;
  BOOST_TEST(says(what_is_wrong(with), "is missing"));
}

BOOST_AUTO_TEST_CASE(a_file_that_ends_early_is_found) {
  for (const auto* name : {"good.mp4", "good.mkv", "good.ts"}) {
    BOOST_TEST_CONTEXT(name) {
      auto with = job(name).to_verify();
      auto bytes = read_bytes(with.path);
      for (auto share : {0.3, 0.7, 0.99}) {
        with.path = write_bytes("short" + std::string{name},
                                bytes.substr(0, static_cast<size_t>(share * static_cast<double>(bytes.size()))));
        what_is_wrong(with);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(damaged_packets_are_found) {
  auto with = job("good.mp4").to_verify();
  auto bytes = read_bytes(with.path);
  auto begin = bytes.find("mdat") + 8;
  for (auto share : {0.2, 0.5, 0.9}) {
    auto at = begin + static_cast<size_t>(share * static_cast<double>(bytes.size() - begin));
    auto damaged = bytes;
    for (size_t i = 0; i < 200; ++i)
      damaged[at + i] = static_cast<char>(damaged[at + i] ^ 0x5a);
    with.path = write_bytes("damaged.mp4", damaged);
    BOOST_TEST(says(what_is_wrong(with), "stream"));
  }
}

BOOST_AUTO_TEST_CASE(content_is_compared_wherever_containers_leave_it_alone) {
  for (const auto& [name, encoder] :
       {std::pair{"vp9.webm", "libvpx-vp9"}, std::pair{"vp9.mp4", "libvpx-vp9"}, std::pair{"av1.mkv", "libsvtav1"},
        std::pair{"av1.mp4", "libsvtav1"}, std::pair{"av1.webm", "libaom-av1"}, std::pair{"hevc.ts", "libx265"}}) {
    BOOST_TEST_CONTEXT(name) {
      auto with = job(name, encoder).to_verify();
      for (const auto& x : with.streams)
        BOOST_TEST(x.contents.size() == x.packets);
      auto result = av::verify(with, unwatched());
      BOOST_TEST(result.has_value(), (result ? "" : result.error().what));
      // One bit of an expected hash in the middle of a chunk, where the verifier decodes nothing.
      with.streams[0].contents.at(20) ^= 1;
      BOOST_TEST(says(what_is_wrong(with), "differs from the input"));
    }
  }
}

BOOST_AUTO_TEST_CASE(sound_whose_last_packet_has_no_length_in_the_container_passes) {
  auto result = av::verify(job("alac.mkv", "libx264", "alac").to_verify(), unwatched());
  BOOST_TEST(result.has_value(), (result ? "" : result.error().what));
}

BOOST_AUTO_TEST_CASE(copied_sound_that_begins_a_little_later_passes) {
  std::vector<stream> streams;
  streams.push_back(make_video({.frames = 50, .first_pts = 0, .global_header = true}));
  streams.push_back(make_audio({.encoder = "aac", .first_sample = 816, .samples = 96'256, .global_header = true}));
  auto source = write_source(as_clip(std::move(streams)), "late-sound.mkv");
  for (const auto* name : {"late.mp4", "late.mov", "late.mkv", "late.ts"}) {
    BOOST_TEST_CONTEXT(name) {
      finished_job made{run_job(source, temporary(name), {usual_video(), {}}), temporary(name)};
      auto result = av::verify(made.to_verify(), unwatched());
      BOOST_TEST(result.has_value(), (result ? "" : result.error().what));
    }
  }
}

BOOST_AUTO_TEST_CASE(how_each_chunk_begins_is_decoded) {
  auto with = job("good.ts").to_verify();
  BOOST_TEST(with.streams[0].chunk_starts.size() == 4);
  BOOST_TEST(with.streams[0].chunk_starts.front() == 0);
  BOOST_TEST(with.streams[1].chunk_starts.size() == 1);
  // Damages parameter sets, which are no content, of all chunks but the first.
  auto bytes = read_bytes(with.path);
  const std::string parameters{"\0\0\1\x67", 4};
  auto at = bytes.find(parameters, bytes.find(parameters) + 4);
  BOOST_REQUIRE(at != bytes.npos);
  for (; at != bytes.npos; at = bytes.find(parameters, at + 4))
    bytes[at + 8] = static_cast<char>(bytes[at + 8] ^ 0x7f);
  with.path = write_bytes("headers.ts", bytes);
  BOOST_TEST(says(what_is_wrong(with), "decoder"));
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_not_there_is_found) {
  auto with = job("good.mp4").to_verify();
  with.streams.push_back(with.streams.back());
  with.streams.back().output = 5;
  BOOST_TEST(says(what_is_wrong(with), "no stream 5"));
  with = job("good.mp4").to_verify();
  with.streams[0].codec = "hevc";
  BOOST_TEST(says(what_is_wrong(with), "not hevc"));
}

BOOST_AUTO_TEST_CASE(sound_that_begins_elsewhere_is_found) {
  auto with = job("good.mp4").to_verify();
  with.streams[1].first_pts += 900;
  with.streams[1].end_pts += 900;
  BOOST_TEST(says(what_is_wrong(with), "begins"));
}

BOOST_AUTO_TEST_CASE(a_caller_can_stop) {
  std::atomic<bool> stop{true};
  auto result = av::verify(job("good.mp4").to_verify(), {stop});
  BOOST_REQUIRE(!result);
  BOOST_TEST((result.error().code == av::errc::interrupted || result.error().code == av::errc::media));
}

BOOST_AUTO_TEST_SUITE_END()

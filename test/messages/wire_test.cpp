// Every message type survives the wire format; bytes with a wrong size are refused before memory is allocated. Values
// are written with CAF's binary serializer and read back, as between two nodes.
#include "messages/actors.hpp"
#include "messages/register.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

#include <boost/test/unit_test.hpp>

using namespace troupe;

namespace wire_test {
namespace {

template <class T>
caf::byte_buffer written(T x) {
  caf::byte_buffer buffer;
  caf::binary_serializer sink{nullptr, buffer};
  BOOST_REQUIRE(sink.apply(x));
  return buffer;
}

template <class T>
bool read(const caf::byte_buffer& buffer, T& x) {
  caf::binary_deserializer source{nullptr, buffer};
  return source.apply(x) && source.remaining() == 0;
}

template <class T>
void comes_back(const T& x) {
  T y;
  BOOST_TEST(read(written(x), y));
  BOOST_TEST((x == y));
}

shared_bytes bytes_of(std::string_view text) {
  auto data = reinterpret_cast<const std::byte*>(text.data());
  return shared_bytes{shared_bytes::container{data, data + text.size()}};
}

track_format video_track() {
  track_format x;
  x.codec = "h264";
  x.codec_profile = 100;
  x.codec_level = 31;
  x.extradata = bytes_of("extradata");
  x.width = 1280;
  x.height = 720;
  x.sample_aspect = {1, 1};
  x.frame_rate = {30000, 1001};
  x.pixel_format = "yuv420p";
  x.color_primaries = "bt709";
  x.language = "eng";
  return x;
}

stream_format two_tracks() {
  track_format audio;
  audio.kind = track_kind::audio;
  audio.codec = "aac";
  audio.sample_rate = 48'000;
  audio.channel_layout = "stereo";
  return {{video_track(), audio}};
}

sample_block two_samples() {
  return {{{0, sample::random_access, -90'000, -93'003, 3003, 5}, {1, 0, 1LL << 40, no_timestamp, 1920, 3}},
          bytes_of("videoaud")};
}

profile live_profile() {
  profile x;
  x.name = "h264-720p";
  x.video.codec = "libx264";
  x.video.frame_rate = {25, 1};
  x.video.crf = 23.5;
  x.video.options = {{"x264-params", "ref=2"}};
  x.audio.codec = "aac";
  x.audio.bit_rate = 128'000;
  return x;
}

work_label label() {
  return {work_kind::transcode, "news", "h264-720p", session_id{3}, attempt_id{7}};
}

capabilities can() {
  return {"libavcodec 59",
          {{"libx264", "h264", "video", "", true, "", 120.5}},
          {{"h264", "h264", "video", "", false, "no", 0}},
          2,
          1 << 30,
          60,
          "aac_latm vc1"};
}

machine_statistics machine() {
  machine_statistics x;
  x.hostname = "box";
  x.cpu_per_core = {10, 20.5};
  x.cpu_pressure = {1, 2, 3, 4};
  return x;
}

task_statistics task() {
  return {task_id{9},
          "transcode",
          "news",
          "h264-720p",
          session_id{3},
          attempt_id{7},
          {123, 55.5, 1 << 20, 1000},
          {1, 2, 3, 4, 5, 6, 7, 8, 1.5}};
}

struct world {
  world() {
    static const bool registered = (register_message_types(), true);
    (void)registered;
  }
};

} // namespace
} // namespace wire_test

BOOST_FIXTURE_TEST_SUITE(wire_test, world)

BOOST_AUTO_TEST_CASE(the_data_plane_comes_back_from_the_wire) {
  comes_back(sample_batch{attempt_id{5}, 17, two_samples()});
  comes_back(sample_batch{});
  comes_back(batch_ack{attempt_id{5}, 17});
  comes_back(format_change{attempt_id{5}, two_tracks(), {"data scte_35 (stream 500)"}});
  comes_back(stream_end{attempt_id{5}, "the source is gone", true});
}

BOOST_AUTO_TEST_CASE(work_comes_back_from_the_wire) {
  comes_back(channel{"news", "News", {"http://a/b", "file.ts"}, true});
  comes_back(live_profile());
  comes_back(window{1, 2});
  ingest_work pull{attempt_id{1}, session_id{2}, "news", "http://a", true, 90'000};
  pull.open_timeout = std::chrono::milliseconds{5};
  pull.read_timeout = std::chrono::milliseconds{6};
  pull.credit_bytes = 7;
  pull.first_byte_timeout = std::chrono::milliseconds{8};
  pull.known = {{9, 10}};
  pull.known_shift = 11;
  pull.passed = {12, 13};
  comes_back(pull);
  comes_back(transcode_work{attempt_id{1}, session_id{2}, "news", two_tracks(), live_profile(), {{5, 6}, {7, 8}}, 9});
}

BOOST_AUTO_TEST_CASE(gpus_and_seats_come_back_from_the_wire) {
  gpu_report gpu;
  gpu.card.uuid = "GPU-1";
  gpu.card.device = "cuda:1";
  gpu.reading.encode_sessions = 2;
  gpu.fault = "lost";
  comes_back(gpu);
  registration worker{worker_id{1}, "box", "0.1.0", can(), 4, true, {gpu}};
  worker.can.encoders.push_back({"h264_nvenc", "h264", "video", "cuda:1", false, "No capable devices", 0, "GPU-1"});
  comes_back(worker);
  comes_back(heartbeat{worker_id{1}, 5, machine(), {task()}, {gpu, gpu}});
  encoder_wish wish{"h264_nvenc", exhaustion_policy::queue, "h264_qsv", true, std::chrono::milliseconds{1500}};
  comes_back(wish);
  encoder_seat seat{"h264_nvenc", "GPU-1", "cuda:1", true, "no session of h264_qsv was free"};
  comes_back(seat);
  lease_request request;
  request.video = wish;
  request.beside = lease_id{7};
  comes_back(request);
  comes_back(lease{lease_id{1}, task_id{2}, worker_id{3}, "box", "", seat});
  transcode_work live;
  live.seat = seat;
  live.beside = attempt_id{6};
  live.target.video.on_busy = exhaustion_policy::reject;
  live.target.video.fallback_encoder = "libx264";
  live.target.video.never_software = true;
  live.target.video.queue_timeout = std::chrono::milliseconds{2};
  comes_back(live);
  chunk_work chunk;
  chunk.seat = seat;
  comes_back(chunk);
  stream_end end{attempt_id{5}, "the device does not open"};
  end.device_failed = true;
  comes_back(end);
  file_failure failure;
  failure.device_failed = true;
  comes_back(failure);
}

BOOST_AUTO_TEST_CASE(file_work_comes_back_from_the_wire) {
  chunk_file chunk{3, "/chunks/3.chunk", 1000, std::string(64, 'a')};
  comes_back(chunk);
  probe_work probe{"/in.mkv", {"libx264", "aac"}, {chunk}, "/out.mp4", "mp4"};
  late_stream late{2, video_track(), 1, {{"language", "deu"}}};
  comes_back(late);
  chunk_work encode{"/in.mkv",
                    "id",
                    "/chunks/4.chunk",
                    4,
                    chunk_kind::audio,
                    {1, 2},
                    {5, 6},
                    true,
                    250,
                    {},
                    {},
                    2,
                    {},
                    {2},
                    "aac",
                    {24'000, 1'001},
                    -7,
                    {late}};
  assemble_work assemble{"/in.mkv", "id", -3,      "mkv",      {chunk}, {chunk, chunk},
                         {1},       500,  "/.out", "/out.mkv", true,    {"video stream (h264)"},
                         {late}};
  comes_back(probe);
  comes_back(encode);
  comes_back(assemble);
  file_access access{"http://:8080", "ab", "1.2", "ticket", "/jobs/ab", "text", "id", false, false};
  comes_back(access);
  comes_back(file_work{attempt_id{1}, probe, {}, access});
  comes_back(file_work{attempt_id{2}, encode, job_id{3, 4}, {}});
  comes_back(file_work{attempt_id{3}, assemble, {}, {}});
  file_order order{
    "/in.mkv", "/out.mp4", true, "mp4", live_profile().video, live_profile().audio, std::chrono::seconds{5}, 100};
  comes_back(order);
}

BOOST_AUTO_TEST_CASE(results_of_file_work_come_back_from_the_wire) {
  source_stream_summary stream{0, true, "h264", "eng", 1280, 720, 500, -1, 2, "vp9", {25, 1}};
  source_cut cut{-1, 2};
  source_summary source{
    "id",       "matroska", 1000, -1, 2, true, true, {stream}, {cut}, {1, 2}, {"video stream (h264)"}, {{3, {}, 0, {}}},
    {"cut off"}};
  chunk_done done{1000, std::string(64, 'a'), 250, -1, 2, true, 251, 3};
  file_published published{1000, 500, 900, 90'000, {"stream 3: left out"}};
  file_failure failure{true, true, "no"};
  comes_back(stream);
  comes_back(cut);
  comes_back(source);
  comes_back(done);
  comes_back(published);
  comes_back(failure);
  comes_back(file_result{attempt_id{1}, source});
  comes_back(file_result{attempt_id{1}, done});
  comes_back(file_result{attempt_id{1}, published});
  comes_back(file_result{attempt_id{1}, failure, {{5, true, "libx264: no"}}});
  comes_back(file_progress{attempt_id{1}, 2, 3, 0.5, {{5, false, "odd"}, {6, true, ""}}});
  comes_back(file_log_line{7, true, std::string(file_log_line_bytes_max, 'x')});
}

BOOST_AUTO_TEST_CASE(file_work_beyond_its_limits_is_refused) {
  source_summary source;
  source.cuts.resize(file_cut_points_max);
  source_summary read_source;
  BOOST_TEST(read(written(source), read_source));
  source.cuts.emplace_back();
  BOOST_TEST(!read(written(source), read_source));
  probe_work probe;
  probe.chunks.resize(file_chunks_max + 1);
  probe_work read_probe;
  BOOST_TEST(!read(written(probe), read_probe));
  file_failure failure;
  failure.reason.assign(file_text_bytes_max + 1, 'a');
  file_failure read_failure;
  BOOST_TEST(!read(written(failure), read_failure));
}

BOOST_AUTO_TEST_CASE(the_control_plane_comes_back_from_the_wire) {
  comes_back(registration{worker_id{1}, "box", "0.1.0", can(), 4, true});
  comes_back(heartbeat{worker_id{1}, 5, machine(), {task()}});
  comes_back(task_join{task_id{1}, worker_id{2}, "0.1.0"});
  comes_back(label());
  comes_back(
    lease_request{label(), {"libx264"}, {"h264"}, {worker_id{4}}, true, true, {}, 7, "/films/a.mkv", true, true});
  comes_back(lease{lease_id{1}, task_id{2}, worker_id{3}, "box", "cpu 1 by cgroup v2"});
  comes_back(task_exit{"killed by signal 9", true});
  comes_back(lease_end{"killed by signal 9", true});
  comes_back(lease_end{.closed = true});
}

BOOST_AUTO_TEST_CASE(snapshots_come_back_from_the_wire) {
  daemon_status daemon;
  daemon.id = worker_id{1};
  daemon.name = "box";
  daemon.state = health::draining;
  daemon.can = can();
  daemon.machine = machine();
  daemon.tasks = {task()};
  daemon.ended = {task_end{task_id{1}, "transcode", "news", "p", "box", attempt_id{2}, "crashed", 5}};
  comes_back(daemon);
  session_status session;
  session.id = session_id{1};
  session.source = two_tracks();
  session.not_carried = {"data scte_35 (stream 500)"};
  session.variants.resize(1);
  session.variants[0].notes = {"audio flac is converted to aac"};
  session.variants[0].profile = "p";
  session.variants[0].work = work_statistics{1, 2, 3, 4, 5, 6, 7, 8, 9};
  comes_back(session);
  comes_back(channel_status{"news", "News", {"http://a/b"}, true, {quarantine_status{"p", "it kills", 5}}});
  comes_back(pressure{1, 2, 3, 4});
  comes_back(process_statistics{1, 2, 3, 4});
}

BOOST_AUTO_TEST_CASE(a_block_whose_sizes_do_not_add_up_is_refused) {
  auto block = two_samples();
  block.samples[0].size = 6;
  sample_block y;
  BOOST_TEST(!read(written(block), y));
}

BOOST_AUTO_TEST_CASE(a_block_that_promises_more_bytes_than_came_is_refused) {
  auto buffer = written(bytes_of(std::string(300, 'x')));
  buffer.resize(10);
  shared_bytes y;
  BOOST_TEST(!read(buffer, y));
}

BOOST_AUTO_TEST_CASE(an_enumerator_that_does_not_exist_is_refused) {
  auto x = health::gone;
  auto buffer = written(x);
  BOOST_REQUIRE_EQUAL(buffer.size(), 1u);
  buffer[0] = static_cast<caf::byte>(200);
  BOOST_TEST(!read(buffer, x));
}

BOOST_AUTO_TEST_SUITE_END()

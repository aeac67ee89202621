// Orders of file jobs as JSON: how values are read, and with which texts invalid ones are refused; lists and
// their queries; jobs as they are shown.
#include "http/jobs.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <limits>
#include <map>

using namespace troupe;
using namespace troupe::http;

BOOST_AUTO_TEST_SUITE(jobs_test)

namespace {

std::vector<profile> one_profile() {
  profile x;
  x.name = "hd";
  x.video.codec = "libx265";
  x.video.height = 1080;
  x.audio.codec = "libopus";
  return {x};
}

job_submission accepted(std::string_view body) {
  auto x = read_submission(body, one_profile());
  BOOST_REQUIRE_MESSAGE(x, x.error());
  return *x;
}

std::string refused(std::string_view body) {
  auto x = read_submission(body, one_profile());
  BOOST_REQUIRE(!x);
  return x.error();
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_order_of_two_names_is_enough) {
  auto x = accepted(R"({"input": "/in.mkv", "output": "/films/Out.MP4"})");
  BOOST_TEST(x.name == "Out.MP4");
  BOOST_TEST(x.order.container == "mp4");
  BOOST_TEST(x.order.video.codec == "h264");
  BOOST_TEST(x.order.audio.codec == "aac");
  BOOST_TEST(x.order.video.keyframe_interval.count() == 0);
  BOOST_TEST(!x.order.overwrite);
  BOOST_TEST(accepted(R"({"input": "/in.mkv", "output": "/out.webm"})").order.audio.codec == "opus");
}

BOOST_AUTO_TEST_CASE(a_name_tells_the_container_and_whether_it_is_for_sound_alone) {
  const std::map<std::string, std::string> containers{{"m4v", "mp4"}, {"qt", "mov"},  {"mk3d", "mkv"},
                                                      {"mts", "ts"},  {"m2ts", "ts"}, {"MKV", "mkv"}};
  for (auto& [name, container] : containers) {
    auto x = accepted(R"({"input": "/in.mkv", "output": "/out.)" + name + "\"}");
    BOOST_TEST(x.order.container == container);
    BOOST_TEST(x.order.video.codec == "h264");
  }
  for (auto name : {"m4a", "mka", "weba"})
    BOOST_TEST(accepted(std::string{R"({"input": "/in.mkv", "output": "/out.)"} + name + "\"}").order.video.codec
               == "none");
  auto asked = accepted(R"({"input": "/in.mkv", "output": "/out.mka", "video": {"codec": "libx264"}})");
  BOOST_TEST(asked.order.video.codec == "libx264");
  BOOST_TEST(asked.order.container == "mkv");
  for (auto name : {"ogg", "opus", "wav", "flac", "mp3"})
    BOOST_TEST(contains(refused(std::string{R"({"input": "/in.mkv", "output": "/out.)"} + name + "\"}"), "m4a"));
}

BOOST_AUTO_TEST_CASE(files_of_clients_are_named_as_such) {
  auto x = accepted(R"({"input": "upload:0123", "output": "kept:film.mkv"})");
  BOOST_TEST(x.name == "film.mkv");
  BOOST_TEST(x.order.container == "mkv");
  BOOST_TEST(contains(refused(R"({"input": "in.mkv", "output": "kept:film.mkv"})"), "upload:ID"));
  BOOST_TEST(contains(refused(R"({"input": "upload:0123", "output": "film.mkv"})"), "kept:NAME"));
}

BOOST_AUTO_TEST_CASE(a_path_that_is_no_text_is_a_file_url) {
  auto x = accepted(R"({"input": "file:///srv/caf%E9.mkv", "output": "file:///srv/r%C3%A9sum%E9%09.mkv"})");
  BOOST_TEST(x.order.input == "/srv/caf\xe9.mkv");
  BOOST_TEST(x.order.output == "/srv/r\xc3\xa9sum\xe9\t.mkv");
  BOOST_TEST(x.name == "r\xc3\xa9sum??.mkv");
  for (auto url : {"file://host/x.mkv", "file:///x%0.mkv", "file:///x%00.mkv"})
    BOOST_TEST(contains(refused(R"({"input": ")" + std::string{url} + R"(", "output": "/o.mkv"})"), "file URL"));
}

BOOST_AUTO_TEST_CASE(everything_can_be_set_in_the_words_of_profiles) {
  auto x = accepted(R"({"input": "http://host/in.ts", "output": "/out", "container": "mkv", "name": "film",
    "priority": "high", "queue": "batch", "overwrite": true, "chunk": {"frames": 250}, "profile": "hd",
    "video": {"crf": 21.5, "height": 720, "frame_rate": "30000/1001", "options": {"x265-params": "ref=2"}},
    "audio": {"codec": "none"}})");
  BOOST_TEST(x.order.video.codec == "libx265");
  BOOST_TEST(x.order.video.height == 720);
  BOOST_TEST(x.order.video.crf == 21.5);
  BOOST_TEST(x.order.video.frame_rate.num == 30000);
  BOOST_TEST(x.order.video.options.at("x265-params") == "ref=2");
  BOOST_TEST(x.order.audio.codec == "none");
  BOOST_TEST(x.order.chunk_frames == 250u);
  BOOST_TEST(x.order.overwrite);
  BOOST_TEST((x.priority == job_priority::high));
  BOOST_TEST((x.queue == job_queue::batch));
}

BOOST_AUTO_TEST_CASE(a_preset_is_a_start_and_what_is_said_beside_it_goes_first) {
  auto whole = accepted(R"({"input": "/in.mkv", "output": "/out.mp4", "preset": "1080p30-h264"})");
  BOOST_TEST(whole.order.video.width == 1920);
  BOOST_TEST(whole.order.video.height == 1080);
  BOOST_TEST(whole.order.video.bit_rate == 4'500'000);
  BOOST_TEST(whole.order.audio.codec == "aac");
  auto other = accepted(R"({"input": "/in.mkv", "output": "/out.mp4", "profile": "1080p30-h264",
    "video": {"codec": "libsvtav1", "crf": 30, "height": 720}, "audio": {"bit_rate": "64k"}})");
  BOOST_TEST(other.order.video.codec == "libsvtav1");
  BOOST_TEST(other.order.video.preset == "");
  BOOST_TEST(other.order.video.profile == "");
  BOOST_TEST(other.order.video.bit_rate == 0);
  BOOST_TEST(other.order.video.crf == 30);
  BOOST_TEST(other.order.video.width == 0);
  BOOST_TEST(other.order.video.height == 720);
  BOOST_TEST(other.order.audio.bit_rate == 64'000);
  BOOST_TEST(accepted(R"({"input": "/in.mkv", "output": "/o.mp4", "preset": "hd"})").order.video.codec == "libx265");
  BOOST_TEST(
    contains(refused(R"({"input": "/in.mkv", "output": "/o.mp4", "preset": "hd", "profile": "hd"})"), "name one"));
}

BOOST_AUTO_TEST_CASE(a_callback_is_an_address_of_the_web) {
  auto x = accepted(R"({"input": "/in.mkv", "output": "/out.mp4", "callback": "https://u:p@host:8443/told?key=1"})");
  BOOST_TEST(x.callback == "https://u:p@host:8443/told?key=1");
  for (auto url : {"ftp://host/", "file:///x", "http://", "//host/", "http://ho st/", "javascript:1"})
    BOOST_TEST(
      contains(refused(std::string{R"({"input": "/in.mkv", "output": "/out.mp4", "callback": ")"} + url + "\"}"),
               "callback is not accepted"));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_named_with_what_is_allowed) {
  BOOST_TEST(contains(refused("no"), "no JSON object"));
  BOOST_TEST(contains(refused("[]"), "no JSON object"));
  BOOST_TEST(contains(refused("{}"), "input and output"));
  BOOST_TEST(contains(refused(R"({"input": "in.mkv", "output": "/out.mp4"})"), "absolute path"));
  BOOST_TEST(contains(refused(R"({"input": "/in.mkv", "output": "out.mp4"})"), "absolute path"));
  BOOST_TEST(contains(refused(R"({"input": "/in.mkv", "output": "/in.mkv"})"), "another file"));
  BOOST_TEST(contains(refused(R"({"input": "/in.mkv", "output": "/out.doc"})"), "mp4, mov"));
  BOOST_TEST(contains(refused(R"({"input": "/in.mkv", "output": "/out.mp4", "speed": 3})"), "'speed' is not known"));
  BOOST_TEST(
    contains(refused(R"({"input": "/in.mkv", "output": "/out.mp4", "profile": "no"})"), "no preset or profile"));
  BOOST_TEST(contains(refused(R"({"input": "/in.mkv", "output": "/out.mp4", "priority": "top"})"), "live, high"));
  BOOST_TEST(
    contains(refused(R"({"input": "/in.mkv", "output": "/out.mp4", "video": {"height": 3}})"), "out of range"));
  BOOST_TEST(contains(refused(R"({"input": "/in.mkv", "output": "/out.mp4", "video": {"colour": 3}})"), "colour"));
  BOOST_TEST(contains(refused(R"({"input": "/in.mkv", "output": "/out.mp4", "chunk": {"seconds": 0}})"), "chunk"));
  BOOST_TEST(contains(
    refused(R"({"input": "/in.mkv", "output": "/out.mp4", "video": {"codec": "none"}, "audio": {"codec": "none"}})"),
    "neither"));
}

BOOST_AUTO_TEST_CASE(a_list_is_asked_for_by_its_query) {
  auto x = read_question("state=queued&state=running&queue=batch&text=a%20b&limit=7&after=12.-3");
  BOOST_REQUIRE(x);
  BOOST_TEST(x->filter.states.size() == 2u);
  BOOST_TEST((x->filter.queue == job_queue::batch));
  BOOST_TEST(x->filter.text == "a b");
  BOOST_TEST(x->rows == 7u);
  BOOST_TEST((x->after == store::page_cursor{12, -3}));
  auto span = read_question("from_ms=5&to_ms=9");
  BOOST_REQUIRE(span);
  BOOST_TEST(span->filter.submitted_from_ms.value() == 5);
  BOOST_TEST(span->filter.submitted_to_ms.value() == 9);
  BOOST_TEST(read_question("").has_value());
  for (auto query : {"state=no", "limit=0", "limit=9999", "after=1", "what=1", "limit=x", "from_ms=-1", "to_ms=x"})
    BOOST_TEST(!read_question(query).has_value());
}

BOOST_AUTO_TEST_CASE(a_job_is_shown_without_secrets_and_without_numbers_that_are_none) {
  job_details x;
  x.job.id = {1, 2};
  x.job.name = "film\xff";
  x.job.request = R"({"@type": "file_order", "input": "http://user:secret@host/in.ts"})";
  x.chunks.push_back({{0, chunk_kind::video, std::numeric_limits<int64_t>::min(), 90'000}, {}, 0, 0, {}, {}});
  core::file_job_status status;
  x.status = status;
  x.job.callback_url = "https://user:hidden@host/told?token=hidden";
  x.callbacks.push_back({5, {1, 2}, x.job.callback_url, 1, 2, 3, 0, "answered 503"});
  auto shown = boost::json::serialize(to_json(x));
  BOOST_TEST(!contains(shown, "secret"));
  BOOST_TEST(!contains(shown, "hidden"));
  BOOST_TEST(contains(shown, R"("callback":"https://***@host/told?token=***")"));
  BOOST_TEST(contains(shown, R"("note":"answered 503")"));
  BOOST_TEST(!contains(shown, "@type"));
  BOOST_TEST(contains(shown, R"("from_pts":null)"));
  BOOST_TEST(contains(shown, R"("eta_ms":null)"));
  BOOST_TEST(contains(shown, R"("name":"film?")"));
  BOOST_TEST(contains(shown, R"("id":"00000000000000010000000000000002")"));
}

BOOST_AUTO_TEST_CASE(what_an_order_makes_the_server_do_is_bounded) {
  const std::string files = R"("input": "/a", "output": "/b.mp4")";
  auto with = [&](const std::string& more) { return "{" + files + ", " + more + "}"; };
  auto name = [](size_t bytes) { return '"' + std::string(bytes, 'k') + '"'; };
  BOOST_TEST(contains(refused(with("\"video\": {" + name(129) + ": 1}")), "a name of more than 128 bytes"));
  BOOST_TEST(contains(refused(with(name(1'000'000) + ": 1")), "a name of more than 128 bytes"));
  BOOST_TEST(contains(refused(with("\"video\": {" + name(128) + ": 1}")), "there is no video.kkk"));
  BOOST_TEST(contains(refused(with("\"video\": " + std::string(9, '[') + std::string(9, ']'))), "nested deeper"));
  BOOST_TEST(contains(refused(with("\"video\": " + std::string(100'000, '['))), "nested deeper"));
}

BOOST_AUTO_TEST_CASE(an_order_that_says_something_twice_is_refused) {
  BOOST_TEST(contains(refused(R"({"input": "/a", "output": "/b.mp4", "output": "/c.mp4"})"), "'output' twice"));
  BOOST_TEST(contains(refused(R"({"input": "/a", "output": "/b.mp4", "outp\u0075t": "/c.mp4"})"), "'output' twice"));
  BOOST_TEST(contains(refused(R"({"input": "/a", "output": "/b.mp4", "video": {"crf": 1, "crf": 2}})"), "'crf' twice"));
  BOOST_TEST(contains(refused(R"({"": 1, "": 2})"), "'' twice"));
  // The same name in two objects is no fault.
  auto x = accepted(R"({"input": "/a", "output": "/b.mp4", "video": {"codec": "h264"}, "audio": {"codec": "aac"}})");
  BOOST_TEST(x.order.audio.codec == "aac");
}

BOOST_AUTO_TEST_SUITE_END()

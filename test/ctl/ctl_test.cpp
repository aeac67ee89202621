// caf-ctl without a cluster: arguments, tables, and error messages. The answers of the API are given as text.
#include "ctl/files.hpp"
#include "ctl/http.hpp"
#include "ctl/jobs.hpp"
#include "ctl/nodes.hpp"
#include "ctl/options.hpp"
#include "ctl/order.hpp"
#include "ctl/pages.hpp"
#include "ctl/run.hpp"
#include "ctl/table.hpp"
#include "ctl/views.hpp"

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <sstream>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(ctl_test)

namespace {

struct outcome {
  int code;
  std::string out;
  std::string err;
};

outcome run(std::vector<std::string> args, std::optional<std::string> url = std::nullopt) {
  std::ostringstream out;
  std::ostringstream err;
  auto code = ctl::run(args, {.url = std::move(url)}, out, err, false);
  return {code, out.str(), err.str()};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_cell) {
  ctl::table t{{{"NAME"}, {"N", ctl::table::align::right}, {"LAST"}}};
  t.add({"a", "1", "x"});
  t.add({"längere", "1000", ""});
  BOOST_TEST(t.to_string()
             == "NAME        N  LAST\n"
                "a           1  x\n"
                "längere  1000\n");
}

BOOST_AUTO_TEST_CASE(no_escape_sequence_reaches_the_terminal) {
  ctl::table t{{{"NAME"}}};
  t.add({"\x1b]0;title\a"});
  BOOST_TEST(!contains(t.to_string(), "\x1b"));
}

BOOST_AUTO_TEST_CASE(only_a_url_of_loopback_is_this_machine) {
  for (auto* url : {"http://localhost:8080", "http://127.0.0.1", "https://127.9.8.7:1/x", "http://[::1]:8080"})
    BOOST_TEST(ctl::is_this_machine(url), url);
  for (auto* url : {"http://127.0.0.1:80@evil.example/", "http://localhost:1@evil.example", "http://127.evil.example",
                    "http://localhost.evil.example", "http://192.0.2.1", "http://[2001:db8::1]", "localhost", ""})
    BOOST_TEST(!ctl::is_this_machine(url), url);
}

BOOST_AUTO_TEST_CASE(sizes_and_times_are_for_people) {
  BOOST_TEST(ctl::bytes_text(512) == "512 B");
  BOOST_TEST(ctl::bytes_text(1536) == "1.5 KiB");
  BOOST_TEST(ctl::bytes_text(3.0 * 1024 * 1024 * 1024) == "3.0 GiB");
  BOOST_TEST(ctl::duration_text(59) == "59s");
  BOOST_TEST(ctl::duration_text(200) == "3m20s");
  BOOST_TEST(ctl::duration_text(7500) == "2h05m");
  BOOST_TEST(ctl::duration_text(3 * 86'400 + 4 * 3600) == "3d04h");
  BOOST_TEST(ctl::duration_text(-1) == "0s");
}

BOOST_AUTO_TEST_CASE(workers_are_shown_with_health_load_and_codecs) {
  auto answer = boost::json::parse(R"({"daemons":[{"name":"alpha","state":"degraded","reason":"pressure","slots":2,
    "slots_used":1,"tasks":[{}],"tasks_completed":3,"tasks_failed":1,"version":"0.1.0","address":"10.0.0.1",
    "machine":{"cpu_percent":12.34,"memory_percent":50,"load_1m":null},
    "can":{"encoders":[{"name":"libx264","codec":"h264","kind":"video","works":true},{"name":"aac","kind":"audio","works":true},
                       {"name":"h264_nvenc","kind":"video","works":false}]}}],"total":1})");
  BOOST_TEST(
    ctl::show_daemons(answer)
    == "NAME   STATE     SLOTS  CPU %  MEM %  LOAD  TASKS  DONE  FAILED  VERSION  ADDRESS   ENCODES  REASON\n"
       "alpha  degraded    1/2   12.3   50.0   0.0      1     3       1  0.1.0    10.0.0.1  h264     pressure\n");
}

BOOST_AUTO_TEST_CASE(channels_profiles_and_sessions_are_shown) {
  auto channels = boost::json::parse(R"({"channels":[{"name":"demo","title":"Demo","urls":["a","b"],"loop":true}]})");
  BOOST_TEST(ctl::show_channels(channels) == "NAME  TITLE  LOOP  SOURCES\ndemo  Demo   yes   a b\n");
  auto profiles = boost::json::parse(R"({"profiles":[{"name":"p","video":{"codec":"h264","width":0,"height":720,
    "frame_rate":{"num":30000,"den":1001},"bit_rate":2500000,"crf":-1,"preset":"fast"},"audio":{"codec":"aac","bit_rate":128000}}]})");
  auto text = ctl::show_profiles(profiles);
  BOOST_TEST(contains(text, "*x720"));
  BOOST_TEST(contains(text, "30.0"));
  BOOST_TEST(contains(text, "2500k"));
  auto sessions = boost::json::parse(R"({"sessions":[{"channel":"demo","state":"running","bytes_in":2048,
    "variants":[{"profile":"p","state":"running","mode":"transcode","worker":"alpha","clients":20,"lag_ms":42,"work":{"speed":1}}]},
    {"channel":"other","state":"failed","reason":"no such file","variants":[]}]})");
  text = ctl::show_sessions(sessions);
  BOOST_TEST(contains(text, "transcode"));
  BOOST_TEST(contains(text, "42"));
  BOOST_TEST(contains(text, "no such file"));
  text = ctl::show_top(boost::json::parse(R"({"daemons":[{"slots":4,"slots_used":1}]})"), sessions);
  BOOST_TEST(contains(text, "1 workers, 1 of 4 slots in use, 2 channels run, 20 clients"));
}

BOOST_AUTO_TEST_CASE(viewers_are_shown) {
  auto text = ctl::show_viewers(boost::json::parse(R"({"viewers":[{"id":"0123456789ab","channel":"demo","profile":"p",
    "format":"hls","address":"192.0.2.7","since_at_ms":1000,"last_at_ms":2000,"sent_bytes":2048}],"total":3})"));
  for (auto* part : {"0123456789ab", "demo", "hls", "192.0.2.7", "2.0 KiB", "and 2 more\n"})
    BOOST_TEST(contains(text, part), part);
  BOOST_TEST(ctl::show_viewers(boost::json::parse(R"({"viewers":[],"total":0})")) == "no viewers\n");
}

BOOST_AUTO_TEST_CASE(an_answer_that_lacks_everything_is_shown_as_nothing) {
  for (auto text :
       {"null", "[]", "{}", R"({"daemons":7,"sessions":[1,null,{"variants":"x"}]})", R"({"daemons":[1e300]})"}) {
    auto x = boost::json::parse(text);
    BOOST_TEST(!ctl::show_daemons(x).empty());
    BOOST_TEST(!ctl::show_sessions(x).empty());
    BOOST_TEST(!ctl::show_top(x, x).empty());
    BOOST_TEST(ctl::show_channels(x) == "no channels\n");
    BOOST_TEST(ctl::show_viewers(x) == "no viewers\n");
    BOOST_TEST(ctl::show_profiles(x) == "no profiles\n");
  }
}

BOOST_AUTO_TEST_CASE(a_problem_is_its_sentence) {
  BOOST_TEST(ctl::show_problem(404, R"({"detail":"no worker of that name","code":"unknown_daemon"})")
             == "no worker of that name (unknown_daemon)");
  BOOST_TEST(ctl::show_problem(502, "<html>") == "the answer has status 502");
}

BOOST_AUTO_TEST_CASE(the_url_comes_from_flag_environment_and_default_in_this_order) {
  BOOST_TEST(ctl::parse_options({"daemons"}, std::nullopt)->url == "http://127.0.0.1:8080");
  BOOST_TEST(ctl::parse_options({"daemons"}, "http://host:1/")->url == "http://host:1");
  BOOST_TEST(ctl::parse_options({"--url", "https://other", "daemons"}, "http://host:1")->url == "https://other");
  BOOST_TEST(ctl::parse_options({"drain", "alpha", "--json"}, std::nullopt)->name == "alpha");
  BOOST_TEST(ctl::parse_options({"drain", "alpha", "--wait"}, std::nullopt)->wait);
}

BOOST_AUTO_TEST_CASE(wrong_arguments_are_exit_code_2_and_a_sentence) {
  const std::vector<std::vector<std::string>> wrong{{},
                                                    {"brew"},
                                                    {"daemons", "x"},
                                                    {"drain"},
                                                    {"drain", ""},
                                                    {"drain", "a", "b"},
                                                    {"resume", "a", "--wait"},
                                                    {"--nope"},
                                                    {"--url"},
                                                    {"--url=ftp://x", "daemons"},
                                                    {"--url=http://", "daemons"}};
  for (auto& args : wrong) {
    auto x = run(args);
    BOOST_TEST(x.code == 2);
    BOOST_TEST(x.err.starts_with("caf-ctl: "));
    BOOST_TEST(x.out.empty());
  }
  auto help = run({"--help"});
  BOOST_TEST(help.code == 0);
  BOOST_TEST(contains(help.out, "resume NAME"));
  BOOST_TEST(contains(help.out, "TROUPE_URL"));
}

BOOST_AUTO_TEST_CASE(tokens_and_nodes_have_commands) {
  using ctl::command;
  auto with =
    ctl::parse_options({"join-token", "create", "--role=worker", "--ttl=2h", "--uses=5"}, std::nullopt).value();
  BOOST_TEST((with.command == command::create_token));
  BOOST_TEST(with.role == "worker");
  BOOST_TEST(with.life_ms == 2 * 3'600'000);
  BOOST_TEST(with.uses == 5);
  BOOST_TEST(ctl::parse_options({"join-token", "create"}, std::nullopt)->role == "worker");
  BOOST_TEST((ctl::parse_options({"join-token", "list"}, std::nullopt)->command == command::list_tokens));
  BOOST_TEST(ctl::parse_options({"join-token", "revoke", "ABC"}, std::nullopt)->name == "ABC");
  BOOST_TEST((ctl::parse_options({"nodes", "list"}, std::nullopt)->command == command::list_nodes));
  BOOST_TEST((ctl::parse_options({"nodes", "revoke", "w1"}, std::nullopt)->command == command::revoke_node));
  for (auto& wrong : std::vector<std::vector<std::string>>{{"join-token"},
                                                           {"join-token", "create", "--ttl=soon"},
                                                           {"join-token", "create", "--uses=many"},
                                                           {"join-token", "create", "x"},
                                                           {"join-token", "revoke"},
                                                           {"nodes"},
                                                           {"nodes", "revoke"},
                                                           {"nodes", "list", "--role=worker"},
                                                           {"daemons", "--uses=1"}}) {
    auto x = run(wrong);
    BOOST_TEST(x.code == 2, wrong.front());
    BOOST_TEST(contains(x.err, "caf-ctl: "), x.err);
  }
}

BOOST_AUTO_TEST_CASE(tokens_and_nodes_are_shown) {
  auto tokens = ctl::show_tokens(boost::json::parse(
    R"({"join_tokens": [{"id": "AAAA2222", "role": "worker", "created_at_ms": 1, "expires_at_ms": 2, "uses": 1,
        "uses_max": 5, "revoked_at_ms": null}]})"));
  BOOST_TEST(contains(tokens, "AAAA2222"), tokens);
  BOOST_TEST(contains(tokens, "1 of 5"), tokens);
  auto nodes = ctl::show_nodes(boost::json::parse(
    R"({"nodes": [{"name": "w1", "role": "worker", "serial": "0A", "token": "AAAA2222", "begins_at_ms": 1,
        "ends_at_ms": 2, "revoked_at_ms": 3}]})"));
  BOOST_TEST(contains(nodes, "w1"), nodes);
  BOOST_TEST(contains(nodes, "revoked"), nodes);
}

BOOST_AUTO_TEST_CASE(an_order_is_made_of_the_arguments) {
  auto with = ctl::parse_options({"transcode", "/in.mkv", "-o", "/tmp/../out.mp4", "--video-encoder=libx264",
                                  "--crf=20", "--fps=30000/1001", "--audio-bitrate=128k", "--chunk-seconds=5",
                                  "--queue=batch", "--overwrite"},
                                 std::nullopt);
  BOOST_REQUIRE(with.has_value());
  auto order = boost::json::parse(ctl::order_text(*with)).as_object();
  BOOST_TEST(order.at("input").as_string() == "/in.mkv");
  BOOST_TEST(order.at("output").as_string() == "/out.mp4");
  BOOST_TEST(order.at("overwrite").as_bool());
  BOOST_TEST(order.at("queue").as_string() == "batch");
  BOOST_TEST(order.at("video").at("codec").as_string() == "libx264");
  BOOST_TEST(order.at("video").at("crf").as_string() == "20");
  BOOST_TEST(order.at("video").at("frame_rate").as_string() == "30000/1001");
  BOOST_TEST(order.at("audio").at("bit_rate").as_string() == "128k");
  BOOST_TEST(order.at("chunk").at("seconds").as_int64() == 5);
}

BOOST_AUTO_TEST_CASE(each_setting_of_a_transcode_is_a_member_of_the_order) {
  for (auto& x : ctl::transcode_settings()) {
    std::string value = x.member.ends_with("options") || x.member == "limits" ? "a=1,b=2" : "7";
    auto with = ctl::parse_options({"transcode", "/in.mkv", "-o/out.mp4", "--" + std::string{x.option} + "=" + value},
                                   std::nullopt);
    BOOST_REQUIRE(with.has_value());
    boost::json::value order = boost::json::parse(ctl::order_text(*with));
    auto* at = &order;
    std::istringstream words{std::string{x.member}};
    for (std::string word; std::getline(words, word, '.');)
      BOOST_REQUIRE_MESSAGE((at = at->as_object().if_contains(word)) != nullptr, x.member << " is not in the order");
    if (value != "7")
      BOOST_TEST(at->at("b").as_string() == "2");
    else
      BOOST_TEST((at->is_string() ? std::string{at->as_string()} : std::to_string(at->as_int64())) == "7");
  }
}

BOOST_AUTO_TEST_CASE(help_tells_of_one_command) {
  for (auto& args : std::vector<std::vector<std::string>>{{"help", "transcode"}, {"transcode", "--help"}}) {
    auto x = run(args);
    BOOST_TEST(x.code == 0);
    BOOST_TEST(contains(x.out, "--pixel-format"));
    BOOST_TEST(!contains(x.out, "drain NAME"));
  }
  BOOST_TEST(contains(run({"help", "jobs"}).out, "--state"));
  BOOST_TEST(!contains(run({"help", "drain"}).out, "--crf"));
  BOOST_TEST(contains(run({"help"}).out, "drain NAME"));
  BOOST_TEST(run({"help", "brew"}).code == ctl::wrong_usage);
}

BOOST_AUTO_TEST_CASE(presets_are_shown_without_a_coordinator) {
  auto x = run({"presets", "--url=http://127.0.0.1:1"});
  BOOST_TEST(x.code == 0);
  BOOST_TEST(contains(x.out, "720p30-h264"));
  BOOST_TEST(contains(x.out, "1280x720"));
  auto told = boost::json::parse(run({"presets", "--json", "--url=http://127.0.0.1:1"}).out);
  BOOST_TEST(told.at("presets").as_array().size() == told.at("total").to_number<size_t>());
}

BOOST_AUTO_TEST_CASE(files_travel_where_the_coordinator_is_elsewhere_or_it_is_asked_for) {
  auto brings = [](const std::string& url, const char* more = "--overwrite") {
    return ctl::brings_files(
      ctl::parse_options({"transcode", "/in.mkv", "-o", "/out.mp4", "--url=" + url, more}, std::nullopt).value());
  };
  for (auto here : {"http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080", "http://127.1.2.3:1/"}) {
    BOOST_TEST(!brings(here), here);
    BOOST_TEST(brings(here, "--upload"), here);
  }
  for (auto there : {"http://10.0.0.1:8080", "http://host", "https://[fe80::1]:8080", "http://localhost.example:1"}) {
    BOOST_TEST(brings(there), there);
    BOOST_TEST(!brings(there, "--direct"), there);
  }
  BOOST_TEST(run({"transcode", "/in.mkv", "-o", "/out.mp4", "--upload", "--direct"}).code == ctl::wrong_usage);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_told_before_anything_is_sent) {
  auto x = run({"transcode", "/no/such/file.mkv", "-o", "/no/such/out.mp4", "--upload", "--url=http://127.0.0.1:9"});
  BOOST_TEST(x.code == ctl::refused);
  BOOST_TEST(contains(x.err, "/no/such/file.mkv"));
}

BOOST_AUTO_TEST_CASE(wrong_orders_are_told_before_anybody_is_asked) {
  for (auto& args : std::vector<std::vector<std::string>>{{"transcode", "/in.mkv"},
                                                          {"transcode", "-o", "/out.mp4"},
                                                          {"daemons", "--crf=3"},
                                                          {"daemons", "--local"},
                                                          {"transcode", "/in.mkv", "-o/out.mp4", "--local", "--detach"},
                                                          {"jobs"},
                                                          {"jobs", "show"},
                                                          {"jobs", "list", "more"},
                                                          {"jobs", "logs"},
                                                          {"jobs", "show", "x", "--state=queued"},
                                                          {"daemons", "--by=0123456789ab"},
                                                          {"jobs", "list", "--address=192.0.2.1"},
                                                          {"audit", "--state=queued"},
                                                          {"audit", "more"},
                                                          {"daemons", "--queue=batch"}})
    BOOST_TEST(run(args).code == ctl::wrong_usage);
}

BOOST_AUTO_TEST_CASE(a_list_is_filtered_by_its_options) {
  auto with = ctl::parse_options(
    {"jobs", "list", "--state=queued", "--state=running", "--queue=batch", "--text=a b", "--limit=5", "--all"},
    std::nullopt);
  BOOST_REQUIRE(with.has_value());
  BOOST_TEST(with->filter == "?state=queued&state=running&text=a%20b&limit=5&queue=batch");
  BOOST_TEST(with->all);
  BOOST_TEST(ctl::parse_options({"jobs", "list"}, std::nullopt)->filter == "");
}

BOOST_AUTO_TEST_CASE(the_audit_log_is_filtered_by_its_options) {
  auto with = ctl::parse_options(
    {"audit", "--by=0123456789ab", "--address=192.0.2.1", "--text=POST /api", "--limit=5", "--after=17"}, std::nullopt);
  BOOST_REQUIRE(with.has_value());
  BOOST_TEST((with->command == ctl::command::audit));
  BOOST_TEST(with->filter == "?key=0123456789ab&address=192.0.2.1&text=POST%20%2Fapi&limit=5&after=17");
  BOOST_TEST(!with->all);
  BOOST_TEST(ctl::parse_options({"audit", "--all"}, std::nullopt)->all);
}

BOOST_AUTO_TEST_CASE(an_entry_of_the_audit_log_is_a_line) {
  auto shown = ctl::show_audit(boost::json::parse(R"({"entries": [
    {"number": 2, "at_ms": 1700000000000, "key": "0123456789ab", "name": "ops\u001b", "role": "operator",
     "address": "192.0.2.1", "request": "r-1", "method": "POST", "route": "/api/v1/jobs", "target": "/api/v1/jobs",
     "made": "/api/v1/jobs/ab", "status": 201},
    {"number": 1, "at_ms": 1700000000000, "key": null, "name": null, "role": null, "address": "192.0.2.2",
     "request": "r-2", "method": "DELETE", "target": "/api/v1/keys/x", "made": null, "status": null}], "next": null})"));
  for (auto part : {"0123456789ab", "operator", "192.0.2.1", "POST /api/v1/jobs", "/api/v1/jobs/ab", "201", "r-1",
                    "DELETE /api/v1/keys/x", "no answer"})
    BOOST_TEST(contains(shown, part), part);
  BOOST_TEST(!contains(shown, "\x1b"));
  BOOST_TEST(ctl::show_audit(boost::json::parse(R"({"entries": []})")) == "no entries\n");
}

BOOST_AUTO_TEST_CASE(one_job_is_shown_with_all_that_is_known) {
  auto shown =
    ctl::show_one_job(boost::json::parse(R"({"id": "ab", "name": "film", "state": "failed", "failure": "terminal",
    "error": "bad\u001b media", "queue": "default", "priority": "high", "submitted_at_ms": 1700000000000, "attempt": 2,
    "failures": 1, "request": {"input": "/in", "output": "/out.mp4", "container": "mp4",
      "video": {"codec": "h264", "height": 720, "width": 0, "crf": -1.0, "frame_rate": {"num": 30, "den": 1}}},
    "result": {"bytes": 1024, "pictures": 10, "duration": 90000, "notes": ["stream 3: dropped"]},
    "callback": "https://***@host/", "callbacks": [{"tries": 2, "done_at_ms": null, "note": "answered 503"}],
    "chunks": [{"number": 0, "kind": "video", "state": "done", "attempt": 1, "worker": "w", "frames": 10, "bytes": 5}],
    "history": [{"at_ms": 1, "chunk": 0, "from": "waiting", "to": "leased", "node": "w", "why": "a worker takes it"}]})"));
  for (auto part :
       {"film", "/in", "/out.mp4 (mp4)", "codec h264, height 720, frame_rate 30.0", "attempt:    2, 1 failed",
        "stream 3: dropped", "https://***@host/", "not yet, 2 tries: answered 503", "bad? media (terminal)",
        "1.0 KiB, 10 pictures, 1.0 s", "a worker takes it"})
    BOOST_TEST(contains(shown, part), part << " is missing in " << shown);
  BOOST_TEST(!contains(shown, "crf"));
}

BOOST_AUTO_TEST_CASE(who_finds_no_coordinator_is_offered_to_do_without) {
  auto x = run({"transcode", "/in.mkv", "-o/out.mp4", "--url=http://127.0.0.1:1"});
  BOOST_TEST(x.code == ctl::unreachable);
  BOOST_TEST(contains(x.err, "--local"));
}

BOOST_AUTO_TEST_CASE(jobs_are_shown) {
  auto answer = boost::json::parse(R"({"jobs": [{"id": "ab", "name": "film", "state": "running", "progress": 0.25,
    "status": {"phase": "encoding", "fps": 50.0}, "priority": "high", "queue": "default", "submitted_at_ms": null}]})");
  auto shown = ctl::show_jobs(answer);
  BOOST_TEST(contains(shown, "film"));
  BOOST_TEST(contains(shown, "25.0%"));
  auto line = ctl::progress_line(boost::json::parse(R"({"name": "a\u001b", "state": "running", "progress": 0.5,
    "status": {"phase": "encoding", "fps": 50.0, "speed": 2.0, "bytes": 2048, "eta_ms": 61000, "chunks": 4,
               "chunks_done": 1, "workers": ["x", "y"]}})"));
  BOOST_TEST(line == "a?: running 50.0%, encoding, 50.0 fps, 2.0x, 2.0 KiB, 1m01s left, 1 of 4 chunks, 2 workers");
  BOOST_TEST(ctl::show_jobs(boost::json::parse("{}")) == "no jobs\n");
  BOOST_TEST(contains(ctl::show_one_job(boost::json::parse("{}")), "\n"));
}

BOOST_AUTO_TEST_CASE(a_coordinator_that_is_not_there_is_exit_code_3) {
  // Port 1 of loopback: nobody listens on tcpmux.
  for (auto command : {"daemons", "top"}) {
    auto x = run({"--url=http://127.0.0.1:1", command});
    BOOST_TEST(x.code == 3);
    BOOST_TEST(contains(x.err, "http://127.0.0.1:1"));
  }
}

BOOST_AUTO_TEST_CASE(a_name_is_one_segment_of_a_path) {
  BOOST_TEST(ctl::encoded("a b/c?d") == "a%20b%2Fc%3Fd");
  BOOST_TEST(ctl::encoded("..") == "%2E%2E");
}

BOOST_AUTO_TEST_SUITE_END()

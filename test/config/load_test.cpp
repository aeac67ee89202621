// Goal: sources override each other in the promised order, and each mistake is reported with file, line, key and the
// allowed values. Method: texts, variables and arguments made here; the tests compare the configuration or the text of
// the problems.
#include "test/config/support.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <sys/stat.h>

using namespace troupe;
using namespace troupe::config;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(load_test)

namespace {

/// The problems of a text, with "t.yaml" as its name.
std::string refusal(std::string_view text, const environment& variables = {}) {
  return problems_of(load_yaml(text, "t.yaml", variables));
}

} // namespace

BOOST_AUTO_TEST_CASE(a_flag_goes_before_the_environment_before_the_file_before_the_default) {
  scratch_folder folder;
  const auto file = folder.write("a.yaml", "live:\n  idle_timeout: 1s\n  open_timeout: 1s\n  read_timeout: 1s\n");
  const environment variables{{"TROUPE_LIVE_OPEN_TIMEOUT", "2s"}, {"TROUPE_LIVE_READ_TIMEOUT", "2s"}};
  const auto x = require(load_from({"--config", file, "--live.read_timeout=3s"}, variables));
  BOOST_TEST(x.config.session.idle_timeout.count() == 1000);
  BOOST_TEST(x.config.session.open_timeout.count() == 2000);
  BOOST_TEST(x.config.session.read_timeout.count() == 3000);
  BOOST_TEST(x.config.stream.lag_max.count() == 15'000);
  BOOST_TEST(to_string(x.origins.at("live.idle_timeout")) == file + ":2");
  BOOST_TEST(to_string(x.origins.at("live.open_timeout")) == "environment: TROUPE_LIVE_OPEN_TIMEOUT");
  BOOST_TEST(to_string(x.origins.at("live.read_timeout")) == "command line: --live.read_timeout");
}

BOOST_AUTO_TEST_CASE(the_file_may_be_named_by_the_environment) {
  scratch_folder folder;
  const auto file = folder.write("a.yaml", "log: {level: debug}\n");
  BOOST_TEST((require(load_from({}, {{"TROUPE_CONFIG", file}})).config.log.level == log_level::debug));
}

BOOST_AUTO_TEST_CASE(defaults_follow_the_machine_and_its_user) {
  const auto x = require(load_from({}, {{"HOME", "/home/someone"}})).config;
  BOOST_TEST(x.node.state_dir == "/home/someone/.local/state/troupe");
  BOOST_TEST(x.cluster.token_file == "/home/someone/.local/state/troupe/cluster.token");
  BOOST_TEST(x.worker.capability_cache == "/home/someone/.local/state/troupe/capabilities.json");
  BOOST_TEST(x.worker.slots >= 1);
  BOOST_TEST(is_valid_name(x.node.name));
  BOOST_TEST(require(load_from({}, {{"HOME", "/h"}, {"XDG_STATE_HOME", "/s"}})).config.node.state_dir == "/s/troupe");
  auto has = [](const std::vector<std::string>& list, const char* folder) {
    return std::find(list.begin(), list.end(), folder) != list.end();
  };
  BOOST_TEST(has(x.paths.read, "/home/someone"));
  BOOST_TEST(has(x.paths.write, "/media"));
  BOOST_TEST(!has(require(load_from({}, {{"HOME", "/root"}})).config.paths.read, "/root"));
  BOOST_TEST(x.cluster.heartbeat_interval.count() == 1000);
  BOOST_TEST(to_string(x.cluster.listen) == "127.0.0.1:9090");
  BOOST_TEST(to_string(x.http.listen) == "127.0.0.1:8080");
  BOOST_TEST(x.profiles.size() == 5);
  BOOST_TEST(x.profiles.at("h264-720p").video.preset == "veryfast");
}

BOOST_AUTO_TEST_CASE(tasks_reach_media_and_temporary_files_but_not_keys_unless_told_otherwise) {
  const auto has = [](const std::vector<std::string>& paths, const std::string& path) {
    return std::find(paths.begin(), paths.end(), path) != paths.end();
  };
  const auto x = require(load_from({}, {{"HOME", "/home/someone"}, {"TMPDIR", "/scratch"}})).config;
  for (auto path : {"/home", "/media", "/mnt", "/srv", "/tmp", "/scratch"})
    BOOST_TEST((has(x.paths.read, path) && has(x.paths.write, path)), path);
  BOOST_TEST(has(x.task.hidden, "/home/someone/.ssh"));
  BOOST_TEST(x.task.cage);
  const std::vector<std::string> odd{"/a b", R"(/q"u\o)", "/${HOME}", "/x, y]"};
  const auto given = print_list(odd);
  const auto y = require(load_from({"--paths.read=" + given, "--paths.write=/only", "--task.hidden=" + given})).config;
  BOOST_TEST(y.paths.read == odd);
  BOOST_TEST(y.paths.write == std::vector<std::string>{"/only"});
  BOOST_TEST(y.task.hidden == odd);
}

BOOST_AUTO_TEST_CASE(a_whole_cluster_is_read) {
  const auto x = require(load_yaml(R"(
cluster: {strategy: round-robin, selection_timeout: 2500ms}
channels:
  a.b-c:
    title: "Erstes: größtes"
    urls: [udp://239.0.0.1:5000, /srv/b.ts]
  "1": {url: one.ts, loop: yes}
profiles:
  h264-720p: {video: {bit_rate: 3M, max_bit_rate: 4M}}
  mine:
    video: {codec: libx264, height: 360, frame_rate: 29.97, crf: 23.5, b_frames: 0, options: {rc-lookahead: 5}}
    audio: {codec: none}
)",
                                   "t.yaml"))
                   .config;
  BOOST_TEST((x.leases.places.choose.rank == troupe::core::ranking::round_robin));
  BOOST_TEST(x.leases.selection_timeout.count() == 2500);
  BOOST_TEST(x.channels.size() == 2);
  BOOST_TEST(x.channels.at("a.b-c").urls.size() == 2);
  BOOST_TEST(x.channels.at("a.b-c").title == "Erstes: größtes");
  BOOST_TEST(x.channels.at("a.b-c").name == "a.b-c");
  BOOST_TEST(x.channels.at("1").loop);
  BOOST_TEST(x.profiles.at("h264-720p").video.bit_rate == 3'000'000);
  BOOST_TEST(x.profiles.at("h264-720p").video.preset == "veryfast");
  const auto& mine = x.profiles.at("mine");
  BOOST_TEST(mine.name == "mine");
  BOOST_TEST((mine.video.frame_rate == rational{30000, 1001}));
  BOOST_TEST(mine.video.crf == 23.5);
  BOOST_TEST(mine.video.b_frames == 0);
  BOOST_TEST(mine.video.options.at("rc-lookahead") == "5");
  BOOST_TEST(mine.audio.codec == "none");
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_named_with_its_line_and_what_was_meant) {
  const auto text = refusal("role: all\ncluster:\n  strateggy: round-robin\nlive:\n  no_such_thing: 1\n");
  BOOST_TEST(contains(text, "t.yaml:3: cluster.strateggy: unknown key; did you mean cluster.strategy?"), text);
  BOOST_TEST(contains(text, "t.yaml:5: live.no_such_thing: unknown key; allowed in live are idle_timeout, "), text);
  BOOST_TEST(contains(refusal("clutser: {}\n"), "did you mean cluster?"));
  BOOST_TEST(contains(refusal("channels:\n  a:\n    ulr: b\n"),
                      "t.yaml:3: channels.a.ulr: unknown key; did you mean channels.a.url"));
}

BOOST_AUTO_TEST_CASE(a_wrong_type_or_range_says_what_is_allowed) {
  BOOST_TEST(contains(refusal("live: {idle_timeout: 5}"),
                      "t.yaml:1: live.idle_timeout: \"5\" is not accepted: allowed is a duration with its unit"));
  BOOST_TEST(contains(refusal("http:\n  connections_max: 0"),
                      "t.yaml:2: http.connections_max: \"0\" is out of range: allowed is from 1 to 1000000"));
  BOOST_TEST(contains(refusal("role: worke"), "allowed is coordinator, worker, all or task; did you mean worker?"));
  BOOST_TEST(contains(refusal("worker: {prove: maybe}"), "allowed is true or false"));
  BOOST_TEST(contains(refusal("worker: 5"), "worker: is a section, not a value; allowed in worker are slots, "));
  BOOST_TEST(contains(refusal("role: [all]"), "a list is not accepted"));
  BOOST_TEST(contains(refusal("role: {all: 1}"), "takes a value, not a section"));
  BOOST_TEST(contains(refusal("role:"), "has no value"));
  BOOST_TEST(contains(refusal("channels: {a: {urls: [{b: c}]}}"), "is no plain value"));
  BOOST_TEST(contains(refusal("channels: {a: {urls: []}}"), "allowed are 1 to 16"));
  BOOST_TEST(contains(refusal("worker: {slots: 99999999999999999999}"), "allowed is a whole number"));
}

BOOST_AUTO_TEST_CASE(all_mistakes_are_told_at_once_but_not_without_end) {
  std::string text = "live:\n";
  for (int i = 0; i < 500; ++i)
    text += "  wrong_" + std::to_string(i) + ": 1\n";
  const auto x = load_yaml(text, "t.yaml");
  BOOST_REQUIRE(!x);
  BOOST_TEST(x.error().size() <= defaults::problems_max + 1);
  BOOST_TEST(x.error().size() >= defaults::problems_max);
}

BOOST_AUTO_TEST_CASE(names_that_could_hide_something_are_refused) {
  for (const std::string& name : std::vector<std::string>{"a/b", "../x", "a b", "", "ä", "a%2f", std::string(65, 'a')})
    BOOST_TEST(!refusal("channels: {\"" + name + "\": {url: x}}").empty(), name);
  BOOST_TEST(
    contains(refusal("profiles: {p: {video: {codec: h264, options: {\"a=b:c\": 1}}}}"), "is not an encoder option"));
}

BOOST_AUTO_TEST_CASE(variables_in_values_are_filled_in) {
  const environment variables{{"A", "one"}, {"EMPTY", ""}, {"T", "0123456789abcdef"}};
  const auto url = [&](const std::string& text) {
    return require(load_yaml("channels: {c: {url: '" + text + "'}}", "t.yaml", variables))
      .config.channels.at("c")
      .urls.front();
  };
  BOOST_TEST(url("/x/${A}/${A}.ts") == "/x/one/one.ts");
  BOOST_TEST(url("${NOT_THERE:-two}.ts") == "two.ts");
  BOOST_TEST(url("${EMPTY:-two}.ts") == "two.ts");
  BOOST_TEST(url("$${A} $A $") == "${A} $A $");
  BOOST_TEST(contains(refusal("channels: {c: {url: '${NOT_THERE}'}}"),
                      "t.yaml:1: channels.c.url: the environment variable \"NOT_THERE\" is not set"));
  BOOST_TEST(contains(refusal("channels: {c: {url: '${A'}}"), "without a closing }"));
  std::string many = "channels: {c: {url: '";
  for (int i = 0; i < 100; ++i)
    many += "${LONG}";
  BOOST_TEST(contains(refusal(many + "'}}", {{"LONG", std::string(4000, 'x')}}), "longer than 8192 bytes"));
}

BOOST_AUTO_TEST_CASE(flags_come_in_both_forms_and_short) {
  const auto x = require(load_from({"--role", "coordinator", "--http.listen=127.0.0.1:0", "--name=n1",
                                    "--cluster.insecure", "--channels.a.b.url=x.ts", "--log-level=warn"}));
  BOOST_TEST((x.config.role == role::coordinator));
  BOOST_TEST(x.config.http.listen.port == 0);
  BOOST_TEST(x.config.node.name == "n1");
  BOOST_TEST(x.config.cluster.insecure);
  BOOST_TEST(x.config.channels.at("a.b").urls.front() == "x.ts");
  BOOST_TEST((x.config.log.level == log_level::warning));
  const auto paths = require(load_from({"--paths.read=[\"/a, b\",\"/c\"]", "--urls.hosts=[]"})).config;
  BOOST_TEST((paths.paths.read == std::vector<std::string>{"/a, b", "/c"}));
  BOOST_TEST(paths.urls.hosts.empty());
  BOOST_TEST(contains(problems_of(load_from({"--paths.read=films"})), "absolute paths"));
  const auto list = require(load_from({"--channels.a.urls=[x.ts, y.ts]"}));
  BOOST_TEST(list.config.channels.at("a").urls.size() == 2);
}

BOOST_AUTO_TEST_CASE(modes_are_flags_of_their_own) {
  BOOST_TEST((require(load_from({"--check-config"})).mode == mode::check_config));
  BOOST_TEST((require(load_from({"--print-config"})).mode == mode::print_config));
  BOOST_TEST((require(load_from({"--print-config-reference"})).mode == mode::print_reference));
  BOOST_TEST((require(load_from({"--version"})).mode == mode::version));
  BOOST_TEST((require(load_from({"--help"}, {{"TROUPE_NONSENSE", "1"}})).mode == mode::help));
  BOOST_TEST((require(load_from({})).mode == mode::run));
}

BOOST_AUTO_TEST_CASE(a_wrong_flag_is_named_with_what_was_meant) {
  BOOST_TEST(
    contains(problems_of(load_from({"--rolle=all"})), "command line: --rolle: unknown flag; did you mean --role?"));
  BOOST_TEST(contains(problems_of(load_from({"--http.lisen=a:1"})), "did you mean http.listen?"));
  BOOST_TEST(contains(problems_of(load_from({"--role"})), "--role: needs a value"));
  BOOST_TEST(contains(problems_of(load_from({"serve"})), "not a flag"));
  BOOST_TEST(contains(problems_of(load_from({"--help=yes"})), "takes no value"));
  BOOST_TEST(contains(problems_of(load_from({"--live.idle_timeout=x"})),
                      "command line: --live.idle_timeout: live.idle_timeout: \"x\" is not accepted"));
  BOOST_TEST(problems_of(load_from({"--" + std::string(1'000'000, 'x')})).size() < 2000);
  BOOST_TEST(problems_of(load_from({"--channels." + std::string(100'000, 'x') + ".url=a"})).size() < 2000);
}

BOOST_AUTO_TEST_CASE(url_and_urls_exclude_each_other_but_a_stronger_source_wins) {
  BOOST_TEST(contains(refusal("channels: {c: {url: a, urls: [b]}}"), "channels.c.url is set too"));
  scratch_folder folder;
  const auto file = folder.write("a.yaml", "channels: {c: {urls: [a, b]}}");
  const auto x = require(load_from({"--config=" + file, "--channels.c.url=c"}));
  BOOST_TEST(x.config.channels.at("c").urls.size() == 1);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_is_named) {
  scratch_folder folder;
  BOOST_TEST(contains(problems_of(load_from({"--config=/no/such/file.yaml"})),
                      "cannot read the configuration file \"/no/such/file.yaml\": No such file"));
  BOOST_TEST(contains(problems_of(load_from({"--config=" + folder.path("")})), "Is a directory"));
  BOOST_TEST(contains(problems_of(load_from({"--config=" + std::string(100'000, 'x')})), "name too long"));
  const auto pipe = folder.path("pipe");
  BOOST_REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const auto& path : {pipe, std::string{"/dev/zero"}})
    BOOST_TEST(contains(problems_of(load_from({"--config=" + path})), "no regular file"));
  const auto large = folder.write("large.yaml", std::string(defaults::file_bytes_max + 1, '#'));
  BOOST_TEST(contains(problems_of(load_from({"--config=" + large})), "larger than 1048576 bytes"));
}

BOOST_AUTO_TEST_CASE(the_examples_load) {
  const environment variables{{"CLUSTER_TOKEN", "0123456789abcdef0123"}};
  for (const auto& entry : std::filesystem::directory_iterator{TROUPE_SOURCE_DIR "/config"}) {
    if (entry.path().extension() != ".yaml")
      continue;
    std::ifstream file{entry.path()};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto x = load_yaml(text, entry.path().filename().string(), variables);
    BOOST_TEST(x.has_value(), problems_of(x));
    if (x)
      BOOST_TEST(x->warnings.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

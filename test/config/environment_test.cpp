// Goal: variables reach the keys that they name, another product's aliases work with lower precedence, and no variable
// with our prefix is ignored. Method: maps of variables, without a process environment.
#include "test/config/support.hpp"

using namespace troupe;
using namespace troupe::config;

BOOST_AUTO_TEST_SUITE(environment_test)

BOOST_AUTO_TEST_CASE(an_unknown_variable_of_ours_is_wrong) {
  BOOST_TEST(contains(problems_of(load_from({}, {{"TROUPE_HTTP_LISTN", "a:1"}})),
                      "environment: TROUPE_HTTP_LISTN: unknown variable; did you mean TROUPE_HTTP_LISTEN?"));
  BOOST_TEST(contains(problems_of(load_from({}, {{"TROUPE_CHANNELS__DEMO__ULR", "a"}})),
                      "did you mean TROUPE_CHANNELS__DEMO__URL?"));
  for (const auto* name : {"TROUPE_", "TROUPE___", "TROUPE_X", "TROUPE_CHANNELS__", "TROUPE_CHANNELS____URL"})
    BOOST_TEST(!load_from({}, {{name, "x"}}), name);
}

BOOST_AUTO_TEST_CASE(variables_of_scripts_and_of_the_command_line_are_no_concern_of_a_node) {
  for (const auto* name : {"TROUPE_CACHE", "TROUPE_URL", "TROUPES", "OTHER"})
    BOOST_TEST(load_from({}, {{name, "http://x:8080"}}).has_value(), name);
}

BOOST_AUTO_TEST_CASE(an_empty_variable_counts_as_not_set) {
  BOOST_TEST(to_string(require(load_from({}, {{"TROUPE_HTTP_LISTEN", ""}})).config.http.listen) == "127.0.0.1:8080");
}

BOOST_AUTO_TEST_CASE(free_names_find_what_the_file_has) {
  scratch_folder folder;
  const auto file = folder.write("a.yaml", "channels: {Sport-1.hd: {url: a}}\n"
                                           "profiles: {p: {video: {codec: h264, options: {x264-params: a}}}}\n");
  const environment variables{{"TROUPE_CHANNELS__SPORT_1_HD__TITLE", "Sport"},
                              {"TROUPE_CHANNELS__NEWS__URL", "b"},
                              {"TROUPE_PROFILES__H264_720P__VIDEO_BIT_RATE", "2M"},
                              {"TROUPE_PROFILES__P__VIDEO_OPTIONS__X264_PARAMS", "b"},
                              {"TROUPE_PROFILES__P__VIDEO_OPTIONS__THREADS", "2"}};
  const auto x = require(load_from({"--config=" + file}, variables)).config;
  BOOST_TEST(x.channels.size() == 2);
  BOOST_TEST(x.channels.at("Sport-1.hd").title == "Sport");
  BOOST_TEST(x.channels.at("news").urls.front() == "b");
  BOOST_TEST(x.profiles.at("h264-720p").video.bit_rate == 2'000'000);
  BOOST_TEST(x.profiles.at("p").video.options.at("x264-params") == "b");
  BOOST_TEST(x.profiles.at("p").video.options.at("threads") == "2");
}

BOOST_AUTO_TEST_CASE(a_free_name_that_may_mean_two_is_wrong) {
  scratch_folder folder;
  const auto file = folder.write("a.yaml", "channels: {a-b: {url: a}, a.b: {url: a}}\n");
  BOOST_TEST(
    contains(problems_of(load_from({"--config=" + file}, {{"TROUPE_CHANNELS__A_B__URL", "x"}})), "\"a-b\" or \"a.b\""));
}

BOOST_AUTO_TEST_CASE(a_value_from_a_variable_is_not_expanded_again) {
  const auto x = require(load_from({}, {{"TROUPE_CHANNELS__A__URL", "${HOME}"}, {"HOME", "/h"}})).config;
  BOOST_TEST(x.channels.at("a").urls.front() == "${HOME}");
}

BOOST_AUTO_TEST_CASE(the_names_of_tvarr_are_aliases) {
  const environment variables{{"TVARR_LISTEN_ADDRESS", "127.0.0.1:81"},
                              {"TVARR_FFMPEGD_LISTEN_ADDRESS", "127.0.0.1:91"},
                              {"TVARR_FFMPEGD_STRATEGY", "capability-match"},
                              {"TVARR_FFMPEGD_SELECTION_TIMEOUT", "7s"},
                              {"TVARR_FFMPEGD_AUTH_TOKEN", "0123456789abcdef"},
                              {"TVARR_COORDINATOR_URL", "127.0.0.1:92"},
                              {"TVARR_DAEMON_NAME", "gpu-1"},
                              {"TVARR_MAX_JOBS", "3"},
                              {"TVARR_LOG_LEVEL", "warn"},
                              {"TVARR_LOG_FORMAT", "json"}};
  const auto x = require(load_from({}, variables));
  BOOST_TEST(x.config.http.listen.port == 81);
  BOOST_TEST(x.config.cluster.listen.port == 91);
  BOOST_TEST((x.config.leases.places.choose.rank == troupe::core::ranking::capability_match));
  BOOST_TEST(x.config.leases.selection_timeout.count() == 7000);
  BOOST_TEST(x.config.cluster.token == "0123456789abcdef");
  BOOST_TEST(x.config.cluster.coordinator.port == 92);
  BOOST_TEST(x.config.node.name == "gpu-1");
  BOOST_TEST(x.config.worker.slots == 3);
  BOOST_TEST((x.config.log.level == log_level::warning));
  BOOST_TEST((x.config.log.format == log_format::json));
  BOOST_TEST(x.warnings.empty());
}

BOOST_AUTO_TEST_CASE(an_alias_goes_above_the_file_and_below_our_own_name) {
  scratch_folder folder;
  const auto file = folder.write("a.yaml", "worker: {slots: 1}\nnode: {name: a}\n");
  const auto x = require(load_from({"--config=" + file},
                                   {{"TVARR_MAX_JOBS", "2"}, {"TVARR_DAEMON_NAME", "b"}, {"TROUPE_NODE_NAME", "c"}}))
                   .config;
  BOOST_TEST(x.worker.slots == 2);
  BOOST_TEST(x.node.name == "c");
}

BOOST_AUTO_TEST_CASE(an_alias_may_be_a_part_of_an_address) {
  const auto x =
    require(
      load_from({}, {{"TVARR_GRPC_PORT", "7000"}, {"TVARR_SERVER_PORT", "7001"}, {"TVARR_SERVER_HOST", "127.0.0.2"}}))
      .config;
  BOOST_TEST(to_string(x.cluster.listen) == "127.0.0.1:7000");
  BOOST_TEST(to_string(x.http.listen) == "127.0.0.2:7001");
  BOOST_TEST(contains(problems_of(load_from({}, {{"TVARR_GRPC_PORT", "70000"}})),
                      "environment: TVARR_GRPC_PORT: cluster.listen"));
}

BOOST_AUTO_TEST_CASE(an_alias_without_meaning_is_answered_with_the_reason) {
  const auto x = require(load_from({}, {{"TVARR_FFMPEG_PATH", "/usr/bin/ffmpeg"},
                                        {"TVARR_WHATEVER", "1"},
                                        {"TVARR_AUTH_TOKEN", "0123456789abcdef"},
                                        {"TVARR_GRPC_AUTH_TOKEN", "another-0123456789"}}));
  BOOST_REQUIRE(x.warnings.size() == 3);
  const auto all = x.warnings[0] + x.warnings[1] + x.warnings[2];
  BOOST_TEST(contains(all, "TVARR_FFMPEG_PATH has no effect: the libav* libraries handle media"));
  BOOST_TEST(contains(all, "TVARR_WHATEVER has no effect"));
  BOOST_TEST(contains(all, "TVARR_GRPC_AUTH_TOKEN is not used: TVARR_AUTH_TOKEN overrides it for cluster.token"));
  BOOST_TEST(!contains(all, "another-"));
}

BOOST_AUTO_TEST_SUITE_END()

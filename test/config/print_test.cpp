// Goal: the printed configuration can be loaded again, shows the source of each value, and reveals no secret. Method:
// print, load, compare.
#include "test/config/support.hpp"

#include "base/mask_url.hpp"
#include "config/text.hpp"

using namespace troupe;
using namespace troupe::config;

BOOST_AUTO_TEST_SUITE(print_test)

BOOST_AUTO_TEST_CASE(what_is_printed_loads_to_the_same_configuration) {
  for (const auto* name : {"quickstart", "coordinator", "worker"}) {
    std::ifstream file{std::string{TROUPE_SOURCE_DIR "/config/"} + name + ".yaml"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto first = require(load_yaml(text, "first.yaml"));
    const auto second = require(load_yaml(print_yaml(first), "second.yaml"));
    BOOST_TEST((first.config == second.config), name);
  }
}

BOOST_AUTO_TEST_CASE(odd_names_and_values_survive_printing) {
  const auto first = require(load_yaml(R"(
channels:
  "true": {url: 'a "b" \c $${HOME} # d', title: "größe: {x}"}
  "-": {urls: ["1", "2"]}
  "0x1": {url: "null"}
profiles:
  h264-720p: {video: {preset: "", b_frames: 3, options: {rc-lookahead: "10"}}, audio: {options: {aac_coder: fast}}}
)",
                                       "first.yaml"));
  const auto second = require(load_yaml(print_yaml(first), "second.yaml"));
  BOOST_TEST((first.config == second.config), print_yaml(first));
}

BOOST_AUTO_TEST_CASE(each_value_says_where_it_comes_from) {
  const auto x = require(load_from({"--role=worker"}, {{"TROUPE_WORKER_SLOTS", "3"}}));
  const auto text = print_yaml(x);
  BOOST_TEST(contains(text, "role: worker # command line: --role\n"), text);
  BOOST_TEST(contains(text, "  slots: 3 # environment: TROUPE_WORKER_SLOTS\n"), text);
  BOOST_TEST(contains(text, "  warm_tasks: 1\n"), text);
}

BOOST_AUTO_TEST_CASE(secrets_and_credentials_are_masked) {
  const auto x = require(load_yaml("cluster: {token: 0123456789-very-secret}\n"
                                   "channels: {a: {url: 'rtsp://user:hunter2@cam/1?token=abcdef&x=1'}}\n",
                                   "t.yaml"));
  const auto text = print_yaml(x);
  BOOST_TEST(contains(text, "token: \"***\""), text);
  BOOST_TEST(contains(text, "rtsp://***@cam/1?token=***&x=***"), text);
  for (const auto* secret : {"very-secret", "hunter2", "abcdef", "//user"})
    BOOST_TEST(!contains(text, secret), secret);
}

BOOST_AUTO_TEST_CASE(urls_are_masked_wherever_credentials_hide) {
  BOOST_TEST(troupe::base::mask_url("http://a:b@c@host/x") == "http://***@host/x");
  BOOST_TEST(troupe::base::mask_url("http://host/a@b?Passwd=1&q=2") == "http://host/a@b?Passwd=***&q=***");
  BOOST_TEST(troupe::base::mask_url("srt://host:1?passphrase=geheim") == "srt://host:1?passphrase=***");
  BOOST_TEST(troupe::base::mask_url("/srv/a@b.ts") == "/srv/a@b.ts");
  BOOST_TEST(troupe::base::mask_url("udp://@239.0.0.1:5000") == "udp://***@239.0.0.1:5000");
}

BOOST_AUTO_TEST_CASE(control_characters_never_reach_a_message) {
  const auto text = problems_of(load_from({"--\x1b[31mred\nline=1"}));
  BOOST_TEST(!contains(text, "\x1b"));
  BOOST_TEST(std::count(text.begin(), text.end(), '\n') == 1);
}

BOOST_AUTO_TEST_SUITE_END()

// Goal: mistakes across keys are refused: exposure without TLS, incomplete TLS settings, tokens, times in the wrong
// order, contradictory profiles. Method: short texts; the text of the problems is compared.
#include "test/config/support.hpp"

using namespace troupe;
using namespace troupe::config;

BOOST_AUTO_TEST_SUITE(validate_test)

namespace {

std::string refusal(std::string_view text) {
  return problems_of(load_yaml(text, "t.yaml"));
}

std::string warnings_of(std::string_view text) {
  std::string result;
  for (const auto& x : require(load_yaml(text, "t.yaml")).warnings)
    result += x + '\n';
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(listening_beyond_this_machine_is_with_tls_or_consent) {
  BOOST_TEST(refusal("role: coordinator\ncluster:\n  listen: 0.0.0.0:9090\n").empty());
  BOOST_TEST(contains(warnings_of("cluster: {listen: '0.0.0.0:9090', insecure: true}"), "cluster.insecure allows it"));
  BOOST_TEST(warnings_of("cluster: {listen: '0.0.0.0:9090', tls: {ca: a, certificate: b, key: c}}").empty());
  BOOST_TEST(contains(refusal("http: {listen: '0.0.0.0:8080'}"), "http.insecure: true"));
  BOOST_TEST(contains(warnings_of("http: {listen: '[::]:8080', insecure: yes}"), "http.insecure allows it"));
}

BOOST_AUTO_TEST_CASE(reaching_beyond_this_machine_is_with_tls_or_consent_too) {
  BOOST_TEST(refusal("role: worker\ncluster: {coordinator: '10.0.0.1:9090'}").empty());
  BOOST_TEST(
    contains(warnings_of("role: worker\ncluster: {coordinator: '10.0.0.1:9090', insecure: true}"), "in the clear"));
  BOOST_TEST(refusal("role: coordinator\ncluster: {coordinator: '10.0.0.1:9090'}").empty());
  BOOST_TEST(refusal("role: worker\ncluster: {listen: '0.0.0.0:9090'}\nhttp: {listen: '0.0.0.0:80'}").empty());
  BOOST_TEST(contains(refusal("role: worker\ncluster: {coordinator: '127.0.0.1:0'}"), "port 0 cannot be connected to"));
}

BOOST_AUTO_TEST_CASE(a_worker_joins_at_the_coordinators_host_with_a_whole_token) {
  const auto x = require(load_yaml("role: worker\ncluster: {coordinator: box.example}", "t.yaml")).config.cluster;
  BOOST_TEST((x.coordinator == endpoint{"box.example", 9090}));
  BOOST_TEST((x.join_at == endpoint{"box.example", 8443}));
  const auto y = require(load_yaml("cluster: {join_at: '[::1]:443'}", "t.yaml")).config.cluster;
  BOOST_TEST((y.join_at == endpoint{"::1", 443}));
  BOOST_TEST(contains(refusal("role: worker\ncluster: {join: nonsense}"), "cluster.join: it does not begin with"));
}

BOOST_AUTO_TEST_CASE(tls_is_whole_or_absent_and_its_files_are_there) {
  BOOST_TEST(
    contains(refusal("cluster: {tls: {ca: a, key: b}}"), "cluster.tls.certificate: is not set, but other keys"));
  // A task has no certificate.
  BOOST_TEST(refusal("role: task\ncluster: {coordinator: '10.0.0.1:9090', tls: {ca: a}}").empty());
  scratch_folder folder;
  const auto pem = folder.write("a.pem", "x");
  const auto args = [&](const std::string& key) {
    return std::vector<std::string>{"--cluster.tls.ca=" + pem, "--cluster.tls.certificate=" + pem,
                                    "--cluster.tls.key=" + key};
  };
  BOOST_TEST(load_from(args(pem)).has_value());
  BOOST_TEST(contains(problems_of(load_from(args(folder.path("no.key")))), "cluster.tls.key: cannot read"));
}

BOOST_AUTO_TEST_CASE(https_may_listen_anywhere_on_a_port_of_its_own_with_files_that_are_there) {
  BOOST_TEST(refusal("http: {tls: {enabled: true, listen: '0.0.0.0:8443'}}").empty());
  BOOST_TEST(contains(refusal("http: {tls: {enabled: true, listen: '127.0.0.1:8080'}}"),
                      "http.tls.listen: has the port of http.listen"));
  BOOST_TEST(
    contains(refusal("http: {proxy_protocol: required}"), "http.proxy_protocol: is required, but of no proxy"));
  BOOST_TEST(refusal("http: {proxy_protocol: required, trusted_proxies: [10.0.0.0/8]}").empty());
  BOOST_TEST(contains(refusal("http: {tls: {key: a}}"), "http.tls.key: is set, but not the certificate"));
  scratch_folder folder;
  const auto pem = folder.write("a.pem", "x");
  const auto problems = [&](const std::string& key) {
    return problems_of(
      load_from({"--http.tls.enabled", "--http.tls.certificate=" + pem, "--http.tls.key=" + folder.path(key)}));
  };
  BOOST_TEST(problems("a.pem").empty());
  BOOST_TEST(contains(problems("no.key"), "http.tls.key: cannot read"));
}

BOOST_AUTO_TEST_CASE(a_token_is_long_single_and_never_repeated) {
  const auto text = refusal("cluster: {token: short-secret}");
  BOOST_TEST(contains(text, "t.yaml:1: cluster.token: the value is not accepted: allowed are 16 to 1024"), text);
  BOOST_TEST(!contains(text, "short-secret"));
  BOOST_TEST(!refusal("cluster: {token: 'with blanks in its middle'}").empty());
  BOOST_TEST(contains(refusal("cluster: {token: 0123456789abcdef, token_file: a}"), "set only one of them"));
  const auto by_flag = require(load_from({"--cluster.token=0123456789abcdef"}));
  BOOST_REQUIRE(by_flag.warnings.size() == 1);
  BOOST_TEST(contains(by_flag.warnings.front(), "list of processes"));
  BOOST_TEST(!contains(by_flag.warnings.front(), "0123456789abcdef"));
}

BOOST_AUTO_TEST_CASE(times_and_limits_are_in_order) {
  BOOST_TEST(contains(refusal("cluster: {heartbeat_interval: 10s}"),
                      "cluster.degraded_after must be longer than cluster.heartbeat_interval"));
  BOOST_TEST(
    contains(refusal("cluster: {gone_after: 1s}"), "cluster.gone_after must be longer than cluster.unhealthy_after"));
  BOOST_TEST(contains(refusal("cluster: {reconnect_delay: 20s}"), "cluster.reconnect_max_delay"));
  BOOST_TEST(contains(refusal("cluster: {degraded_failures: 5}"), "lower than cluster.degraded_failures"));
  BOOST_TEST(contains(refusal("cluster: {failure_back_off: 10m}"), "shorter than cluster.failure_back_off"));
  BOOST_TEST(contains(refusal("live: {credit_bytes: 128MiB}"), "larger than live.source_buffer_bytes"));
  BOOST_TEST(contains(refusal("live: {slate: image}"), "a slate is the image"));
  BOOST_TEST(contains(refusal("live: {client_lag_max: 1m}"), "longer than live.variant_buffer_duration"));
  BOOST_TEST(contains(refusal("live: {part: 1100ms}"), "longer than half of live.segment"));
  BOOST_TEST(contains(refusal("live: {segment: 4s}"), "shorter than six times live.segment"));
  BOOST_TEST(refusal("live: {segment: 4s, part: 1s, window: 24s}").empty());
  BOOST_TEST(contains(refusal("http: {listen: '127.0.0.1:9090'}"), "the port of cluster.listen"));
  BOOST_TEST(refusal("http: {listen: '127.0.0.1:0'}\ncluster: {listen: '127.0.0.1:0'}").empty());
}

BOOST_AUTO_TEST_CASE(a_channel_has_a_source) {
  BOOST_TEST(contains(refusal("channels:\n  a:\n    title: A\n"), "t.yaml:3: channels.a: has no source"));
  BOOST_TEST(contains(refusal("channels: {a: {}}"), "channels.a: has no keys"));
  BOOST_TEST(contains(refusal("channels:\n  a:\n"), "channels.a: has no keys"));
  BOOST_TEST(refusal("channels: {}").empty());
}

BOOST_AUTO_TEST_CASE(a_profile_does_not_contradict_itself) {
  BOOST_TEST(contains(refusal("profiles: {a: {video: {height: 720}}}"), "\"copy\" encodes nothing"));
  BOOST_TEST(contains(refusal("profiles: {a: {audio: {bit_rate: 128k}}}"), "\"copy\" encodes nothing"));
  BOOST_TEST(contains(refusal("profiles: {a: {video: {codec: none}, audio: {codec: none}}}"), "nothing is left"));
  BOOST_TEST(contains(refusal("profiles: {a: {video: {codec: h264, crf: 20, bit_rate: 1M}}}"), "exclude each other"));
  BOOST_TEST(
    contains(refusal("profiles: {a: {video: {codec: h264, bit_rate: 2M, max_bit_rate: 1M}}}"), "lower than bit_rate"));
  BOOST_TEST(contains(refusal("profiles: {a: {video: {codec: h264, height: 721}}}"), "is odd"));
}

BOOST_AUTO_TEST_CASE(the_profiles_of_a_ladder_fit_together) {
  const auto profile = [](const std::string& name, const std::string& video) {
    return "  " + name + ": {video: {" + video + "}}\n";
  };
  const auto known = "profiles:\n" + profile("hd", "codec: h264, bit_rate: 3M") + profile("sd", "codec: h264, crf: 30")
                     + profile("slow", "codec: h264, crf: 30, keyframe_interval: 4s")
                     + profile("plain", "codec: h264, height: 480") + profile("copied", "codec: copy")
                     + profile("sound", "codec: h264, crf: 30");
  const auto with = [&](const std::string& ladder) { return refusal(known + "ladders: {" + ladder + "}"); };
  BOOST_TEST(with("main: [hd, sd], web: [h264-720p, h264-480p], one: hd") == "");
  BOOST_TEST(contains(with("main: [hd, sx]"), "ladders.main: no profile is named \"sx\": did you mean sd?"));
  BOOST_TEST(contains(with("hd: [sd]"), "ladders.hd: is a profile's name, too"));
  BOOST_TEST(contains(with("main: [hd, hd]"), "\"hd\" is in it twice"));
  BOOST_TEST(contains(with("main: [hd, slow]"), "the keyframe_interval of \"slow\" is not that of \"hd\""));
  BOOST_TEST(contains(with("main: [hd, plain]"), "sets none of bit_rate, max_bit_rate and crf"));
  BOOST_TEST(contains(with("main: [hd, copied]"), "does not encode video"));
  BOOST_TEST(contains(with("main: [hd, sound]"), "stands for the ladder's sound"));
  BOOST_TEST(contains(with("main: []"), "allowed are 1 to 16 entries"));
  BOOST_TEST(contains(with("main: [a/b]"), "allowed is 1 to 16 names of profiles"));
  std::string many = "main: [";
  for (auto i = 0; i < 17; ++i)
    many += (i > 0 ? ", p" : "p") + std::to_string(i);
  BOOST_TEST(contains(with(many + "]"), "a list of 17: allowed are 1 to 16 entries"));
}

BOOST_AUTO_TEST_CASE(more_channels_than_the_limit_are_refused) {
  std::string text = "channels:\n";
  for (size_t i = 0; i <= defaults::channels_max; ++i)
    text += "  c" + std::to_string(i) + ": {url: a}\n";
  BOOST_TEST(!refusal(text).empty());
}

BOOST_AUTO_TEST_SUITE_END()

// Goal: a coordinator with HTTPS serves clients that have its authority, with no more than its state folder. Method: a
// coordinator, `caf-ctl` over HTTPS with and without the authority, a restart.
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace troupe::test;

namespace https_test {
namespace {

struct fixture {
  fixture() {
    start();
  }

  void start() {
    c.start_coordinator({"--http.tls.enabled", "--http.tls.listen=127.0.0.1:0", "--http.tls.port_file=" + port_file});
  }

  struct outcome {
    int code;
    std::string said;
  };

  /// Asks for the list of workers.
  outcome ask(const std::string& authority) {
    auto log = c.folder().path() + "/ctl" + std::to_string(++calls) + ".log";
    auto port = read_file(port_file);
    while (!port.empty() && port.back() == '\n')
      port.pop_back();
    process x{TROUPE_BINARY_DIR "/bin/caf-ctl",
              {"daemons", "--url=https://localhost:" + port},
              log,
              {"CURL_CA_BUNDLE=" + authority}};
    auto code = x.wait(scaled(milliseconds{20'000}));
    return {code.value_or(-1), read_file(log)};
  }

  cluster c{cluster_settings{}};
  std::string port_file = c.folder().path() + "/https.port";
  std::string authority = c.folder().path() + "/coordinator/cluster-ca.crt";
  int calls = 0;
};

} // namespace
} // namespace https_test

BOOST_FIXTURE_TEST_SUITE(https_test, fixture)

BOOST_AUTO_TEST_CASE(who_has_the_authority_is_served_and_a_restart_changes_nothing) {
  auto before = read_file(authority);
  BOOST_TEST(before.starts_with("-----BEGIN CERTIFICATE-----"));
  auto served = ask(authority);
  BOOST_TEST(served.code == 0, served.said);
  auto refused = ask("/etc/ssl/certs/ca-certificates.crt");
  BOOST_TEST(refused.code == 3);
  BOOST_TEST(refused.said.find("certificate") != std::string::npos, refused.said);
  c.stop("coordinator");
  start();
  BOOST_TEST(read_file(authority) == before);
  BOOST_TEST(ask(authority).code == 0);
  BOOST_TEST(read_file(c.folder().path() + "/coordinator.log").find("PRIVATE KEY") == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

// Goal: a cluster has one token: made once by a coordinator, readable only by its owner, and found by each node that
// gets its path. Method: a temporary folder.
#include "test/config/support.hpp"

#include "config/token.hpp"

#include <sys/stat.h>

using namespace troupe;
using namespace troupe::config;

BOOST_AUTO_TEST_SUITE(token_test)

BOOST_AUTO_TEST_CASE(a_coordinator_makes_a_token_that_a_worker_finds) {
  scratch_folder folder;
  configuration x;
  x.role = role::coordinator;
  x.cluster.token_file = folder.path("deep/er/cluster.token");
  const auto made = cluster_token(x).value();
  BOOST_TEST(made.size() == 64);
  BOOST_TEST(cluster_token(x).value() == made);
  struct stat status {};
  BOOST_REQUIRE(stat(x.cluster.token_file.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 0777) == 0600);
  x.role = role::worker;
  BOOST_TEST(cluster_token(x).value() == made);
}

BOOST_AUTO_TEST_CASE(a_worker_without_a_token_is_told_what_to_do) {
  scratch_folder folder;
  configuration x;
  x.role = role::worker;
  x.cluster.token_file = folder.path("none");
  const auto token = cluster_token(x);
  BOOST_REQUIRE(!token);
  BOOST_TEST(contains(token.error(), "set cluster.token_file or TROUPE_CLUSTER_TOKEN"));
}

BOOST_AUTO_TEST_CASE(a_configured_token_goes_before_the_file) {
  configuration x;
  x.cluster.token = "0123456789abcdef";
  x.cluster.token_file = "/no/such/file";
  BOOST_TEST(cluster_token(x).value() == "0123456789abcdef");
}

BOOST_AUTO_TEST_CASE(a_file_that_holds_no_token_is_refused_without_its_content) {
  scratch_folder folder;
  configuration x;
  for (const std::string& text :
       std::vector<std::string>{"short", "two words of a sentence", std::string(5000, 'x'), ""}) {
    x.cluster.token_file = folder.write("t", text);
    const auto token = cluster_token(x);
    BOOST_REQUIRE(!token);
    BOOST_TEST((text.empty() || !contains(token.error(), text)));
  }
}

BOOST_AUTO_TEST_SUITE_END()

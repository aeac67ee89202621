// Which variables child processes get.
#include "processes/child_environment.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(child_environment_test)

BOOST_AUTO_TEST_CASE(children_get_what_their_libraries_need) {
  for (auto variable : {"PATH=/usr/bin", "HOME=/root", "LD_LIBRARY_PATH=/x", "http_proxy=http://proxy:3128", "TZ=UTC",
                        "LIBVA_DRIVER_NAME=iHD", "TMPDIR=/tmp"})
    BOOST_TEST(is_inherited(variable), variable);
}

BOOST_AUTO_TEST_CASE(children_get_no_setting_of_the_node) {
  for (auto variable : {"TROUPE_CLUSTER_TOKEN=x", "TVARR_AUTH_TOKEN=x", "CUDA_VISIBLE_DEVICES=0"})
    BOOST_TEST(!is_inherited(variable), variable);
}

BOOST_AUTO_TEST_CASE(children_get_nothing_that_looks_like_a_secret) {
  for (auto variable : {"PGPASSWORD=x", "PGPASSFILE=x", "DB_PASSWORD=x", "my_passwd=x", "AWS_SECRET_ACCESS_KEY=x",
                        "AWS_SESSION_TOKEN=x", "GITHUB_TOKEN=x", "GOOGLE_APPLICATION_CREDENTIALS=x", "Private_Key=x"})
    BOOST_TEST(!is_inherited(variable), variable);
  // Only the name counts.
  BOOST_TEST(is_inherited("NAME=a secret token"));
}

BOOST_AUTO_TEST_SUITE_END()

// Goal: tasks get what libraries need, and nothing that opens something else.
#include "processes/child_environment.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(child_environment_test)

BOOST_AUTO_TEST_CASE(what_libraries_need_is_inherited) {
  for (auto x : {"PATH=/usr/bin", "HOME=/root", "LANG=C", "LC_ALL=C", "TZ=UTC", "TMPDIR=/tmp",
                 "LD_LIBRARY_PATH=/opt/lib", "LIBVA_DRIVER_NAME=iHD", "NVIDIA_VISIBLE_DEVICES=all",
                 "http_proxy=http://proxy:3128", "ASAN_OPTIONS=verbosity=1", "SVT_LOG=1"})
    BOOST_TEST(is_inherited(x), x);
}

BOOST_AUTO_TEST_CASE(secrets_and_ways_to_other_programs_are_not) {
  for (auto x : {"TROUPE_CLUSTER_TOKEN=x",
                 "TVARR_AUTH_TOKEN=x",
                 "PGPASSWORD=x",
                 "PGHOST=x",
                 "GITHUB_TOKEN=x",
                 "MY_SECRET=x",
                 "db_password=x",
                 "AWS_ACCESS_KEY_ID=x",
                 "AWS_REGION=x",
                 "SOME_API_KEY=x",
                 "CREDENTIALS_DIRECTORY=/run",
                 "SSH_AUTH_SOCK=/tmp/agent",
                 "DBUS_SESSION_BUS_ADDRESS=unix:path=/x",
                 "NOTIFY_SOCKET=/run/systemd/notify",
                 "WATCHDOG_USEC=1",
                 "XAUTHORITY=/home/x",
                 "CUDA_VISIBLE_DEVICES=0",
                 "PGPASSFILE=x",
                 "my_passwd=x",
                 "AWS_SESSION_TOKEN=x",
                 "GOOGLE_APPLICATION_CREDENTIALS=x",
                 "Private_Key=x"})
    BOOST_TEST(!is_inherited(x), x);
}

BOOST_AUTO_TEST_CASE(the_value_does_not_count) {
  BOOST_TEST(is_inherited("HOME=/home/TOKEN"));
}

BOOST_AUTO_TEST_SUITE_END()

// Goal: a process's control groups are found, however the hierarchies are mounted.
// Method: tables of mounts and groups as kernels write them, in a folder in place of /proc.
#include "processes/hierarchy.hpp"

#include "test/processes/folder.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::limits;

BOOST_AUTO_TEST_SUITE(hierarchy_test)

namespace {

struct fixture {
  folder proc;

  own_groups found(const std::string& mounts, const std::string& groups) const {
    proc.write("self/mountinfo", mounts);
    proc.write("self/cgroup", groups);
    return find_own_groups(proc.path());
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(the_group_of_a_service_is_found_in_version_2, fixture) {
  auto x = found("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
                 "0::/system.slice/troupe.service\n");
  BOOST_TEST(x.unified == "/sys/fs/cgroup/system.slice/troupe.service");
  BOOST_TEST(x.v1.empty());
}

BOOST_FIXTURE_TEST_CASE(each_controller_of_version_1_has_its_own_folder, fixture) {
  auto x = found("41 40 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
                 "42 40 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                 "43 40 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
                 "9:name=systemd:/\n4:memory:/a/b\n1:cpu,cpuacct:/\n0::/\n");
  BOOST_TEST(x.v1.at("memory") == "/sys/fs/cgroup/memory/a/b");
  BOOST_TEST(x.v1.at("cpu") == "/sys/fs/cgroup/cpu,cpuacct");
  BOOST_TEST(x.unified == "/sys/fs/cgroup/unified");
}

BOOST_FIXTURE_TEST_CASE(what_a_container_sees_of_the_hierarchy_begins_at_its_mount, fixture) {
  auto x = found("42 40 0:31 /docker/1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n", "4:memory:/docker/1/x\n");
  BOOST_TEST(x.v1.at("memory") == "/sys/fs/cgroup/memory/x");
}

BOOST_FIXTURE_TEST_CASE(a_group_out_of_sight_is_none, fixture) {
  auto x = found("42 40 0:31 /docker/1 /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
                 "43 40 0:32 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
                 "4:memory:/docker/12\n0::/../other\n");
  BOOST_TEST(x.v1.empty());
  BOOST_TEST(x.unified.empty());
}

BOOST_FIXTURE_TEST_CASE(blanks_in_a_path_come_back, fixture) {
  auto x = found("43 40 0:32 / /mnt/my\\040groups rw - cgroup2 cgroup2 rw\n", "0::/a\n");
  BOOST_TEST(x.unified == "/mnt/my groups/a");
}

BOOST_FIXTURE_TEST_CASE(tables_that_make_no_sense_are_no_groups, fixture) {
  auto x = found("\n - cgroup2\n1 2 3\n", "0::\n:\nx\n::::\n");
  BOOST_TEST(x.unified.empty());
  BOOST_TEST(x.v1.empty());
}

BOOST_FIXTURE_TEST_CASE(numbers_are_read_by_their_names, fixture) {
  proc.write("events", "low 0\noom 3\noom_kill 2\nName: a b\nVmData:\t  12 kB\n");
  BOOST_TEST(control_number(proc.path("events"), "oom_kill") == 2u);
  BOOST_TEST(control_number(proc.path("events"), "VmData:") == 12u);
  BOOST_TEST(control_number(proc.path("events"), "max") == 0u);
  BOOST_TEST(control_number(proc.path("none"), "max") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

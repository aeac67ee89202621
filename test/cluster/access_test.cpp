// Goal: jobs reach only the paths and URLs that the configuration of the nodes allows, and say what would allow more.
// Method: a coordinator and a worker as real processes with narrow lists, and orders beyond them.
#include "test/cluster/job_cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace troupe::test;

BOOST_AUTO_TEST_SUITE(access_test)

namespace {

struct fixture : job_cluster {
  explicit fixture(const std::vector<std::string>& flags) : job_cluster{{.flags = flags, .seconds = 10}} {
    c.start({"one"}, 2);
  }

  void check_refused(const std::string& input, const std::string& words) const {
    auto id = order(R"({"input": ")" + input + R"(", "output": ")" + result
                    + R"(", "video": {"codec": "copy"}, "audio": {"codec": "copy"}})");
    wait_until_over(id, "failed");
    BOOST_TEST(says(error_of(id), words), error_of(id));
    BOOST_TEST(!std::filesystem::exists(result));
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(sources_beyond_the_lists_are_refused) {
  for (auto transfer : {"--jobs.transfer=auto", "--jobs.transfer=http"}) {
    fixture f{{transfer, "--paths.read=/none", "--urls.loopback=false"}};
    f.check_refused(f.source, "paths.read");
    f.check_refused("http://127.0.0.1:9/film.mkv", "urls.loopback");
    f.check_refused("http://169.254.169.254/latest", "metadata");
  }
}

BOOST_AUTO_TEST_CASE(results_beyond_the_lists_are_refused) {
  fixture f{{"--paths.write=/none"}};
  f.check_refused(f.source, "paths.write");
}

BOOST_AUTO_TEST_SUITE_END()

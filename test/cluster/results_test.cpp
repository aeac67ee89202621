// Goal: a job's result is a regular file at the requested path, and fetching the result gives exactly the published
// file.
// Method: a coordinator and a worker as real processes, with quick jobs over a short source. The test puts links, pipes
// and other files at the paths of results.
#include "test/cluster/job_cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>

using namespace troupe::test;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(results_test)

namespace {

struct fixture : job_cluster {
  explicit fixture(const std::string& transfer = "auto")
    : job_cluster{{.flags = {"--jobs.transfer=" + transfer}, .seconds = 10}} {
    c.start({"one"}, 2);
  }

  std::string quick_order(const std::string& output, bool overwrite = false) const {
    return R"({"input": ")" + source + R"(", "output": ")" + output + R"(", "container": "mkv", "overwrite": )"
           + (overwrite ? "true" : "false") + R"(, "video": {"codec": "copy"}, "audio": {"codec": "copy"}})";
  }

  http_answer result_of(const std::string& id) const {
    return c.get("/api/v1/jobs/" + id + "/result");
  }

  void check_refused(const std::string& output, bool overwrite, const std::string& words) const {
    auto id = order(quick_order(output, overwrite));
    wait_until_over(id, "failed");
    BOOST_TEST(says(error_of(id), words), error_of(id));
    BOOST_TEST(list(job(id), "chunks").empty());
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(only_the_file_that_was_published_is_served_as_the_result) {
  for (auto transfer : {"auto", "http"}) {
    fixture f{transfer};
    auto id = f.order(f.quick_order(f.result));
    f.wait_until_over(id, "completed");
    auto bytes = read_file(f.result);
    BOOST_TEST((f.result_of(id).body == bytes));
    auto secret = f.c.folder().path("secret");
    std::ofstream{secret} << "a secret of somebody";
    auto away = f.c.folder().path("away.mkv");
    fs::rename(f.result, away);
    for (auto& target : {secret, away}) {
      fs::create_symlink(target, f.result);
      BOOST_TEST(f.result_of(id).status == 404);
      fs::remove(f.result);
    }
    fs::copy_file(secret, f.result);
    BOOST_TEST(f.result_of(id).status == 404);
    fs::rename(away, f.result);
    BOOST_TEST((f.result_of(id).body == bytes));
  }
}

BOOST_FIXTURE_TEST_CASE(an_output_that_is_no_regular_file_is_refused_before_any_work, fixture) {
  auto pipe = c.folder().path("pipe");
  auto link = c.folder().path("link");
  ::mkfifo(pipe.c_str(), 0600);
  fs::create_symlink("/dev/null", link);
  for (auto& output : {pipe, link, std::string{"/dev/null"}})
    for (auto overwrite : {false, true})
      check_refused(output, overwrite, "no regular file");
  BOOST_TEST(fs::is_fifo(fs::symlink_status(pipe)));
  BOOST_TEST(fs::is_symlink(fs::symlink_status(link)));
  BOOST_TEST(fs::is_character_file("/dev/null"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_nowhere_is_found_before_any_work) {
  for (auto transfer : {"auto", "http"}) {
    fixture f{transfer};
    f.check_refused(f.c.folder().path("no-folder/out.mkv"), false, "there is no folder");
  }
  fixture f;
  for (auto how : {"--upload", "--local"}) {
    auto x = f.ctl({"transcode", f.source, "-o", f.c.folder().path("no-folder/out.mkv"), "--video-encoder=copy", how});
    BOOST_TEST((x.wait(scaled(milliseconds{5'000})) == 1), x.output());
    BOOST_TEST(says(x.output(), "no folder"), x.output());
  }
  BOOST_TEST(list(f.c.get("/api/v1/jobs").json().as_object(), "jobs").empty());
  BOOST_TEST(!fs::exists(f.c.folder().path("coordinator/jobs/uploads")));
}

BOOST_AUTO_TEST_SUITE_END()

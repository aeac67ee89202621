// Goal: the folders of tasks that are gone are removed, and no others.
#include "actors/common/task_folder.hpp"
#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

using namespace troupe;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(task_folder_test)

BOOST_AUTO_TEST_CASE(only_folders_of_tasks_that_are_gone_are_removed) {
  auto gone = ::fork();
  BOOST_REQUIRE(gone >= 0);
  if (gone == 0)
    ::_exit(0);
  BOOST_REQUIRE(::waitpid(gone, nullptr, 0) == gone);
  test::temporary_folder folder;
  auto of_gone = task_folder(folder.path(), gone);
  auto of_living = task_folder(folder.path(), ::getpid());
  auto of_nobody = folder.path("task-x");
  for (auto& x : {of_gone, of_living, of_nobody}) {
    fs::create_directory(x);
    std::ofstream{x + "/part"} << "x";
  }
  remove_old_task_folders(folder.path());
  BOOST_TEST(!fs::exists(of_gone));
  BOOST_TEST(fs::exists(of_living + "/part"));
  BOOST_TEST(fs::exists(of_nobody + "/part"));
  remove_old_task_folders(folder.path("none"));
}

BOOST_AUTO_TEST_SUITE_END()

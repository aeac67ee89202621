// Names and attributes of files in a folder of the test's own.
#include "base/renaming.hpp"

#include "base/attributes.hpp"
#include "base/descriptor.hpp"
#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(renaming_test)

namespace {

struct files {
  test::temporary_folder folder;

  std::string make(const std::string& name, const std::string& text) {
    auto path = folder.path(name);
    std::ofstream{path} << text;
    return path;
  }

  std::string read(const std::string& name) {
    std::ifstream in{folder.path(name)};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(a_name_that_is_taken_is_not_replaced, files) {
  auto a = make("a", "1");
  auto b = make("b", "2");
  BOOST_TEST((base::rename_new(a, b) == std::errc::file_exists));
  BOOST_TEST(read("b") == "2");
  BOOST_TEST(!base::rename_new(a, folder.path("c")));
  BOOST_TEST(read("c") == "1");
  BOOST_TEST((base::rename_new(a, folder.path("d")) == std::errc::no_such_file_or_directory));
}

BOOST_FIXTURE_TEST_CASE(two_names_are_exchanged_at_once, files) {
  auto a = make("a", "1");
  auto b = make("b", "2");
  auto code = base::exchange_names(a, b);
  if (code == std::errc::invalid_argument)
    return; // this file system cannot
  BOOST_TEST(!code);
  BOOST_TEST(read("a") == "2");
  BOOST_TEST(read("b") == "1");
  BOOST_TEST((base::exchange_names(a, folder.path("c")) == std::errc::no_such_file_or_directory));
}

BOOST_FIXTURE_TEST_CASE(a_folder_is_flushed_or_missing, files) {
  BOOST_TEST(!base::flush_folder(folder.path()));
  BOOST_TEST((base::flush_folder(folder.path("none")) == std::errc::no_such_file_or_directory));
}

BOOST_FIXTURE_TEST_CASE(a_file_gets_the_attributes_of_another_one, files) {
  auto a = make("a", "content");
  auto b = make("b", "other");
  std::filesystem::permissions(a, std::filesystem::perms{0640});
  ::setxattr(b.c_str(), "user.of_b", "x", 1, 0);
  auto keeps_words = ::setxattr(a.c_str(), "user.of_a", "word", 4, 0) == 0;
  base::descriptor from{::open(a.c_str(), O_RDONLY | O_CLOEXEC)};
  base::descriptor to{::open(b.c_str(), O_RDONLY | O_CLOEXEC)};
  const timespec times[] = {{1'000, 5}, {2'000, 7}};
  ::futimens(from.get(), times);
  BOOST_TEST(base::copy_attributes(from.get(), to.get()).empty());
  struct stat made = {};
  BOOST_REQUIRE(::fstat(to.get(), &made) == 0);
  BOOST_TEST((made.st_mode & 07777) == 0640u);
  BOOST_TEST(made.st_mtim.tv_sec == 2'000);
  BOOST_TEST(made.st_mtim.tv_nsec == 7);
  BOOST_TEST(read("b") == "other");
  if (!keeps_words)
    return; // this file system has no such attributes
  char word[8] = {};
  BOOST_TEST(::getxattr(b.c_str(), "user.of_a", word, sizeof word) == 4);
  BOOST_TEST(word == "word");
  BOOST_TEST(::getxattr(b.c_str(), "user.of_b", word, sizeof word) < 0);
}

BOOST_AUTO_TEST_SUITE_END()

// Goal: no other user can read the node's private folders. Method: folders in a temporary folder, made under the usual
// umask.
#include "base/private_folder.hpp"

#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>

using namespace troupe::base;
namespace fs = std::filesystem;

namespace private_folder_test {
namespace {

struct fixture {
  troupe::test::temporary_folder folder;
  std::string root = folder.path();
};

} // namespace
} // namespace private_folder_test

BOOST_FIXTURE_TEST_SUITE(private_folder_test, fixture)

BOOST_AUTO_TEST_CASE(what_is_made_is_its_owners_alone_and_what_is_there_keeps_its_mode) {
  auto shared = root + "/shared";
  fs::create_directory(shared);
  fs::permissions(shared, fs::perms{0755});
  BOOST_TEST(!make_private_folder(shared + "/work/uploads/"));
  for (auto made : {"/work", "/work/uploads"})
    BOOST_TEST(static_cast<int>(fs::status(shared + made).permissions()) == 0700, made);
  BOOST_TEST(!make_private_folder(shared));
  BOOST_TEST(static_cast<int>(fs::status(shared).permissions()) == 0755);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_a_folder_is_an_error) {
  std::ofstream{root + "/file"} << 'x';
  BOOST_TEST(static_cast<bool>(make_private_folder(root + "/file")));
  BOOST_TEST(static_cast<bool>(make_private_folder(root + "/file/below")));
  BOOST_TEST(static_cast<bool>(make_private_folder("")));
}

BOOST_AUTO_TEST_SUITE_END()

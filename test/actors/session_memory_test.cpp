// The file that continues a session after a restart: what is written is read again, and damage counts as nothing.
#include "actors/live/session_memory.hpp"
#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>

using namespace troupe;
namespace fs = std::filesystem;

namespace session_memory_test {
namespace {

const core::continuation some{
  {-90'000, 1'800'000'000'123}, 500'000'000'000'001, 500'000'000'090'001, 1'800'000'001'000};

struct memory_fixture {
  test::temporary_folder folder;
  std::string place = folder.path("live");
  std::string file = place + "/news.one.json";
};

} // namespace
} // namespace session_memory_test

BOOST_FIXTURE_TEST_SUITE(session_memory_test, memory_fixture)

BOOST_AUTO_TEST_CASE(another_session_of_the_channel_reads_what_was_written_last) {
  session_memory first{place, "news.one"};
  BOOST_TEST(!first.read().has_value());
  auto older = some;
  older.delivered = 1;
  first.write(older);
  first.write(some);
  session_memory second{place, "news.one"};
  BOOST_REQUIRE(second.read().has_value());
  BOOST_TEST((*second.read() == some));
  BOOST_TEST(!(session_memory{place, "other"}.read().has_value()));
}

BOOST_AUTO_TEST_CASE(a_forgotten_session_is_not_continued) {
  session_memory first{place, "news.one"};
  first.write(some);
  first.forget();
  BOOST_TEST(!(session_memory{place, "news.one"}.read().has_value()));
}

BOOST_AUTO_TEST_CASE(a_damaged_file_counts_as_none) {
  session_memory{place, "news.one"}.write(some);
  fs::resize_file(file, 100);
  BOOST_TEST(!(session_memory{place, "news.one"}.read().has_value()));
  std::ofstream{file} << std::string(256, 'x');
  BOOST_TEST(!(session_memory{place, "news.one"}.read().has_value()));
  std::ofstream{file} << "{" << std::string(254, ' ') << "}";
  auto empty = session_memory{place, "news.one"}.read();
  BOOST_TEST((!empty || !empty->reached(1'000)));
}

BOOST_AUTO_TEST_CASE(a_link_is_not_followed) {
  fs::create_directories(place);
  std::ofstream{folder.path("victim")} << "mine";
  fs::create_symlink(folder.path("victim"), file);
  session_memory{place, "news.one"}.write(some);
  BOOST_TEST(fs::file_size(folder.path("victim")) == 4u);
}

BOOST_AUTO_TEST_CASE(without_a_folder_nothing_is_kept) {
  session_memory nothing{{}, "news.one"};
  nothing.write(some);
  BOOST_TEST(!nothing.read().has_value());
  nothing.forget();
}

BOOST_AUTO_TEST_SUITE_END()

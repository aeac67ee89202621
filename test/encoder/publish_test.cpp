// Goal: a result is there whole or not at all, and nobody's file is lost to it. Method: files in a folder of the test's own.
#include "encoder/publish.hpp"

#include "clip.hpp"
#include "base/identity.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

using namespace troupe::av::test;

namespace av = troupe::av;
namespace fs = std::filesystem;

namespace {

std::span<const std::byte> bytes(std::string_view x) {
  return std::as_bytes(std::span{x});
}

/// No file of this process gets larger, for as long as this lives.
class file_size_limit {
public:
  explicit file_size_limit(rlim_t bytes) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }

  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;

  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

private:
  rlimit before_{};
  void (*handler_)(int);
};

} // namespace

BOOST_AUTO_TEST_SUITE(publish_test)

BOOST_AUTO_TEST_CASE(a_file_appears_when_it_is_committed_and_not_before) {
  auto path = temporary("published");
  auto file = av::new_file::create(path, "job 1/2");
  BOOST_REQUIRE(file);
  BOOST_REQUIRE(file->write(bytes("abc")));
  BOOST_TEST(!fs::exists(path));
  BOOST_TEST(fs::exists(av::staging_path(path, "job 1/2")));
  auto hash = file->commit(av::overwrite::refuse);
  BOOST_REQUIRE(hash);
  BOOST_TEST(*hash == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(read_bytes(path) == "abc");
  BOOST_TEST(!fs::exists(av::staging_path(path, "job 1/2")));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_given_up_leaves_nothing_behind) {
  auto path = temporary("given-up");
  {
    auto file = av::new_file::create(path, "x");
    BOOST_REQUIRE(file);
    BOOST_REQUIRE(file->write(bytes("abc")));
  }
  BOOST_TEST(!fs::exists(path));
  BOOST_TEST(!fs::exists(av::staging_path(path, "x")));
}

BOOST_AUTO_TEST_CASE(what_exists_is_replaced_only_where_that_is_allowed) {
  auto target = write_bytes("target", "old");
  auto from = write_bytes("fresh", "new");
  auto refused = av::publish(from, target, av::overwrite::refuse);
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == av::errc::option));
  BOOST_TEST(read_bytes(target) == "old");
  BOOST_TEST(read_bytes(from) == "new");
  BOOST_REQUIRE(av::publish(from, target, av::overwrite::allow));
  BOOST_TEST(read_bytes(target) == "new");
  BOOST_TEST(!fs::exists(from));
}

BOOST_AUTO_TEST_CASE(what_is_no_regular_file_is_never_replaced) {
  auto from = write_bytes("fresh-2", "new");
  auto pipe = temporary("pipe");
  auto link = temporary("link");
  auto folder = temporary("a-folder");
  ::mkfifo(pipe.c_str(), 0600);
  fs::create_symlink("/dev/null", link);
  fs::create_directory(folder);
  for (auto& target : {pipe, link, folder, std::string{"/dev/null"}}) {
    auto before = fs::symlink_status(target).type();
    auto refused = av::publish(from, target, av::overwrite::allow);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().terminal());
    BOOST_TEST(refused.error().what.find("no regular file") != std::string::npos, refused.error().what);
    BOOST_TEST((fs::symlink_status(target).type() == before));
  }
  BOOST_TEST(read_bytes(from) == "new");
}

BOOST_AUTO_TEST_CASE(a_link_in_the_place_of_a_finished_file_is_not_followed) {
  auto secret = write_bytes("secret", "secret");
  auto link = temporary("swapped");
  fs::create_symlink(secret, link);
  BOOST_TEST(!av::publish(link, temporary("from-link"), av::overwrite::allow));
  BOOST_TEST(!fs::exists(temporary("from-link")));
  // The same while the file is open: its name leads elsewhere by now.
  auto real = write_bytes("real", "real");
  auto file = ::open(real.c_str(), O_RDONLY);
  fs::remove(real);
  fs::create_symlink(secret, real);
  BOOST_TEST(!av::publish(file, real, temporary("from-name"), av::overwrite::allow));
  ::close(file);
  BOOST_TEST(!fs::exists(temporary("from-name")));
  BOOST_TEST(read_bytes(secret) == "secret");
}

BOOST_AUTO_TEST_CASE(what_is_published_is_told_by_its_identity) {
  auto from = write_bytes("known", "abc");
  auto identity = troupe::base::identity_of(from);
  auto done = av::publish(from, temporary("known-target"), av::overwrite::refuse);
  BOOST_REQUIRE(done);
  BOOST_TEST(*done == *identity);
  BOOST_TEST(*troupe::base::identity_of(temporary("known-target")) == *identity);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_is_named) {
  auto file = av::new_file::create(temporary("no-such-folder/result.mp4"), "x");
  BOOST_REQUIRE(!file);
  BOOST_TEST(file.error().what.find("no-such-folder") != std::string::npos);
  BOOST_TEST(file.error().terminal());
}

BOOST_AUTO_TEST_CASE(a_limit_on_the_size_of_files_is_told_as_one) {
  auto path = temporary("full");
  auto file = av::new_file::create(path, "x");
  BOOST_REQUIRE(file);
  file_size_limit limit{1 << 20};
  std::string block(1 << 20, 'x');
  auto written = file->write(bytes(block));
  for (auto n = 0; n < 3 && written; ++n)
    written = file->write(bytes(block));
  BOOST_REQUIRE(!written);
  BOOST_TEST((written.error().code == av::errc::limit));
  BOOST_TEST(written.error().terminal());
}

BOOST_AUTO_TEST_CASE(a_result_goes_to_another_file_system) {
  struct stat here = {};
  struct stat there = {};
  auto target = "/dev/shm/troupe-publish-test-" + std::to_string(::getpid());
  auto from = write_bytes("moved", "abc");
  if (::stat("/dev/shm", &there) != 0 || ::stat(from.c_str(), &here) != 0 || here.st_dev == there.st_dev)
    return;
  BOOST_REQUIRE(av::publish(from, target, av::overwrite::refuse));
  BOOST_TEST(read_bytes(target) == "abc");
  BOOST_TEST(!fs::exists(from));
  fs::remove(target);
}

BOOST_AUTO_TEST_SUITE_END()

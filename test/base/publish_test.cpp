// Goal: a result is there whole or not at all, and no existing file is lost. Method: files in a folder of the test's
// own.
#include "base/publish.hpp"

#include "base/identity.hpp"
#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>

using namespace troupe;

namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(publish_test)

namespace {

/// A path in a folder of this run.
std::string temporary(const std::string& name) {
  static const test::temporary_folder folder;
  return folder.path(name);
}

std::string read_bytes(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string write_bytes(const std::string& name, const std::string& bytes) {
  auto path = temporary(name);
  std::ofstream{path, std::ios::binary} << bytes;
  return path;
}

std::span<const std::byte> bytes(std::string_view x) {
  return std::as_bytes(std::span{x});
}

/// Limits the size of all files of this process, as long as this object exists.
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

BOOST_AUTO_TEST_CASE(a_file_appears_when_it_is_committed_and_not_before) {
  auto path = temporary("published");
  auto file = base::new_file::create(path, "job 1/2");
  BOOST_REQUIRE(file);
  BOOST_REQUIRE(file->write(bytes("abc")));
  BOOST_TEST(!fs::exists(path));
  BOOST_TEST(fs::exists(base::staging_path(path, "job 1/2")));
  auto hash = file->commit(base::overwrite::refuse);
  BOOST_REQUIRE(hash);
  BOOST_TEST(*hash == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(read_bytes(path) == "abc");
  BOOST_TEST(!fs::exists(base::staging_path(path, "job 1/2")));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_given_up_leaves_nothing_behind) {
  auto path = temporary("given-up");
  {
    auto file = base::new_file::create(path, "x");
    BOOST_REQUIRE(file);
    BOOST_REQUIRE(file->write(bytes("abc")));
  }
  BOOST_TEST(!fs::exists(path));
  BOOST_TEST(!fs::exists(base::staging_path(path, "x")));
}

BOOST_AUTO_TEST_CASE(what_exists_is_replaced_only_where_that_is_allowed) {
  auto target = write_bytes("target", "old");
  auto from = write_bytes("fresh", "new");
  auto refused = base::publish(from, target, base::overwrite::refuse);
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().kind == base::file_fault::refused));
  BOOST_TEST(read_bytes(target) == "old");
  BOOST_TEST(read_bytes(from) == "new");
  BOOST_REQUIRE(base::publish(from, target, base::overwrite::allow));
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
    auto refused = base::publish(from, target, base::overwrite::allow);
    BOOST_REQUIRE(!refused);
    BOOST_TEST((refused.error().kind != base::file_fault::failed));
    BOOST_TEST(refused.error().what.find("no regular file") != std::string::npos, refused.error().what);
    BOOST_TEST((fs::symlink_status(target).type() == before));
  }
  BOOST_TEST(read_bytes(from) == "new");
}

BOOST_AUTO_TEST_CASE(a_link_in_the_place_of_a_finished_file_is_not_followed) {
  auto secret = write_bytes("secret", "secret");
  auto link = temporary("swapped");
  fs::create_symlink(secret, link);
  BOOST_TEST(!base::publish(link, temporary("from-link"), base::overwrite::allow));
  BOOST_TEST(!fs::exists(temporary("from-link")));
  // The same for an open file whose name has become a link to another file.
  auto real = write_bytes("real", "real");
  auto file = ::open(real.c_str(), O_RDONLY);
  fs::remove(real);
  fs::create_symlink(secret, real);
  BOOST_TEST(!base::publish(file, real, temporary("from-name"), base::overwrite::allow));
  ::close(file);
  BOOST_TEST(!fs::exists(temporary("from-name")));
  BOOST_TEST(read_bytes(secret) == "secret");
}

BOOST_AUTO_TEST_CASE(what_is_published_is_told_by_its_identity) {
  auto from = write_bytes("known", "abc");
  auto identity = troupe::base::identity_of(from);
  auto done = base::publish(from, temporary("known-target"), base::overwrite::refuse);
  BOOST_REQUIRE(done);
  BOOST_TEST(*done == *identity);
  BOOST_TEST(*troupe::base::identity_of(temporary("known-target")) == *identity);
}

BOOST_AUTO_TEST_CASE(a_folder_that_is_not_there_is_named) {
  auto file = base::new_file::create(temporary("no-such-folder/result.mp4"), "x");
  BOOST_REQUIRE(!file);
  BOOST_TEST(file.error().what.find("no-such-folder") != std::string::npos);
  BOOST_TEST((file.error().kind != base::file_fault::failed));
}

BOOST_AUTO_TEST_CASE(a_limit_on_the_size_of_files_is_told_as_one) {
  auto path = temporary("full");
  auto file = base::new_file::create(path, "x");
  BOOST_REQUIRE(file);
  file_size_limit limit{1 << 20};
  std::string block(1 << 20, 'x');
  auto written = file->write(bytes(block));
  for (auto n = 0; n < 3 && written; ++n)
    written = file->write(bytes(block));
  BOOST_REQUIRE(!written);
  BOOST_TEST((written.error().kind == base::file_fault::too_large));
  BOOST_TEST((written.error().kind != base::file_fault::failed));
}

BOOST_AUTO_TEST_CASE(a_result_goes_to_another_file_system) {
  struct stat here = {};
  struct stat there = {};
  auto target = "/dev/shm/troupe-publish-test-" + std::to_string(::getpid());
  auto from = write_bytes("moved", "abc");
  if (::stat("/dev/shm", &there) != 0 || ::stat(from.c_str(), &here) != 0 || here.st_dev == there.st_dev)
    return;
  BOOST_REQUIRE(base::publish(from, target, base::overwrite::refuse));
  BOOST_TEST(read_bytes(target) == "abc");
  BOOST_TEST(!fs::exists(from));
  fs::remove(target);
}

BOOST_AUTO_TEST_SUITE_END()

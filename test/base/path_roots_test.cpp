// Goal: a path opens a regular file below its roots and nothing else, also if somebody changes the folders meanwhile.
// Method: real folders with links, pipes, sockets and devices; a thread that swaps a folder for a link.
#include "base/path_roots.hpp"

#include "base/publish.hpp"
#include "test/support/temporary_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

using namespace troupe::base;

namespace path_roots_test {
namespace {

namespace fs = std::filesystem;

void put(const std::string& path, const std::string& text) {
  std::ofstream{path} << text;
}

std::string content(int file) {
  std::string result(64, '\0');
  auto count = ::read(file, result.data(), result.size());
  result.resize(static_cast<size_t>(count > 0 ? count : 0));
  return result;
}

/// Two roots and a folder outside of both, with a file "x" in each.
struct place {
  place() {
    for (auto x : {"media", "more", "private"}) {
      fs::create_directories(folder.path(x) + "/sub");
      put(folder.path(x) + "/x", x);
      put(folder.path(x) + "/sub/x", x);
    }
  }

  std::string at(const std::string& name) const {
    return folder.path(name);
  }

  /// The content of the file; or the error's text.
  std::string read(const std::string& name) const {
    auto file = roots.open_file(name.starts_with('/') ? name : at(name), O_RDONLY);
    return file ? content(file->get()) : file.error().what;
  }

  bool refuses(const std::string& name, const std::string& why) const {
    auto text = read(name);
    return text.find(why) != std::string::npos;
  }

  troupe::test::temporary_folder folder;
  path_roots roots{{folder.path("media"), folder.path("more") + "/"}, "paths.read"};
};

constexpr const char* outside = "add its folder to paths.read";
constexpr const char* irregular = "not a regular file";

} // namespace
} // namespace path_roots_test

BOOST_FIXTURE_TEST_SUITE(path_roots_test, place)

BOOST_AUTO_TEST_CASE(files_below_the_roots_are_opened) {
  BOOST_TEST(read("media/x") == "media");
  BOOST_TEST(read("more/sub/x") == "more");
  BOOST_TEST(read("media/./sub/../x") == "media");
  BOOST_TEST(read("media//sub//x") == "media");
  BOOST_TEST(read("private/../media/x") == "media");
  fs::create_symlink("sub/x", at("media/inner"));
  fs::create_symlink(at("media/sub"), at("media/absolute"));
  fs::create_directory_symlink(at("more"), at("media/other-root"));
  BOOST_TEST(read("media/inner") == "media");
  BOOST_TEST(read("media/absolute/x") == "media");
  BOOST_TEST(read("media/other-root/x") == "more");
  BOOST_TEST(refuses("media/missing", std::strerror(ENOENT)));
}

BOOST_AUTO_TEST_CASE(places_outside_of_the_roots_are_refused) {
  fs::create_symlink(at("private/x"), at("media/link"));
  fs::create_symlink("../private/x", at("media/relative"));
  fs::create_directory_symlink(at("private"), at("media/folder"));
  fs::create_symlink("link", at("media/chain"));
  fs::create_symlink("/proc/self/root", at("media/magic"));
  fs::create_symlink(at("private/none"), at("media/dangling"));
  fs::create_directories(at("media2"));
  put(at("media2/x"), "media2");
  for (auto x : {"private/x",
                 "private/none",
                 "media/../private/x",
                 "media/sub/../../private/x",
                 "media/link",
                 "media/relative",
                 "media/folder/x",
                 "media/folder/sub/x",
                 "media/chain",
                 "media/dangling",
                 "media2/x",
                 "media/magic/etc/hostname",
                 "/etc/passwd",
                 "/etc/none",
                 "/proc/self/environ",
                 "/proc/self/exe",
                 "/dev/zero",
                 "/sys/kernel/uevent_seqnum",
                 "/",
                 ""})
    BOOST_TEST(refuses(x, outside), x << ": " << read(x));
}

BOOST_AUTO_TEST_CASE(a_closed_folder_within_a_root_is_refused) {
  path_roots some{{at("media"), at("media/sub/jobs")}, "paths.read", {at("media/sub")}};
  fs::create_directories(at("media/sub/jobs"));
  put(at("media/sub/jobs/x"), "job");
  fs::create_directory_symlink("sub", at("media/way"));
  BOOST_TEST(some.open_file(at("media/x"), O_RDONLY).has_value());
  BOOST_TEST(some.open_file(at("media/sub/jobs/x"), O_RDONLY).has_value());
  BOOST_TEST(!some.open_file(at("media/sub/x"), O_RDONLY).has_value());
  BOOST_TEST(!some.open_file(at("media/way/x"), O_RDONLY).has_value());
}

BOOST_AUTO_TEST_CASE(only_regular_files_are_opened) {
  BOOST_REQUIRE(::mkfifo(at("media/pipe").c_str(), 0600) == 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, at("media/socket").c_str(), sizeof address.sun_path - 1);
  descriptor socket{::socket(AF_UNIX, SOCK_STREAM, 0)};
  BOOST_REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  for (auto x : {"media/pipe", "media/socket", "media/sub", "media"})
    BOOST_TEST(refuses(x, irregular), x << ": " << read(x));
}

BOOST_AUTO_TEST_CASE(without_roots_the_kernels_files_are_still_refused) {
  path_roots all;
  BOOST_TEST(all.open_file(at("private/x"), O_RDONLY).has_value());
  BOOST_TEST(all.open_file("/dev/zero", O_RDONLY).error().what.find(irregular) != std::string::npos);
  for (auto x : {"/proc/self/environ", "/proc/self/mem", "/proc/version", "/sys/kernel/uevent_seqnum"}) {
    auto why = all.open_file(x, O_RDONLY).error().what;
    BOOST_TEST(why.find("of the kernel") != std::string::npos, x << ": " << why);
  }
  BOOST_TEST(!all.open_folder("/proc/self").has_value());
  path_roots none{{}, "paths.read"};
  BOOST_TEST(!none.open_file(at("media/x"), O_RDONLY).has_value());
}

BOOST_AUTO_TEST_CASE(a_folder_that_becomes_a_link_leads_nowhere_else) {
  fs::create_directory_symlink(at("private"), at("media/swap"));
  std::atomic<bool> over{false};
  std::thread other{[&] {
    while (!over) {
      fs::rename(at("media/sub"), at("media/aside"));
      fs::rename(at("media/swap"), at("media/sub"));
      fs::rename(at("media/sub"), at("media/swap"));
      fs::rename(at("media/aside"), at("media/sub"));
    }
  }};
  auto good = 0;
  for (auto i = 0; i < 3000; ++i) {
    auto text = read("media/sub/x");
    BOOST_REQUIRE(text != "private");
    good += text == "media" ? 1 : 0;
  }
  over = true;
  other.join();
  BOOST_TEST(read("media/sub/x") == "media");
  BOOST_TEST_MESSAGE(good << " of 3000 tries found the folder");
}

BOOST_AUTO_TEST_CASE(results_appear_only_below_the_roots) {
  put(at("media/result"), "result");
  fs::create_directory_symlink(at("private"), at("media/folder"));
  fs::create_symlink(at("private/x"), at("media/link"));
  path_roots writable{{at("media")}, "paths.write"};
  for (auto x : {"private/new", "media/../private/new", "media/folder/new", "/etc/troupe-test", "/proc/self/x"}) {
    auto to = x[0] == '/' ? std::string{x} : at(x);
    for (auto existing : {overwrite::refuse, overwrite::allow}) {
      auto early = check_target(to, existing, writable);
      BOOST_REQUIRE(!early);
      BOOST_TEST(early.error().what.find("paths.write") != std::string::npos, early.error().what);
      auto late = publish(at("media/result"), to, existing, writable);
      BOOST_REQUIRE(!late);
      BOOST_TEST((late.error().kind == file_fault::refused));
    }
  }
  BOOST_TEST(!publish(at("media/result"), at("media/link"), overwrite::allow, writable).has_value());
  BOOST_TEST(!publish(at("media/result"), at("media/x"), overwrite::refuse, writable).has_value());
  BOOST_TEST(!publish(at("media/result"), at("media/none/x"), overwrite::refuse, writable).has_value());
  BOOST_TEST(read("media/x") == "media");
  BOOST_REQUIRE(publish(at("media/result"), at("media/sub/new"), overwrite::refuse, writable).has_value());
  BOOST_TEST(read("media/sub/new") == "result");
}

BOOST_AUTO_TEST_SUITE_END()

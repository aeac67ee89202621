// Goal: keys protect a real coordinator, and its own user finds the first one. Method: a coordinator, `caf-ctl` with
// and without a key, a restart; logs and files are searched for the texts of keys.
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace troupe::test;
namespace fs = std::filesystem;

namespace keys_test {
namespace {

struct fixture {
  fixture() {
    c.start_coordinator();
  }

  struct outcome {
    int code;
    std::string said;
  };

  outcome ctl(std::vector<std::string> arguments, const std::vector<std::string>& environment = {}) {
    auto log = c.folder().path() + "/ctl" + std::to_string(++calls) + ".log";
    arguments.push_back("--url=http://127.0.0.1:" + std::to_string(c.http_port()));
    process x{TROUPE_BINARY_DIR "/bin/caf-ctl", arguments, log, environment};
    auto code = x.wait(scaled(milliseconds{20'000}));
    return {code.value_or(-1), read_file(log)};
  }

  cluster c{{{}, {"--log.level=debug", "--http.open_channels=false"}, {}}};
  std::string state = c.folder().path() + "/coordinator";
  std::string key_file = state + "/admin.key";
  int calls = 0;
};

} // namespace
} // namespace keys_test

BOOST_FIXTURE_TEST_SUITE(keys_test, fixture)

BOOST_AUTO_TEST_CASE(the_first_key_is_in_a_file_and_opens_the_coordinator_after_the_second_was_made) {
  auto mode = fs::status(key_file).permissions();
  BOOST_TEST((mode == (fs::perms::owner_read | fs::perms::owner_write)));
  auto first = read_file(key_file).substr(0, 64);
  BOOST_TEST(first.starts_with("trp_"));
  BOOST_TEST(c.get("/api/v1/keys").status == 200);

  auto made = ctl({"keys", "create", "screen", "--role=viewer", "--expires=90d"});
  BOOST_TEST(made.code == 0, made.said);
  auto second = made.said.substr(made.said.rfind("trp_"), 64);
  BOOST_TEST(c.get("/api/v1/keys").status == 401);
  BOOST_TEST(c.get("/healthz").status == 200);
  // Another coordinator of this user may have left its key in the usual place.
  auto refused = ctl({"daemons"}, {"XDG_STATE_HOME=" + state + "/none"});
  BOOST_TEST(refused.code == 1);
  BOOST_TEST(refused.said.find("no_key") != std::string::npos, refused.said);

  // By a flag, by the environment, and from the usual place.
  BOOST_TEST(ctl({"daemons", "--key-file=" + key_file}).code == 0);
  BOOST_TEST(ctl({"daemons"}, {"TROUPE_KEY_FILE=" + key_file}).code == 0);
  BOOST_TEST(ctl({"daemons"}, {"TROUPE_KEY=" + second}).code == 0);
  BOOST_TEST(ctl({"keys", "list"}, {"TROUPE_KEY=" + second}).code == 1);
  fs::create_directory(state + "/home");
  fs::create_symlink(state, state + "/home/troupe");
  auto list = ctl({"keys", "list"}, {"XDG_STATE_HOME=" + state + "/home"});
  BOOST_TEST(list.code == 0, list.said);
  BOOST_TEST(list.said.find("screen") != std::string::npos, list.said);

  c.stop("coordinator");
  c.start_coordinator();
  BOOST_TEST(c.get("/api/v1/keys").status == 401);
  BOOST_TEST(read_file(key_file).substr(0, 64) == first);
  BOOST_TEST(ctl({"keys", "revoke", second.substr(4, 12), "--key-file=" + key_file}).code == 0);
  auto ended = ctl({"daemons"}, {"TROUPE_KEY=" + second});
  BOOST_TEST(ended.code == 1);
  BOOST_TEST(ended.said.find("revoked_key") != std::string::npos, ended.said);

  auto log = read_file(c.folder().path() + "/coordinator.log");
  auto stored = read_file(state + "/jobs.db");
  for (auto& text : {first, second}) {
    BOOST_TEST(log.find(text.substr(16)) == std::string::npos);
    BOOST_TEST(stored.find(text.substr(16)) == std::string::npos);
  }
  BOOST_TEST(log.find(key_file) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_was_changed_is_known_after_a_stop) {
  BOOST_TEST(ctl({"keys", "create", "screen", "--role=viewer"}).code == 0);
  // The last change before the stop is not lost.
  BOOST_TEST(ctl({"keys", "create", "radio", "--role=watch", "--key-file=" + key_file}).code == 0);
  BOOST_TEST(c.get("/api/v1/audit").status == 401);
  c.stop("coordinator");
  c.start_coordinator();
  auto audit = ctl({"audit", "--key-file=" + key_file});
  BOOST_TEST(audit.code == 0, audit.said);
  auto first = read_file(key_file).substr(4, 12);
  for (auto part : {std::string{"this machine"}, first, std::string{"POST /api/v1/keys"}, std::string{"201"}})
    BOOST_TEST(audit.said.find(part) != std::string::npos, audit.said);
  auto of_first = ctl({"audit", "--by=" + first, "--json", "--key-file=" + key_file});
  auto entries = list(parsed(of_first.said), "entries");
  BOOST_TEST(entries.size() == 1u, of_first.said);
}

BOOST_AUTO_TEST_CASE(a_player_watches_by_an_address_and_by_nothing_else) {
  BOOST_TEST(ctl({"keys", "create", "players", "--role=watch", "--channel=demo"}).code == 0);
  auto admin = std::vector<std::string>{"TROUPE_KEY_FILE=" + key_file};
  auto made = ctl({"address", "demo/small/index.m3u8"}, admin);
  BOOST_TEST(made.code == 0, made.said);
  auto path = made.said.substr(made.said.find("/t/"));
  path.pop_back();
  BOOST_TEST(path.ends_with("/live/demo/small/index.m3u8"), path);
  // There is no such channel: 404 comes from behind the door.
  BOOST_TEST(c.get(path).status == 404);
  BOOST_TEST(c.get("/live/demo/small/index.m3u8").status == 401);
  auto token = path.substr(3, path.find('/', 3) - 3);
  auto log = read_file(c.folder().path() + "/coordinator.log");
  BOOST_TEST(log.find("/t/***/live/demo/small/index.m3u8") != std::string::npos);
  BOOST_TEST(log.find(token) == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

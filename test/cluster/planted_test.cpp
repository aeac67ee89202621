// Goal: no secret of any kind is seen where it does not belong. Method: a cluster in which a different secret stands in
// each place that may hold one: addresses of sources and callbacks, headers, files and variables of nodes, and what the
// API makes. Then logs, metrics, answers, arguments and environments of processes, and the database are searched.
#include "test/cluster/media.hpp"
#include "test/cluster/web_server.hpp"
#include "test/support/cluster.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace troupe::test;

namespace planted_test {
namespace {

constexpr auto limit = milliseconds{10'000};

struct secret {
  std::string what;
  std::string text;
  bool stored = false; ///< the store keeps it, because jobs need it
};

class garden {
public:
  /// A text that is found nowhere by accident, and stands unchanged in URLs, headers and JSON.
  std::string plant(const std::string& what, bool stored = false) {
    note(what, "pl4nted" + std::to_string(100 + secrets_.size()), stored);
    return secrets_.back().text;
  }

  /// A secret that another has made.
  void note(const std::string& what, const std::string& text, bool stored = false) {
    BOOST_REQUIRE_MESSAGE(text.size() >= 8, what << " is no secret: '" << text << "'");
    secrets_.push_back({what, text, stored});
  }

  void check(const std::string& text, const std::string& where) const {
    for (auto& x : secrets_)
      BOOST_TEST(text.find(x.text) == std::string::npos, where << " shows " << x.what);
  }

  void check_stored(const std::string& bytes) const {
    BOOST_TEST(!bytes.empty());
    for (auto& x : secrets_)
      BOOST_TEST((x.stored || bytes.find(x.text) == std::string::npos), "the database has " << x.what);
  }

  size_t size() const {
    return secrets_.size();
  }

private:
  std::vector<secret> secrets_;
};

/// The first line of a file.
std::string line_of(const std::string& file) {
  auto text = read_file(file);
  return text.substr(0, text.find('\n'));
}

/// What stands in `text` between `begin` and the next of `ends`.
std::string between(const std::string& text, const std::string& begin, const char* ends) {
  auto at = text.find(begin);
  BOOST_REQUIRE_MESSAGE(at != std::string::npos, "no '" << begin << "' in: " << text);
  at += begin.size();
  return text.substr(at, text.find_first_of(ends, at) - at);
}

http_answer ask(const cluster& c, const std::string& method, const std::string& target, const std::string& fields,
                const std::string& body = {}) {
  http_stream connection{c.http_port()};
  auto length = body.empty() ? std::string{} : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  connection.send(method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + fields + length
                    + "\r\n" + body,
                  scaled(limit));
  connection.read_all(scaled(limit));
  http_answer result;
  result.status = connection.status();
  result.head = connection.head();
  result.body = connection.body();
  return result;
}

} // namespace
} // namespace planted_test

BOOST_AUTO_TEST_SUITE(planted_test)

BOOST_AUTO_TEST_CASE(planted_secrets_are_in_no_log_answer_metric_process_or_database) {
  garden all;
  auto nobody = "127.0.0.1:" + std::to_string(closed_port());
  auto film = read_file(media("h264.ts"));
  web_server source{[&film](const std::string&) { return std::optional{film}; }};
  auto good = "http://" + all.plant("a user of a source") + ":" + all.plant("a password of a source")
              + "@127.0.0.1:" + std::to_string(source.port()) + "/live/" + all.plant("a user in a path") + "/"
              + all.plant("a password in a path") + "/7.ts?token=" + all.plant("a token of a source");
  cluster c{{.channels = {{"good", good, false},
                          {"b", "http://" + nobody + "/x#" + all.plant("a fragment")},
                          {"c", "rtmp://" + nobody + "/app/" + all.plant("a stream key")},
                          {"d", "srt://" + nobody + "?passphrase=" + all.plant("a passphrase")},
                          {"e", "https://" + nobody + "/key=" + all.plant("a value in a path") + "/x"}},
             .flags = {"--log.level=debug", "--jobs.retries_max=0", "--http.trust_loopback=always",
                       "--http.open_channels=false"},
             // A section of its own behind that of the profiles.
             .profiles = "jobs:\n  callback_secret: " + all.plant("the callback secret") + "\n",
             .environment = {{"one",
                              {"PGPASSWORD=" + all.plant("the password of PostgreSQL"),
                               "AWS_SECRET_ACCESS_KEY=" + all.plant("a key of another service"),
                               "CI_JOB_TOKEN=" + all.plant("a token of another service"),
                               "TVARR_STREAM_TOKEN=" + all.plant("a token of tvarr")}}}}};
  c.start({"one"}, 1);
  auto state = c.folder().path("coordinator");
  all.note("the cluster's token", "a-token-for-tests-of-the-cluster");
  all.note("the first key", line_of(state + "/admin.key").substr(16));
  all.note("what signs sessions", line_of(state + "/session.key"));
  all.note("what signs tickets", line_of(state + "/transfer.key"));

  // Channels: one that runs, and some that cannot.
  auto viewer = c.watch("good", "small", 50'000);
  for (std::string channel : {"b", "c", "d", "e"}) {
    auto answer = c.get("/live/" + channel + "/small.ts");
    BOOST_TEST(answer.status >= 500);
    all.check(answer.body, "the error of channel " + channel);
  }

  // A job that fails, and cannot be reported.
  auto order = R"({"input": "http://)" + all.plant("a user of an input", true) + ":"
               + all.plant("a password of an input", true) + "@" + nobody
               + "/x.mkv?sig=" + all.plant("a signature of an input", true) + R"(", "output": ")"
               + c.folder().path("out.mp4") + R"(", "callback": "http://)" + all.plant("a user of a callback", true)
               + ":" + all.plant("a password of a callback", true) + "@" + nobody
               + "/done?key=" + all.plant("a key of a callback", true) + R"("})";
  auto submitted = ask(c, "POST", "/api/v1/jobs", {}, order);
  BOOST_REQUIRE_MESSAGE(submitted.status == 201, submitted.body);
  auto id = text(submitted.json().as_object(), "id");
  auto job = [&] { return c.get("/api/v1/jobs/" + id).body; };
  c.wait_until(
    "the job fails", [&] { return job().find(R"("state":"failed")") != std::string::npos; }, milliseconds{60'000});

  // What the API makes, and what clients show it.
  auto made = ask(c, "POST", "/api/v1/keys", {}, R"({"name": "a test", "role": "admin"})");
  BOOST_REQUIRE_MESSAGE(made.status == 201, made.body);
  auto key = text(made.json().as_object(), "key");
  all.note("a key", key.substr(16));
  auto bearer = "Authorization: Bearer " + key + "\r\n";
  auto session = ask(c, "POST", "/api/v1/session", bearer);
  auto cookie = between(session.head, "Set-Cookie: troupe=", ";\r\n");
  all.note("a session", cookie);
  BOOST_TEST(ask(c, "GET", "/api/v1/session", "Cookie: troupe=" + cookie + "\r\n").status == 200);
  auto address = ask(c, "POST", "/api/v1/addresses", bearer, R"({"channel": "good"})");
  auto token = between(address.body, "/t/", "/");
  all.note("a player's token", token);
  BOOST_TEST(ask(c, "HEAD", "/t/" + token + "/live/good/small.ts", {}).status == 200);
  for (auto& answer :
       {ask(c, "DELETE", "/api/v1/keys/" + key, bearer),
        ask(c, "GET", "/api/v1/jobs?token=" + all.plant("a value of a query"), bearer),
        ask(c, "GET", "/api/v1/jobs", "Authorization: Basic " + all.plant("a password of HTTP") + "\r\n"),
        ask(c, "GET", "/api/v1/jobs", "Authorization: Bearer " + all.plant("a text that is no key") + "\r\n"),
        ask(c, "POST", "/api/v1/session", "Cookie: troupe=" + all.plant("a cookie that is no session") + "\r\n"),
        ask(c, "GET", "/t/" + all.plant("a token of nobody") + "/live/good/small.ts", {}),
        ask(c, "PATCH", "/api/v1/jobs/" + id + "/result?attempt=" + all.plant("the name of an attempt"),
            "Authorization: Bearer " + all.plant("a ticket") + "\r\n")}) {
    BOOST_TEST(answer.status >= 400);
    all.check(answer.head + answer.body, "an error");
  }
  BOOST_TEST(all.size() >= 30u);

  for (auto path :
       {"/", "/metrics", "/api/v1/daemons", "/api/v1/daemons/one/jobs", "/api/v1/channels", "/api/v1/profiles",
        "/api/v1/sessions", "/api/v1/viewers", "/api/v1/jobs", "/api/v1/keys", "/api/v1/audit"})
    all.check(c.get(path).body, path);
  all.check(job(), "the job");
  all.check(c.get("/api/v1/jobs/" + id + "/logs").body, "the job's log");
  for (auto node : {"coordinator", "one"}) {
    auto pid = c.node(node).pid();
    auto tasks = tasks_of(pid);
    BOOST_TEST(!tasks.empty());
    all.check(read_file("/proc/" + std::to_string(pid) + "/cmdline"), "the arguments of " + std::string{node});
    for (auto& task : tasks) {
      all.check(task.command, "the arguments of " + task.command);
      all.check(read_file("/proc/" + std::to_string(task.pid) + "/environ"), "the environment of " + task.command);
    }
  }
  viewer.close();
  auto said = c.node("coordinator").output() + c.node("one").output();
  BOOST_TEST(said.find("good") != std::string::npos);
  all.check(said, "the log");
  c.stop("one");
  c.stop("coordinator");
  all.check(read_file(c.folder().path("coordinator.log")), "the log of the stop");
  for (auto suffix : {"", "-wal"})
    if (auto bytes = read_file(state + "/jobs.db" + suffix); !bytes.empty())
      all.check_stored(bytes);
}

BOOST_AUTO_TEST_SUITE_END()

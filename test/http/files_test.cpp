// Goal: files go to a coordinator and come from it whole, whatever happens to connections. A client without a ticket
// gets nothing, and a wrong or late upload leaves nothing behind. Method: the real server with an upload registry over
// a temporary folder; our own client, directly and through a relay that cuts connections; hostile requests over a raw
// socket.
#include "base/identity.hpp"
#include "client.hpp"
#include "cutting_proxy.hpp"
#include "dummy_gateway.hpp"
#include "http/server.hpp"
#include "test/support/temporary_folder.hpp"
#include "transfer/exchange.hpp"
#include "transfer/remote.hpp"
#include "transfer/ticket.hpp"
#include "transfer/upload_registry.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <random>
#include <sstream>
#include <thread>

using namespace troupe;
using namespace troupe::http;
namespace fs = std::filesystem;

namespace files_test {
namespace {

constexpr size_t mebibyte = 1 << 20;
constexpr uint64_t bytes_max = 16 * mebibyte;
constexpr const char* secret = "a secret of tests";
const std::string job = "0123456789abcdef0123456789abcdef";

std::string random_bytes(size_t n) {
  std::mt19937_64 random{n};
  std::string result(n, '\0');
  for (auto& c : result)
    c = static_cast<char>(random());
  return result;
}

std::string content(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

void write(const std::string& path, const std::string& text) {
  std::ofstream{path, std::ios::binary} << text;
}

struct fixture : type_registration {
  fixture() {
    fs::create_directories(folder + "/work/job");
    write(source, random_bytes(3 * mebibyte + 17));
    open();
  }

  /// Starts the upload registry and the server, or restarts both, as a new coordinator does.
  void open() {
    web.reset();
    transfer::upload_registry_config with;
    with.secret = secret;
    with.work_folder = folder + "/work";
    with.bytes_max = bytes_max;
    with.uploads_max = 3;
    with.client_uploads_max = 2;
    with.shortage = with_shortage;
    uploads = std::make_shared<transfer::upload_registry>(with);
    server_config config;
    config.listen.port = 0;
    config.log = [](const access_record&) {};
    config.files = uploads;
    config.upload_window = upload_window;
    auto started = server::start(config, system, gateway);
    if (!started)
      BOOST_FAIL(started.error());
    web = std::move(*started);
  }

  void open_job() {
    access = uploads->open_job({job, "1", source, folder + "/work/job", folder + "/.out.part", folder + "/out.mp4"});
  }

  std::string url(const std::string& resource, uint16_t port = 0) const {
    return "http://127.0.0.1:" + std::to_string(port == 0 ? web->port() : port) + "/api/v1" + resource;
  }

  transfer::remote of_job(const std::string& resource, uint16_t port = 0) const {
    return {url("/jobs/" + job + resource, port), access.ticket};
  }

  /// Names of the files in a folder.
  std::vector<std::string> names(const std::string& in) const {
    std::vector<std::string> result;
    std::error_code failed;
    for (auto& x : fs::directory_iterator{folder + in, failed})
      if (x.path().filename() != transfer::upload_registry::marker_name)
        result.push_back(x.path().filename());
    return result;
  }

  client::response said(const std::string& text) const {
    client c{web->port()};
    c.send(text);
    return c.read_response();
  }

  client::response get(const std::string& resource, const std::string& fields, const char* method = "GET") const {
    client c{web->port()};
    c.send(std::string{method} + " /api/v1/jobs/" + job + resource + " HTTP/1.1\r\nHost: localhost\r\n" + fields
           + "\r\n");
    return c.read_response(std::string_view{method} == "HEAD");
  }

  std::string bearer() const {
    return "Authorization: Bearer " + access.ticket + "\r\n";
  }

  std::chrono::milliseconds upload_window{30'000};
  test::temporary_folder temporary;
  std::string folder = temporary.path();
  std::string source = folder + "/source.bin";
  caf::actor_system_config system_config;
  caf::actor_system system{system_config};
  gateway_actor gateway = spawn_dummy_gateway(system, std::make_shared<dummy_cluster>());
  std::shared_ptr<transfer::upload_registry> uploads;
  std::unique_ptr<server> web;
  transfer::job_access access;
  std::function<std::string(const std::string&, uint64_t)> with_shortage;
  std::atomic<bool> stop{false};
  transfer::control with{&stop, {}, 4, std::chrono::milliseconds{5}, std::chrono::milliseconds{20}};
};

} // namespace
} // namespace files_test

BOOST_FIXTURE_TEST_SUITE(files_test, fixture)

BOOST_AUTO_TEST_CASE(a_jobs_files_are_opened_by_its_ticket_alone) {
  open_job();
  BOOST_TEST(get("/source", {}).status == 401);
  BOOST_TEST(get("/source", {}).has("WWW-Authenticate: Bearer"));
  BOOST_TEST(get("/source", "Authorization: Bearer x\r\n").status == 403);
  auto other = transfer::ticket_of(secret, "work", std::string(32, 'f'));
  BOOST_TEST(get("/source", "Authorization: Bearer " + other + "\r\n").status == 403);
  BOOST_TEST(get("/chunks/1?attempt=1.1", {}, "PATCH").status == 401);
  BOOST_TEST(get("/result?attempt=1.1", {}, "PUT").status == 401);
  BOOST_TEST(get("/source/a.mkv", bearer()).body == content(source));
}

BOOST_AUTO_TEST_CASE(a_ticket_is_the_same_after_a_restart_and_a_job_that_is_over_has_no_files) {
  open_job();
  auto before = access.ticket;
  open();
  BOOST_TEST(get("/source", bearer()).status == 503);
  open_job();
  BOOST_TEST(access.ticket == before);
  BOOST_TEST(get("/source", bearer()).status == 200);
  uploads->close_job(job, "0"); // for an earlier run of the job: has no effect
  BOOST_TEST(get("/source", bearer()).status == 200);
  uploads->close_job(job, "1");
  BOOST_TEST(get("/source", bearer()).status == 503);
}

BOOST_AUTO_TEST_CASE(parts_of_a_source_are_served_as_they_are_asked_for) {
  open_job();
  auto all = content(source);
  auto part = get("/source", bearer() + "Range: bytes=1000-1999\r\n");
  BOOST_TEST(part.status == 206);
  BOOST_TEST(part.body == all.substr(1000, 1000));
  BOOST_TEST(part.has("Content-Range: bytes 1000-1999/" + std::to_string(all.size())));
  BOOST_TEST(get("/source", bearer() + "Range: bytes=-5\r\n").body == all.substr(all.size() - 5));
  auto behind = get("/source", bearer() + "Range: bytes=99999999999999-\r\n");
  BOOST_TEST(behind.status == 416);
  BOOST_TEST(behind.has("Content-Range: bytes */" + std::to_string(all.size())));
  auto head = get("/source", bearer(), "HEAD");
  BOOST_TEST(head.has("Content-Length: " + std::to_string(all.size())));
  BOOST_TEST(head.has("ETag: \"" + access.identity + "\""));
}

BOOST_AUTO_TEST_CASE(a_source_that_changed_is_not_taken_for_the_one_that_was_asked_for) {
  open_job();
  BOOST_TEST(get("/source", bearer() + "If-Match: \"" + access.identity + "\"\r\n").status == 200);
  write(source, random_bytes(mebibyte));
  BOOST_TEST(get("/source", bearer() + "If-Match: \"" + access.identity + "\"\r\n").status == 412);
  // If the source has changed since (If-Range), the answer is the whole file, not a part.
  auto whole = get("/source", bearer() + "Range: bytes=5-\r\nIf-Range: \"" + access.identity + "\"\r\n");
  BOOST_TEST(whole.status == 200);
  BOOST_TEST(whole.body == content(source));
  fs::remove(source);
  BOOST_TEST(get("/source", bearer()).status == 404);
}

BOOST_AUTO_TEST_CASE(an_upload_that_is_cut_again_and_again_arrives_whole) {
  open_job();
  auto bytes = random_bytes(8 * mebibyte + 3);
  write(folder + "/made", bytes);
  auto target = folder + "/work/job/4-x.chunk";
  uploads->begin_chunk(job, "1.7", 4, target);
  cutting_proxy proxy{web->port(), 2 * mebibyte + 100'000};
  uint64_t reported = 0;
  with.report = [&](uint64_t done, uint64_t) { reported = done; };
  auto sent = transfer::upload(folder + "/made", of_job("/chunks/4?attempt=1.7", proxy.port()), with);
  BOOST_REQUIRE_MESSAGE(sent, sent.error().text);
  BOOST_TEST(proxy.cuts() >= 3u);
  BOOST_TEST(reported == bytes.size());
  BOOST_TEST((content(target) == bytes));
  BOOST_TEST(names("/work/job").size() == 1u);
  // A client that did not get the answer may repeat its request.
  BOOST_TEST(transfer::upload(folder + "/made", of_job("/chunks/4?attempt=1.7"), with).has_value());
}

BOOST_AUTO_TEST_CASE(what_a_dead_connection_still_brings_is_not_taken_once_somebody_goes_on) {
  transfer::incoming x{folder + "/made", 100, [](const std::string&, int) { return transfer::answer<void>{}; }};
  std::array<std::byte, 3> bytes{};
  auto first = x.begin(0, 9).value();
  BOOST_TEST(x.append(first, bytes).has_value());
  BOOST_TEST(x.resume().value() == 3u);
  BOOST_TEST((x.append(first, bytes).error().reason == transfer::reason::stale));
  auto second = x.begin(3, 9);
  BOOST_REQUIRE(second.has_value());
  BOOST_TEST(x.append(*second, bytes).has_value());
  BOOST_TEST(x.size().value() == 6u);
}

BOOST_AUTO_TEST_CASE(a_download_that_is_cut_again_and_again_arrives_whole) {
  open_job();
  cutting_proxy proxy{web->port(), mebibyte};
  auto got = transfer::download(of_job("/source", proxy.port()), folder + "/copy", {}, with);
  BOOST_REQUIRE_MESSAGE(got, got.error().text);
  BOOST_TEST(proxy.cuts() >= 2u);
  BOOST_TEST((content(folder + "/copy") == content(source)));
  BOOST_TEST(names("").size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_download_with_a_wrong_checksum_leaves_nothing) {
  open_job();
  auto got = transfer::download(of_job("/source"), folder + "/copy", std::string(64, '0'), with);
  BOOST_REQUIRE(!got);
  BOOST_TEST(got.error().text.find("checksum") != std::string::npos);
  BOOST_TEST(names("").size() == 2u);
}

BOOST_AUTO_TEST_CASE(an_upload_with_a_wrong_checksum_leaves_nothing) {
  open_job();
  uploads->begin_chunk(job, "1.7", 4, folder + "/work/job/4-x.chunk");
  auto part = get("/chunks/4?attempt=1.7",
                  bearer() + "Upload-Offset: 0\r\nUpload-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "PATCH");
  BOOST_TEST(part.status == 204);
  BOOST_TEST(part.has("Upload-Offset: 5"));
  auto lie = get("/chunks/4?attempt=1.7",
                 bearer() + "Upload-Length: 5\r\nUpload-Checksum: sha256 " + std::string(64, 'a') + "\r\n", "PUT");
  BOOST_TEST(lie.status == 422);
  BOOST_TEST(lie.body.find("checksum") != std::string::npos);
  BOOST_TEST(names("/work/job").empty());
}

BOOST_AUTO_TEST_CASE(a_stale_attempt_is_refused_and_leaves_nothing) {
  open_job();
  uploads->begin_chunk(job, "1.7", 4, folder + "/work/job/4-x.chunk");
  auto append = [&](const char* resource) {
    return get(resource, bearer() + "Upload-Offset: 0\r\nUpload-Length: 5\r\nContent-Length: 3\r\n\r\nhel", "PATCH")
      .status;
  };
  BOOST_TEST(append("/chunks/5?attempt=1.7") == 409);
  BOOST_TEST(append("/chunks/4?attempt=1.6") == 409);
  BOOST_TEST(append("/result?attempt=1.7") == 409);
  BOOST_TEST(append("/chunks/4?attempt=1.7") == 204);
  BOOST_TEST(names("/work/job").size() == 1u);
  uploads->end_attempt(job, "1.7");
  BOOST_TEST(names("/work/job").empty());
  BOOST_TEST(append("/chunks/4?attempt=1.7") == 409);
}

BOOST_AUTO_TEST_CASE(a_job_that_is_not_back_at_work_is_no_missing_file) {
  open_job();
  uploads->close_job(job, "1");
  auto upload = bearer() + "Upload-Offset: 0\r\nUpload-Length: 5\r\nContent-Length: 3\r\n\r\nhel";
  BOOST_TEST(get("/source", bearer()).status == 503);
  BOOST_TEST(get("/chunks/4?file=4-x.chunk", bearer()).status == 503);
  BOOST_TEST(get("/chunks/4?attempt=1.7", upload, "PATCH").status == 503);
  // A client that asks while the job is closed gets its answer when the job is open again.
  auto asked =
    std::async(std::launch::async, [this, of = of_job("/source")] { return transfer::ask("HEAD", of, with); });
  open_job();
  BOOST_TEST(asked.get().has_value());
}

BOOST_AUTO_TEST_CASE(an_attempt_that_ends_in_mid_upload_stays_ended) {
  open_job();
  uploads->begin_chunk(job, "1.7", 4, folder + "/work/job/4-x.chunk");
  client c{web->port()};
  c.send("PATCH /api/v1/jobs/" + job + "/chunks/4?attempt=1.7 HTTP/1.1\r\nHost: localhost\r\n" + bearer()
         + "Upload-Offset: 0\r\nUpload-Length: 6\r\nContent-Length: 6\r\n\r\nabc");
  uploads->end_attempt(job, "1.7");
  c.send("def");
  BOOST_TEST(c.read_response().status == 409);
  BOOST_TEST(names("/work/job").empty());
}

BOOST_AUTO_TEST_CASE(more_than_is_allowed_or_announced_is_refused) {
  open_job();
  uploads->begin_chunk(job, "1.7", 4, folder + "/work/job/4-x.chunk");
  auto append = [&](const std::string& fields) {
    return get("/chunks/4?attempt=1.7", bearer() + fields, "PATCH").status;
  };
  BOOST_TEST(append("Upload-Offset: 0\r\nUpload-Length: 99999999999\r\nContent-Length: 3\r\n\r\nhel") == 413);
  BOOST_TEST(append("Upload-Offset: 0\r\nUpload-Length: 2\r\nContent-Length: 3\r\n\r\nhel") == 413);
  BOOST_TEST(append("Upload-Offset: 7\r\nUpload-Length: 9\r\nContent-Length: 2\r\n\r\nhe") == 409);
  BOOST_TEST(append("Upload-Offset: -1\r\nUpload-Length: 9\r\nContent-Length: 2\r\n\r\nhe") == 400);
  BOOST_TEST(append("Content-Length: 2\r\n\r\nhe") == 400);
}

BOOST_AUTO_TEST_CASE(no_name_of_a_chunk_leads_out_of_its_folder) {
  open_job();
  write(folder + "/work/job/4-x.chunk", "hello");
  write(folder + "/work/4-secret.chunk", "secret");
  BOOST_TEST(get("/chunks/4?file=4-x.chunk", bearer()).body == "hello");
  for (auto name : {"../4-secret.chunk", "4-/../../4-secret.chunk", "%2e%2e/4-secret.chunk", "", "5-x.chunk", "marker"})
    BOOST_TEST(get("/chunks/4?file=" + std::string{name}, bearer()).status == 404, name);
  BOOST_TEST(get("/chunks/x?file=4-x.chunk", bearer()).status == 404);
}

BOOST_AUTO_TEST_CASE(a_finished_chunk_is_looked_at_where_it_is) {
  open_job();
  write(folder + "/work/job/4-x.chunk", "hello");
  auto head = transfer::ask("HEAD", of_job("/chunks/4?digest=1&file=4-x.chunk"), with);
  BOOST_REQUIRE_MESSAGE(head, head.error().text);
  BOOST_TEST(head->bytes == 5u);
  BOOST_TEST(head->sha256 == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
}

BOOST_AUTO_TEST_CASE(a_result_takes_its_place_whole) {
  open_job();
  uploads->begin_result(job, "1.9", false);
  BOOST_TEST(content(folder + "/.out.part") == access.marker);
  auto sent = transfer::upload(source, of_job("/result?attempt=1.9"), with);
  BOOST_REQUIRE_MESSAGE(sent, sent.error().text);
  BOOST_TEST((content(folder + "/out.mp4") == content(source)));
  BOOST_TEST(!fs::exists(folder + "/.out.part"));
}

BOOST_AUTO_TEST_CASE(a_link_that_somebody_puts_in_the_place_of_a_result_is_not_followed) {
  open_job();
  uploads->begin_result(job, "1.9", false);
  write(folder + "/other", "another's");
  fs::permissions(folder + "/other", fs::perms::owner_all, fs::perm_options::replace);
  auto part = get("/result?attempt=1.9",
                  bearer() + "Upload-Offset: 0\r\nUpload-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "PATCH");
  BOOST_TEST(part.status == 204);
  fs::remove(folder + "/.out.part");
  fs::create_symlink(folder + "/other", folder + "/.out.part");
  auto done = get("/result?attempt=1.9",
                  bearer() + "Upload-Length: 5\r\nUpload-Checksum: sha256 "
                    + "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n",
                  "PUT");
  BOOST_TEST(done.status == 500);
  BOOST_TEST((fs::status(folder + "/other").permissions() == fs::perms::owner_all));
  BOOST_TEST(content(folder + "/other") == "another's");
  BOOST_TEST(!fs::exists(folder + "/out.mp4"));
  BOOST_TEST(uploads->published(job).empty());
}

BOOST_AUTO_TEST_CASE(a_sweep_removes_nothing_that_has_no_name_of_ours) {
  auto kept = uploads->kept_result("key", "out.mp4");
  BOOST_REQUIRE(kept.has_value());
  write(*kept, "result");
  fs::create_directories(folder + "/work/results/thesis");
  write(folder + "/work/results/thesis/chapter", "1");
  fs::create_directories(folder + "/work/results/empty");
  write(folder + "/work/results/top.txt", "2");
  fs::create_directories(folder + "/work/uploads");
  write(folder + "/work/uploads/notes", "3");
  fs::create_directory_symlink(folder + "/work/results/thesis", folder + "/work/results/" + std::string(32, 'a'));
  uploads->sweep(transfer::upload_registry::clock::now() + std::chrono::hours{25}, [](auto&) { return false; });
  BOOST_TEST(!fs::exists(*kept));
  BOOST_TEST(fs::exists(folder + "/work/results/thesis/chapter"));
  BOOST_TEST(fs::exists(folder + "/work/results/empty"));
  BOOST_TEST(fs::exists(folder + "/work/results/top.txt"));
  BOOST_TEST(fs::exists(folder + "/work/uploads/notes"));
}

BOOST_AUTO_TEST_CASE(a_download_replaces_regular_files_alone_and_only_where_it_may) {
  open_job();
  write(folder + "/there", "old");
  auto get_to = [&](const std::string& name, transfer::existing there) {
    return transfer::download(of_job("/source"), folder + name, {}, with, there);
  };
  BOOST_TEST(!get_to("/there", transfer::existing::keep));
  BOOST_TEST(content(folder + "/there") == "old");
  fs::create_symlink(folder + "/there", folder + "/link");
  for (auto name : {"/link", "/no-folder/x", "/work"}) {
    auto got = get_to(name, transfer::existing::replace);
    BOOST_REQUIRE(!got);
    BOOST_TEST(got.error().lasting);
  }
  BOOST_TEST(content(folder + "/there") == "old");
  BOOST_TEST(get_to("/there", transfer::existing::replace).has_value());
  BOOST_TEST((content(folder + "/there") == content(source)));
}

BOOST_AUTO_TEST_CASE(a_clients_upload_goes_on_after_a_restart_and_goes_when_it_is_dropped) {
  auto bytes = content(source);
  auto create = [&](const std::string& key) {
    transfer::remote at{url("/uploads"), {}};
    at.fields = {
      {"Upload-Length", std::to_string(bytes.size())}, {"Upload-Name", "film.MKV"}, {"Idempotency-Key", key}};
    return transfer::ask("POST", at, with);
  };
  auto made = create("same");
  BOOST_REQUIRE_MESSAGE(made, made.error().text);
  auto id = made->upload_id;
  BOOST_REQUIRE(id.size() == 32u);
  BOOST_TEST(create("same")->upload_id == id);
  BOOST_TEST(!uploads->uploaded(id).has_value());
  {
    client c{web->port()};
    c.send("PATCH /api/v1/uploads/" + id
           + " HTTP/1.1\r\nHost: localhost\r\nUpload-Offset: 0\r\nUpload-Length: " + std::to_string(bytes.size())
           + "\r\nContent-Length: " + std::to_string(bytes.size()) + "\r\n\r\n" + bytes.substr(0, mebibyte));
    auto part = fs::path{folder} / "work" / "uploads" / (id + ".MKV." + std::to_string(bytes.size()) + ".part");
    auto there = [&] { return fs::file_size(part); };
    for (auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
         there() < mebibyte && std::chrono::steady_clock::now() < end;)
      std::this_thread::yield();
    BOOST_TEST(there() == mebibyte);
  }
  open();
  uint64_t first = 0;
  with.report = [&](uint64_t done, uint64_t) { first = first == 0 ? done : first; };
  auto sent = transfer::upload(source, {url("/uploads/" + id), {}}, with);
  BOOST_REQUIRE_MESSAGE(sent, sent.error().text);
  BOOST_TEST(first > mebibyte);
  auto path = uploads->uploaded(id);
  BOOST_REQUIRE(path.has_value());
  BOOST_TEST(path->ends_with(".MKV"));
  BOOST_TEST((content(*path) == bytes));
  open();
  BOOST_TEST(transfer::upload(source, {url("/uploads/" + id), {}}, with).has_value());
  BOOST_TEST(transfer::ask("DELETE", {url("/uploads/" + id), {}}, with).has_value());
  BOOST_TEST(names("/work/uploads").empty());
  auto gone = transfer::upload(source, {url("/uploads/" + id), {}}, with);
  BOOST_REQUIRE(!gone);
  BOOST_TEST(gone.error().status == 404u);
}

BOOST_AUTO_TEST_CASE(clients_files_are_limited_in_number_and_size_and_expire) {
  for (auto key : {"a", "b", "c"})
    BOOST_TEST(uploads->create_upload(key, 5, "x", key).has_value());
  BOOST_TEST((uploads->create_upload("d", 5, "x").error().reason == transfer::reason::busy));
  BOOST_TEST((uploads->create_upload("e", bytes_max + 1, "x").error().reason == transfer::reason::too_large));
  auto kept = uploads->kept_result("key", "out.mp4");
  BOOST_REQUIRE(kept.has_value());
  write(*kept, "result");
  BOOST_TEST(!uploads->kept_result("key", "../out.mp4").has_value());
  BOOST_TEST(!uploads->kept_result("key", ".hidden").has_value());
  auto now = transfer::upload_registry::clock::now();
  uploads->sweep(now, [](auto&) { return false; });
  BOOST_TEST(names("/work/uploads").size() == 3u);
  auto later = now + std::chrono::hours{25};
  uploads->sweep(later, [](auto&) { return true; });
  BOOST_TEST(names("/work/uploads").size() == 3u);
  uploads->sweep(later, [](auto&) { return false; });
  BOOST_TEST(names("/work/uploads").empty());
  BOOST_TEST(!fs::exists(*kept));
}

BOOST_AUTO_TEST_CASE(what_open_uploads_have_announced_counts_against_the_disk_at_once) {
  uint64_t asked = 0;
  with_shortage = [&](const std::string&, uint64_t bytes) {
    asked = bytes;
    return bytes > 1000 ? std::string{"no room"} : std::string{};
  };
  open();
  auto first = uploads->create_upload("a", 600, "x");
  BOOST_REQUIRE(first.has_value());
  BOOST_TEST((uploads->create_upload("b", 600, "x").error().reason == transfer::reason::full));
  BOOST_TEST(asked == 1200u);
  auto refused = said("POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\nUpload-Length: 600\r\n\r\n");
  BOOST_TEST(refused.status == 507);
  open();
  BOOST_TEST((uploads->create_upload("b", 600, "x").error().reason == transfer::reason::full));
  // Bytes that have arrived are no longer reserved, and an upload takes no more than was announced.
  auto file = uploads->upload(*first);
  BOOST_REQUIRE(file.has_value());
  BOOST_TEST(((*file)->begin(0, 601).error().reason == transfer::reason::too_large));
  std::array<std::byte, 250> bytes{};
  BOOST_TEST((*file)->append((*file)->begin(0, 600).value(), bytes).has_value());
  BOOST_TEST(uploads->create_upload("b", 600, "x").has_value());
  BOOST_TEST(asked == 950u);
}

BOOST_AUTO_TEST_CASE(uploads_that_bring_nothing_lock_nobody_out) {
  for (auto key : {"a", "b"})
    BOOST_TEST(uploads->create_upload(key, 5, "x", "one").has_value());
  BOOST_TEST((uploads->create_upload("c", 5, "x", "one").error().reason == transfer::reason::busy));
  BOOST_TEST(uploads->create_upload("d", 5, "x", "two").has_value());
  BOOST_TEST((uploads->create_upload("e", 5, "x", "three").error().reason == transfer::reason::busy));
  auto minutes_ago = fs::file_time_type::clock::now() - std::chrono::minutes{5};
  for (auto& name : names("/work/uploads"))
    fs::last_write_time(folder + "/work/uploads/" + name, minutes_ago);
  BOOST_TEST(uploads->create_upload("e", 5, "x", "three").has_value());
  BOOST_TEST(names("/work/uploads").size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_transfer_that_is_told_to_stop_stops) {
  open_job();
  auto nobody = transfer::remote{"http://127.0.0.1:9/x", {}};
  with.tries_max = 1000;
  with.first_pause = with.longest_pause = std::chrono::hours{1};
  std::thread other{[this] { stop = true; }};
  auto got = transfer::download(nobody, folder + "/copy", {}, with);
  other.join();
  BOOST_REQUIRE(!got);
  BOOST_TEST(got.error().stopped);
}

BOOST_AUTO_TEST_CASE(a_coordinator_that_does_not_answer_is_given_up_in_time) {
  with.tries_max = 3;
  auto got = transfer::ask("HEAD", {"http://127.0.0.1:9/x", {}}, with);
  BOOST_REQUIRE(!got);
  BOOST_TEST(!got.error().lasting);
}

BOOST_AUTO_TEST_CASE(an_upload_that_trickles_in_ends_and_goes_on_where_it_was) {
  upload_window = std::chrono::milliseconds{50};
  open();
  auto made =
    said("POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\nUpload-Length: 1000000\r\nUpload-Name: a.mp4\r\n\r\n");
  BOOST_REQUIRE(made.status == 201);
  auto at = made.head.find("Upload-Id: ") + 11;
  auto path = "/api/v1/uploads/" + made.head.substr(at, made.head.find("\r\n", at) - at);
  client slow{web->port()};
  slow.send(
    "PATCH " + path
    + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\nUpload-Offset: 0\r\nUpload-Length: 1000000\r\n\r\n");
  // Sends a byte at a time, each after the server has read the last one, until the server answers.
  size_t sent = 0;
  while (slow.send("x") && ++sent < 1'000'000) {
    if (slow.waits(std::chrono::milliseconds{2}))
      break;
  }
  BOOST_TEST(slow.read_response().status == 408);
  auto kept = said("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  BOOST_TEST(kept.has("Upload-Offset: "));
  BOOST_TEST(!kept.has("Upload-Offset: 0\r\n"));
}

BOOST_AUTO_TEST_CASE(a_refusal_is_told_in_the_other_sides_words) {
  auto told = [](const std::string& body) {
    transfer::answer_head head;
    head.status = 409;
    head.body = body;
    transfer::remote at;
    at.url = "http://host/x";
    return transfer::refused(head, at).text;
  };
  const std::string before = "http://host/x answers 409: ";
  BOOST_TEST(told(R"({"code":"gone","detail":"\"a\",\"b\" are gone: caf\u00e9"})")
             == before + "\"a\",\"b\" are gone: caf\xc3\xa9");
  BOOST_TEST(told("<html>\n\x1b[2J\xff") == before + "<html>  [2J?");
}

BOOST_AUTO_TEST_SUITE_END()

// A server with keys that serves HTTPS, too, with certificates that the test makes.
#pragma once

#include "keyed_server.hpp"
#include "tls_client.hpp"
#include "transfer/upload_registry.hpp"
#include "trust/server_certificate.hpp"

#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>

namespace troupe::http {

inline std::string random_bytes(size_t n) {
  std::mt19937_64 random{n};
  std::string result(n, '\0');
  for (auto& c : result)
    c = static_cast<char>(random());
  return result;
}

/// An authority, and a certificate for "localhost" of it.
struct test_chain {
  test_chain() {
    constexpr int64_t day_s = 24 * 3600;
    auto now = static_cast<int64_t>(std::time(nullptr));
    auto root = trust::make_authority("A test", now, 10 * day_s);
    BOOST_REQUIRE_MESSAGE(root.has_value(), root.error());
    auto leaf = trust::issue(*root, std::vector<std::string>{"localhost", "127.0.0.1"}, now, day_s);
    BOOST_REQUIRE_MESSAGE(leaf.has_value(), leaf.error());
    authority = root->text().chain;
    server = leaf->whole();
  }

  /// The file appears whole.
  static void put(const std::string& file, const std::string& text) {
    std::ofstream{file + ".new"} << text;
    std::filesystem::rename(file + ".new", file);
  }

  static std::shared_ptr<trust::server_certificate> open(const std::string& file) {
    auto opened = trust::server_certificate::open({.certificate = file});
    BOOST_REQUIRE_MESSAGE(opened.has_value(), opened.error());
    return std::move(*opened);
  }

  std::string authority;
  std::string server;
};

struct https_server : keyed_server {
  https_server() {
    config.tls.listen.port = 0;
    config.certificate_interval = std::chrono::milliseconds{10};
    put(first_chain.server);
  }

  ~https_server() {
    if (web)
      web->stop();
  }

  void put(const std::string& text) const {
    test_chain::put(file, text);
  }

  void begin() {
    config.certificate = test_chain::open(file);
    start();
  }

  uint16_t port() const {
    return web->https_port();
  }

  /// A client that has greeted the server.
  std::unique_ptr<tls_client> guest_of(const std::string& authority) {
    auto result = std::make_unique<tls_client>(port(), authority);
    return result->greet() ? std::move(result) : nullptr;
  }

  std::unique_ptr<tls_client> guest() {
    auto result = guest_of(first_chain.authority);
    BOOST_REQUIRE(result);
    return result;
  }

  /// Waits for a state that some other thread brings about.
  template <class Condition>
  static bool reached(Condition condition) {
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline)
        return false;
      std::this_thread::yield();
    }
    return true;
  }

  /// Writes to the channel, which runs.
  void push(const std::string& all) {
    constexpr size_t piece = 100'000;
    for (size_t at = 0; at < all.size(); at += piece) {
      shared_bytes::container bytes(std::min(piece, all.size() - at));
      std::memcpy(bytes.data(), all.data() + at, bytes.size());
      cluster->stream->push({shared_bytes{std::move(bytes)}, at == 0, static_cast<int64_t>(at / 100)});
    }
  }

  /// Makes a job whose source can be read, and whose chunk 4 attempt 1.7 may write. Returns its ticket.
  std::string open_job(const std::string& source) {
    auto at = [this](const char* name) { return folder.path() + name; };
    std::filesystem::create_directories(at("/work/job"));
    std::ofstream{at("/source.mkv"), std::ios::binary} << source;
    transfer::upload_registry_config with;
    with.secret = "a secret of tests";
    with.work_folder = at("/work");
    with.bytes_max = 16 * 1024 * 1024;
    with.shortage = [](const std::string&, uint64_t) { return std::string{}; };
    config.files = std::make_shared<transfer::upload_registry>(with);
    auto access =
      config.files->open_job({job, "1", at("/source.mkv"), at("/work/job"), at("/.out.part"), at("/out.mp4")});
    config.files->begin_chunk(job, "1.7", 4, chunk_file());
    return access.ticket;
  }

  std::string chunk_file() const {
    return folder.path() + "/work/job/4-x.chunk";
  }

  const std::string job = "0123456789abcdef0123456789abcdef";
  test_chain first_chain;
  std::string file = folder.path() + "/https.pem";
};

} // namespace troupe::http

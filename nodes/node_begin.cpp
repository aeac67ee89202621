#include "nodes/node_begin.hpp"

#include "actors/cluster/task_host.hpp"
#include "base/random_id.hpp"
#include "core/back_off.hpp"
#include "nodes/node_keys.hpp"
#include "telemetry/log.hpp"
#include "trust/node_files.hpp"
#include "trust/server_certificate.hpp"

#include <systemd/sd-daemon.h>

#include <sys/stat.h>

#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <utility>

namespace troupe::nodes {

namespace {

namespace log = telemetry::log;

using std::chrono::milliseconds;

/// How long a coordinator waits for the server of its store: shorter than a service manager's start timeout.
constexpr auto store_wait = std::chrono::seconds{60};
constexpr milliseconds store_pause_least{250};
constexpr milliseconds store_pause_most{5'000};

std::string mode_of(mode_t x) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(x & 07777));
  return text;
}

} // namespace

sigset_t ending_signals() {
  sigset_t result;
  sigemptyset(&result);
  sigaddset(&result, SIGINT);
  sigaddset(&result, SIGTERM);
  return result;
}

bool ends_within(milliseconds x) {
  auto signals = ending_signals();
  timespec time{};
  time.tv_sec = x.count() / 1000;
  time.tv_nsec = x.count() % 1000 * 1'000'000;
  return ::sigtimedwait(&signals, nullptr, &time) > 0;
}

bool check_private(const config::configuration& x) {
  auto is_private = [](const std::string& path) {
    struct stat found {};
    if (path.empty() || ::stat(path.c_str(), &found) != 0)
      return true;
    auto what_to_do = std::string{S_ISDIR(found.st_mode) ? "chmod 700 " : "chmod 600 "} + path;
    // Volumes of containers often have their own group, so a folder that its group may change causes only a warning.
    auto refused = S_ISDIR(found.st_mode) ? S_IWOTH : S_IWOTH | S_IWGRP;
    if ((found.st_mode & refused) != 0) {
      auto who = (found.st_mode & S_IWOTH) != 0 ? " may be changed by everybody" : " may be changed by its group";
      log::error("the node does not start",
                 {{"reason", path + who + " (mode " + mode_of(found.st_mode) + "): " + what_to_do}});
      return false;
    }
    if ((found.st_mode & (S_IROTH | S_IWGRP)) != 0)
      log::warning("others may read or change what should be private",
                   {{"path", path}, {"mode", mode_of(found.st_mode)}, {"what_to_do", what_to_do}});
    return true;
  };
  auto good = is_private(x.node.state_dir);
  for (auto name : {"transfer.key", first_key_file, session_key_file, trust::node_file, trust::node_secret_file,
                    trust::server_file})
    good = good && is_private(x.node.state_dir + "/" + name);
  good = good && is_private(x.cluster.authority_key_file);
  if (x.cluster.token.empty())
    good = good && is_private(x.cluster.token_file);
  auto& https = x.http.tls;
  if (https.enabled)
    good = good && is_private(https.key.empty() ? https.certificate : https.key);
  return good && is_private(x.cluster.tls.key);
}

bool await_token(const config::configuration& x) {
  auto& file = x.cluster.token_file;
  std::error_code failed;
  auto is_missing = [&] { return !std::filesystem::exists(file, failed) && !failed; };
  if (x.role != config::role::worker || !x.cluster.token.empty() || !is_missing())
    return true;
  log::warning("the worker waits for the cluster token, which the coordinator makes at its first start",
               {{"file", file}, {"what_to_do", "if it is kept elsewhere, set cluster.token_file"}});
  // Like a worker that waits for its coordinator, the service counts as started.
  ::sd_notify(0, "READY=1");
  core::back_off pause{x.cluster.reconnect_delay, x.cluster.reconnect_max_delay, base::random_id()};
  while (is_missing())
    if (ends_within(pause.next())) {
      log::info("the node stops before it has a token");
      return false;
    }
  return true;
}

tl::expected<store::store_claim, std::string> claim_store(const config::configuration& x,
                                                          std::function<void(const std::string&)> lost) {
  core::back_off pause{store_pause_least, store_pause_most, base::random_id()};
  auto deadline = std::chrono::steady_clock::now() + store_wait;
  for (auto said = false;; said = true) {
    auto claim = store::store_claim::take({x.jobs.store}, lost);
    if (claim)
      return std::move(*claim);
    auto& why = claim.error();
    if (why.kind != store::error_kind::connection_lost || std::chrono::steady_clock::now() >= deadline)
      return tl::unexpected{std::move(why.text)};
    if (!said)
      log::warning("the coordinator waits for the store of its jobs",
                   {{"reason", why.text}, {"at_most_ms", store_wait}});
    if (ends_within(pause.next()))
      return tl::unexpected{std::string{"a signal came while it waited for the store of its jobs"}};
  }
}

bool write_port(const std::string& file, uint16_t port) {
  if (file.empty())
    return true;
  auto temporary = file + ".new";
  {
    std::ofstream out{temporary};
    out << port << '\n';
    if (!out)
      return false;
  }
  return ::rename(temporary.c_str(), file.c_str()) == 0;
}

} // namespace troupe::nodes

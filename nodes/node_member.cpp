#include "nodes/node_member.hpp"

#include "base/random_id.hpp"
#include "nodes/node_begin.hpp"
#include "telemetry/log.hpp"
#include "trust/node_certificate.hpp"
#include "trust/private_file.hpp"

#include <systemd/sd-daemon.h>

#include <chrono>
#include <ctime>
#include <utility>

namespace troupe::nodes {

namespace {

namespace log = telemetry::log;
using std::chrono::milliseconds;

constexpr milliseconds look_interval{1'000};
constexpr milliseconds pause_least{1'000};
constexpr milliseconds pause_most{300'000};

/// True if a worker must show a certificate of the cluster's authority, whatever is in its state folder.
bool must_be_member(const config::cluster_options& x) {
  return !x.join.empty() || (!x.coordinator.is_loopback() && !x.insecure);
}

} // namespace

membership::membership(const config::configuration& x)
  : config_(x.cluster),
    name_(x.node.name),
    secret_path_(x.node.state_dir + "/" + trust::node_secret_file),
    files_(x.node.state_dir),
    pause_(pause_least, pause_most, base::random_id()) {
  if (auto read = core::read_join_text(x.cluster.join))
    token_ = std::move(*read);
}

membership::~membership() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

tl::expected<std::unique_ptr<membership>, std::string> membership::open(const config::configuration& x) {
  if (x.role != config::role::worker || x.cluster.tls.enabled())
    return nullptr;
  std::unique_ptr<membership> result{new membership(x)};
  auto is_member = result->read_files(std::time(nullptr));
  if (!is_member && !must_be_member(x.cluster))
    return nullptr;
  if (!is_member && !result->token_)
    return tl::unexpected(std::string{
      "this machine has no valid certificate of the cluster for its name: make a token with 'caf-ctl join-token create' "
      "and set cluster.join; or accept connections without TLS with cluster.insecure: true"});
  core::back_off pause{x.cluster.reconnect_delay, x.cluster.reconnect_max_delay, base::random_id()};
  for (auto said = false; !is_member;) {
    auto joined = result->join_now();
    if (joined)
      break;
    if (!joined.error().passing)
      return tl::unexpected(std::move(joined.error().text));
    if (!std::exchange(said, true)) {
      log::warning("the worker waits for the coordinator, to join its cluster", {{"reason", joined.error().text}});
      // Like a worker that waits for its coordinator, the service counts as started.
      ::sd_notify(0, "READY=1");
    }
    if (ends_within(pause.next()))
      return tl::unexpected(std::string{"a signal came before it had joined the cluster"});
  }
  result->secret_ = trust::read_file(result->secret_path_).value_or(std::string{});
  result->thread_ = std::thread{[me = result.get()] { me->run(); }};
  return result;
}

bool membership::read_files(int64_t now_s) {
  own_ = files_.read();
  authority_ = files_.authority();
  if (!own_ || !authority_ || !trust::read_file(secret_path_) || now_s >= own_->ends_s())
    return false;
  auto is = trust::identity_of(*own_);
  if (is.role != core::to_string(core::node_role::worker) || is.name != name_
      || (token_ && !core::is_for(*token_, authority_->public_key_sha256())))
    return false;
  next_s_ = core::renewal_s(own_->life(), base::random_id());
  return true;
}

join_result<void> membership::join_now() {
  auto joined = join(config_.join_at, *token_, name_);
  if (!joined)
    return tl::unexpected(std::move(joined.error()));
  if (auto written = trust::write_file(secret_path_, joined->secret, trust::private_mode); !written)
    return tl::unexpected(join_failure{std::move(written.error()), false});
  auto taken = take(std::move(joined->certificate), joined->authority);
  if (taken)
    log::info("the node has joined the cluster", {{"node", name_}, {"ends_at_s", own_->ends_s()}});
  return taken;
}

join_result<void> membership::renew_now(int64_t now_s) {
  if (now_s >= own_->ends_s() && token_)
    return join_now();
  auto fresh = renew(config_.join_at, *own_, *authority_);
  if (!fresh)
    return tl::unexpected(std::move(fresh.error()));
  auto taken = take(std::move(*fresh), authority_->text().chain);
  if (taken)
    log::info("the node's certificate was renewed", {{"ends_at_s", own_->ends_s()}});
  return taken;
}

join_result<void> membership::take(trust::certificate fresh, const std::string& authority) {
  auto by = trust::certificate::read_public(authority);
  auto written = by ? files_.write(fresh, authority) : tl::unexpected(std::move(by.error()));
  if (!written)
    return tl::unexpected(join_failure{std::move(written.error()), true});
  authority_ = std::move(*by);
  own_ = std::move(fresh);
  next_s_ = core::renewal_s(own_->life(), base::random_id());
  pause_.reset();
  return {};
}

void membership::look_after(int64_t now_s) {
  if (auto mended = files_.mend(); !mended)
    log::warning("the node's certificate cannot be written again", {{"reason", mended.error()}});
  else if (*mended)
    log::warning("the node's certificate was changed or removed, and is written again",
                 {{"file", files_.certificate_path()}});
  if (now_s < next_s_)
    return;
  if (auto renewed = renew_now(now_s); !renewed) {
    next_s_ = now_s + std::chrono::ceil<std::chrono::seconds>(pause_.next()).count();
    log::warning("the node's certificate cannot be renewed now",
                 {{"reason", renewed.error().text}, {"ends_at_s", own_->ends_s()}, {"again_at_s", next_s_}});
  }
}

void membership::run() {
  std::unique_lock guard{mutex_};
  while (!changed_.wait_for(guard, look_interval, [this] { return stopping_; })) {
    guard.unlock();
    look_after(std::time(nullptr));
    guard.lock();
  }
}

} // namespace troupe::nodes

// A worker's membership of the cluster: it joins by a token if it must, keeps its certificate and key in the state
// folder, mends these files, and renews them by itself.
#pragma once

#include "config/config.hpp"
#include "core/back_off.hpp"
#include "core/trust/join_token.hpp"
#include "nodes/node_join.hpp"
#include "trust/certificate.hpp"
#include "trust/node_files.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <tl/expected.hpp>

namespace troupe::nodes {

class membership {
public:
  /// Null if the node needs no certificate of the cluster's authority. Waits for a coordinator that does not answer, as
  /// workers do; the error says why the node cannot become a member, or that a signal came.
  static tl::expected<std::unique_ptr<membership>, std::string> open(const config::configuration& x);

  /// By which the node proves itself at the cluster port.
  const std::string& secret() const noexcept {
    return secret_;
  }

  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;
  ~membership();

private:
  explicit membership(const config::configuration& x);

  /// True if the files hold a certificate of this worker that is valid, and of the token's cluster.
  bool read_files(int64_t now_s);
  join_result<void> join_now();
  join_result<void> renew_now(int64_t now_s);
  join_result<void> take(trust::certificate fresh, const std::string& authority);
  /// Mends the files, and renews the certificate if it is time.
  void look_after(int64_t now_s);
  void run();

  const config::cluster_options config_;
  const std::string name_;
  const std::string secret_path_;
  std::string secret_;
  std::optional<core::join_text> token_;
  trust::node_files files_;
  std::optional<trust::certificate> authority_;
  std::optional<trust::certificate> own_;
  int64_t next_s_ = 0; ///< when the certificate is renewed, or when that is tried again
  core::back_off pause_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false; ///< guarded by `mutex_`
  std::thread thread_;
};

} // namespace troupe::nodes

// The cluster's own authority at work: it admits nodes by join tokens, renews their certificates, and revokes them.
//
// It is made at the coordinator's first start. Its key is in the store, encrypted by a password that is not there.
// Every check is answered from memory; a change is written by a thread of its own, and is answered when it is durable.
// The same thread keeps the files by which the coordinator proves itself at the cluster port, with the list of revoked
// certificates.
#pragma once

#include "core/trust/access.hpp"
#include "core/trust/join_table.hpp"
#include "core/trust/membership.hpp"
#include "store/authority_store.hpp"
#include "trust/certificate.hpp"
#include "trust/node_certificate.hpp"
#include "trust/node_files.hpp"
#include "trust/refusal.hpp"
#include "trust/work_thread.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::trust {

struct cluster_authority_config {
  std::string password;                                    ///< encrypts the authority's key
  std::string folder;                                      ///< for the coordinator's files; private
  std::string node;                                        ///< the coordinator's name
  std::chrono::seconds life = std::chrono::hours{30 * 24}; ///< of a node's certificate
  std::chrono::milliseconds interval{2'000};               ///< how often the coordinator's files are looked after
  std::function<int64_t()> now_ms = {};                    ///< Unix time; empty: the system's clock
  std::function<void(const std::string&)> warn = {};       ///< takes what went wrong meanwhile; called on the thread
};

/// In the folder: the authority's certificate for clients of HTTPS, which then trust the server.
inline constexpr const char* public_authority_file = "cluster-ca.crt";

/// What a client wants of a new join token.
struct token_order {
  std::string role;
  int64_t life_ms = 0;
  int64_t uses = 1;
};

/// The text exists only here: it is shown once.
struct made_token {
  core::join_token token;
  std::string text;
};

struct join_order {
  std::string token; ///< the id of a token whose secret was shown
  std::string node;  ///< the node's name
  std::string request;
};

struct renewal_order {
  std::string certificate; ///< the present one, PEM
  std::string request;
  std::string signature; ///< of the request, by the present certificate's key; hexadecimal digits
};

class cluster_authority {
public:
  /// Makes the authority, if the store has none. The error says what cannot be read or written.
  static tl::expected<std::shared_ptr<cluster_authority>, std::string> open(store::authority_store from,
                                                                            cluster_authority_config config);

  cluster_authority(const cluster_authority&) = delete;
  cluster_authority& operator=(const cluster_authority&) = delete;

  /// The authority's certificate and key.
  const std::shared_ptr<const certificate>& own() const noexcept {
    return own_;
  }

  // -- checks: any thread -------------------------------------------------------

  /// Whether the text is a join token that admits a node. `who.key` is then its id.
  core::proof check(std::string_view token) const;

  std::vector<core::join_token> tokens() const;

  /// Certificates of nodes that have not ended.
  std::vector<core::node_certificate> nodes() const;

  /// Unix time in milliseconds.
  int64_t now_ms() const {
    return config_.now_ms();
  }

  /// Whether a node of that name has a certificate that counts.
  bool has(const std::string& node) const;

  /// Is told the name of a node that was revoked, on the thread. Replaces the former listener.
  void on_revocation(std::function<void(const std::string&)> listener);

  // -- changes: answered once, on the thread or at once -------------------------

  void make_token(token_order x, const core::caller& by, std::function<void(answer<made_token>)> done);

  void revoke_token(const std::string& id, std::function<void(answer<void>)> done);

  void join(join_order x, std::function<void(answer<signed_certificate>)> done);

  void renew(renewal_order x, std::function<void(answer<signed_certificate>)> done);

  /// Revokes all certificates of a node. Answers how many there were.
  void revoke_node(const std::string& node, std::function<void(answer<size_t>)> done);

private:
  cluster_authority(store::authority_store to, cluster_authority_config config, certificate own,
                    core::join_table tokens, core::member_table members);

  /// Begins the files and the thread.
  tl::expected<void, std::string> begin();
  template <class T, class Work>
  void order(std::function<void(answer<T>)> done, Work work);
  answer<made_token> make_token_now(const token_order& x, const std::string& by);
  answer<void> revoke_token_now(const std::string& id);
  answer<signed_certificate> join_now(const join_order& x);
  answer<signed_certificate> renew_now(const renewal_order& x);
  answer<size_t> revoke_node_now(const std::string& node);
  /// Signs a request of a worker, unless there are too many certificates.
  answer<signed_certificate> sign(const std::string& request, const std::string& node) const;
  /// Renews the coordinator's certificate and the list of revoked ones, if it is time; mends the files.
  tl::expected<void, std::string> keep_files();
  tl::expected<void, std::string> write_files();
  void forget();
  void round();

  store::authority_store store_; ///< used by the thread alone, as are the files
  cluster_authority_config config_;
  std::shared_ptr<const certificate> own_;
  std::string digest_; ///< of the authority's public key
  node_files files_;
  std::optional<certificate> node_; ///< the coordinator's
  int64_t renewed_s_ = 0;           ///< when `node_` is renewed
  int64_t signed_s_ = 0;            ///< when the list of revoked certificates was signed; 0: it must be
  int64_t forgotten_s_ = 0;         ///< when what has ended was last dropped
  mutable std::mutex mutex_;        ///< guards what follows
  core::join_table tokens_;
  core::member_table members_;
  std::function<void(const std::string&)> listener_;
  std::optional<work_thread> thread_; ///< ends first
};

} // namespace troupe::trust

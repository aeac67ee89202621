#include "trust/cluster_authority.hpp"

#include "base/random_id.hpp"
#include "base/secret.hpp"
#include "core/trust/join_token.hpp"
#include "trust/private_file.hpp"

#include <utility>

namespace troupe::trust {

namespace {

using done = tl::expected<void, std::string>;

constexpr int64_t ms_per_s = 1000;
constexpr int64_t day_s = 24 * 3600;
constexpr int64_t authority_life_s = 10 * 365 * day_s;
constexpr int64_t revocations_life_s = 7 * day_s;
constexpr int64_t revocations_age_max_s = day_s;
constexpr int64_t forget_interval_s = 3600;

core::join_token from_record(store::join_token_record x) {
  return {std::move(x.id), std::move(x.sha256), std::move(x.role), std::move(x.made_by),
          x.created_ms,    x.expires_ms,        x.uses_max,        x.uses,
          x.revoked_ms};
}

store::join_token_record to_record(const core::join_token& x) {
  return {x.id, x.sha256, x.role, x.made_by, x.created_ms, x.expires_ms, x.uses_max, x.uses, x.revoked_ms};
}

core::node_certificate from_record(store::node_certificate_record x) {
  return {std::move(x.serial), std::move(x.node), std::move(x.role), std::move(x.token),
          x.begins_ms,         x.ends_ms,         x.revoked_ms};
}

store::node_certificate_record record_of(const node_identity& x, const std::string& token) {
  return {x.serial, x.name, x.role, token, x.life.begins_s * ms_per_s, x.life.ends_s * ms_per_s, 0};
}

tl::unexpected<refusal> refused(const store::error& x) {
  return refused(refusal::reason::failed, "the cluster's nodes cannot be written now: " + x.text);
}

tl::expected<certificate, std::string> open_own(store::authority_store& from, const cluster_authority_config& config) {
  auto stored = from.authority();
  if (!stored)
    return tl::unexpected(std::move(stored.error().text));
  if (*stored) {
    auto opened = certificate::unseal((*stored)->certificate, (*stored)->sealed_key, config.password);
    if (!opened)
      return tl::unexpected("the key of the cluster's authority cannot be opened with the secret in "
                            "cluster.authority_key_file; restore that file from a backup ("
                            + opened.error() + ")");
    return opened;
  }
  auto made = make_authority("Troupe cluster " + base::random_digits(4), config.now_ms() / ms_per_s, authority_life_s);
  if (!made)
    return made;
  if (auto kept = from.add(store::authority_record{made->text().chain, made->sealed_key(config.password)}); !kept)
    return tl::unexpected(std::move(kept.error().text));
  return made;
}

} // namespace

tl::expected<std::shared_ptr<cluster_authority>, std::string> cluster_authority::open(store::authority_store from,
                                                                                      cluster_authority_config config) {
  if (!config.now_ms)
    config.now_ms = [] {
      auto now = std::chrono::system_clock::now().time_since_epoch();
      return int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
    };
  auto own = open_own(from, config);
  if (!own)
    return tl::unexpected(std::move(own.error()));
  auto tokens = from.tokens();
  auto certificates = from.certificates();
  if (!tokens || !certificates)
    return tl::unexpected(std::move(tokens ? certificates.error().text : tokens.error().text));
  core::join_table known;
  for (auto& x : *tokens)
    known.add(from_record(std::move(x)));
  core::member_table members;
  for (auto& x : *certificates)
    members.add(from_record(std::move(x)));
  std::shared_ptr<cluster_authority> result{
    new cluster_authority(std::move(from), std::move(config), std::move(*own), std::move(known), std::move(members))};
  if (auto begun = result->begin(); !begun)
    return tl::unexpected(std::move(begun.error()));
  return result;
}

cluster_authority::cluster_authority(store::authority_store to, cluster_authority_config config, certificate own,
                                     core::join_table tokens, core::member_table members)
  : store_{std::move(to)},
    config_{std::move(config)},
    own_{std::make_shared<const certificate>(std::move(own))},
    digest_{own_->public_key_sha256()},
    files_{config_.folder},
    tokens_{std::move(tokens)},
    members_{std::move(members)} {}

done cluster_authority::begin() {
  auto path = config_.folder + "/" + public_authority_file;
  auto& chain = own_->text().chain;
  if (read_file(path) != chain)
    if (auto written = write_file(path, chain, public_mode); !written)
      return written;
  if (auto kept = keep_files(); !kept)
    return kept;
  thread_.emplace(config_.interval, [this] { round(); });
  return {};
}

core::proof cluster_authority::check(std::string_view token) const {
  auto read = core::read_join_text(token);
  if (!read || !core::is_for(*read, digest_))
    return {core::proof::kind::wrong, {}};
  auto hash = base::sha256_of(read->secret);
  std::lock_guard guard{mutex_};
  core::proof result{tokens_.check(read->id, hash, now_ms()), {}};
  result.who.key = std::move(read->id);
  return result;
}

std::vector<core::join_token> cluster_authority::tokens() const {
  std::lock_guard guard{mutex_};
  return tokens_.all();
}

std::vector<core::node_certificate> cluster_authority::nodes() const {
  std::lock_guard guard{mutex_};
  return members_.all();
}

bool cluster_authority::has(const std::string& node) const {
  std::lock_guard guard{mutex_};
  return !members_.serials_of(node, now_ms()).empty();
}

void cluster_authority::on_revocation(std::function<void(const std::string&)> listener) {
  std::lock_guard guard{mutex_};
  listener_ = std::move(listener);
}

template <class T, class Work>
void cluster_authority::order(std::function<void(answer<T>)> done, Work work) {
  if (!thread_->add([done, work = std::move(work)] { done(work()); }))
    done(refused(refusal::reason::busy, "too many changes of the cluster's nodes wait; try again"));
}

void cluster_authority::make_token(token_order x, const core::caller& by,
                                   std::function<void(answer<made_token>)> done) {
  order<made_token>(std::move(done), [this, x = std::move(x), by = by.key] { return make_token_now(x, by); });
}

void cluster_authority::revoke_token(const std::string& id, std::function<void(answer<void>)> done) {
  order<void>(std::move(done), [this, id] { return revoke_token_now(id); });
}

void cluster_authority::join(join_order x, std::function<void(answer<signed_certificate>)> done) {
  order<signed_certificate>(std::move(done), [this, x = std::move(x)] { return join_now(x); });
}

void cluster_authority::renew(renewal_order x, std::function<void(answer<signed_certificate>)> done) {
  order<signed_certificate>(std::move(done), [this, x = std::move(x)] { return renew_now(x); });
}

void cluster_authority::revoke_node(const std::string& node, std::function<void(answer<size_t>)> done) {
  order<size_t>(std::move(done), [this, node] { return revoke_node_now(node); });
}

answer<made_token> cluster_authority::make_token_now(const token_order& x, const std::string& by) {
  made_token result;
  auto now = now_ms();
  {
    std::lock_guard guard{mutex_};
    core::join_text text;
    do
      text = core::join_text_of(digest_, base::random_digits(core::join_random_bytes));
    while (tokens_.find(text.id) != nullptr);
    result.text = core::to_string(text);
    result.token = {text.id, base::sha256_of(text.secret), x.role, by, now, now + x.life_ms, x.uses, 0, 0};
    if (auto fault = tokens_.fault_of(result.token, now); !fault.empty())
      return refused(refusal::reason::malformed, std::move(fault));
  }
  if (auto stored = store_.add(to_record(result.token)); !stored)
    return refused(stored.error());
  std::lock_guard guard{mutex_};
  tokens_.add(result.token);
  return result;
}

answer<void> cluster_authority::revoke_token_now(const std::string& id) {
  {
    std::lock_guard guard{mutex_};
    auto* found = tokens_.find(id);
    if (found == nullptr)
      return refused(refusal::reason::unknown, "there is no such join token; see /api/v1/join-tokens");
    if (found->revoked_ms != 0)
      return {};
  }
  auto at = now_ms();
  if (auto stored = store_.revoke_token(id, at); !stored)
    return refused(stored.error());
  std::lock_guard guard{mutex_};
  tokens_.revoke(id, at);
  return {};
}

answer<signed_certificate> cluster_authority::sign(const std::string& request, const std::string& node) const {
  {
    std::lock_guard guard{mutex_};
    if (members_.is_full())
      return refused(refusal::reason::busy, "the cluster's nodes have too many certificates that have not ended");
  }
  auto result =
    sign_request(*own_, request, {node, core::node_role::worker, now_ms() / ms_per_s, int64_t{config_.life.count()}});
  if (!result)
    return refused(refusal::reason::malformed, std::move(result.error()));
  return std::move(*result);
}

answer<signed_certificate> cluster_authority::join_now(const join_order& x) {
  auto result = sign(x.request, x.node);
  if (!result)
    return result;
  auto row = record_of(result->who, x.token);
  if (auto stored = store_.admit(row); !stored) {
    // Other nodes may have used the token up since its secret was checked.
    if (stored.error().kind == store::error_kind::not_found)
      return refused(refusal::reason::conflict, "the join token has no use left; make another one");
    return refused(stored.error());
  }
  std::lock_guard guard{mutex_};
  tokens_.count_use(x.token);
  members_.add(from_record(std::move(row)));
  return result;
}

answer<signed_certificate> cluster_authority::renew_now(const renewal_order& x) {
  using enum refusal::reason;
  auto present = certificate::read_public(x.certificate);
  if (!present || !present->is_signed_by(*own_))
    return refused(malformed, "certificate is no certificate of a node of this cluster");
  auto who = identity_of(*present);
  std::string token;
  {
    std::lock_guard guard{mutex_};
    auto* known = members_.find(who.serial);
    if (known != nullptr && known->revoked_ms != 0)
      return refused(conflict, "the node's certificate was revoked");
    if (known != nullptr)
      token = known->token;
    else if (who.life.ends_s * ms_per_s > now_ms())
      return refused(unknown, "the cluster does not know this certificate");
  }
  if (auto fault = core::renewal_fault(who.life, now_ms() / ms_per_s); !fault.empty())
    return refused(conflict, std::move(fault));
  if (!is_signature(*present, x.request, x.signature))
    return refused(malformed, "the request is not signed by the present certificate's key");
  auto result = sign(x.request, who.name);
  if (!result)
    return result;
  auto row = record_of(result->who, token);
  if (auto stored = store_.add(row); !stored)
    return refused(stored.error());
  std::lock_guard guard{mutex_};
  members_.add(from_record(std::move(row)));
  return result;
}

answer<size_t> cluster_authority::revoke_node_now(const std::string& node) {
  std::vector<std::string> serials;
  std::function<void(const std::string&)> listener;
  auto at = now_ms();
  {
    std::lock_guard guard{mutex_};
    serials = members_.serials_of(node, at);
    listener = listener_;
  }
  if (serials.empty())
    return refused(refusal::reason::unknown, "no node of that name has a certificate; see /api/v1/nodes");
  if (auto stored = store_.revoke_node(node, at); !stored)
    return refused(stored.error());
  {
    std::lock_guard guard{mutex_};
    members_.revoke(node, at);
  }
  signed_s_ = 0;
  // New connections are refused before the old ones end, so that none slips through in between.
  auto kept = keep_files();
  if (listener)
    listener(node);
  if (!kept)
    return refused(refusal::reason::failed, "the node is revoked, but can still connect: " + kept.error());
  return serials.size();
}

done cluster_authority::keep_files() {
  auto now_s = now_ms() / ms_per_s;
  if (!node_) {
    node_ = files_.read();
    auto who = node_ ? identity_of(*node_) : node_identity{};
    if (node_ && node_->is_signed_by(*own_) && who.name == config_.node
        && who.role == core::to_string(core::node_role::coordinator))
      renewed_s_ = core::renewal_s(node_->life(), base::random_id());
  }
  auto is_listed = signed_s_ != 0 && now_s >= signed_s_ && now_s < signed_s_ + revocations_age_max_s;
  if (now_s >= renewed_s_) {
    auto request = make_request();
    if (!request)
      return tl::unexpected(std::move(request.error()));
    auto made = sign_request(*own_, request->text,
                             {config_.node, core::node_role::coordinator, now_s, int64_t{config_.life.count()}});
    auto read = made ? certificate::read(made->chain, request->key) : tl::unexpected(std::move(made.error()));
    if (!read)
      return tl::unexpected(std::move(read.error()));
    node_ = std::move(*read);
    renewed_s_ = core::renewal_s(node_->life(), base::random_id());
    is_listed = false;
  }
  return is_listed ? files_.mend().map([](bool) {}) : write_files();
}

done cluster_authority::write_files() {
  std::vector<revocation> revoked;
  auto now_s = now_ms() / ms_per_s;
  for (auto& x : nodes())
    if (x.revoked_ms != 0)
      revoked.push_back({x.serial, x.revoked_ms / ms_per_s});
  auto list = sign_revocations(*own_, revoked, now_s, revocations_life_s);
  if (!list)
    return tl::unexpected(std::move(list.error()));
  if (auto written = files_.write(*node_, own_->text().chain + *list); !written)
    return written;
  signed_s_ = now_s;
  return {};
}

void cluster_authority::forget() {
  auto now = now_ms();
  if (forgotten_s_ != 0 && now / ms_per_s < forgotten_s_ + forget_interval_s)
    return;
  // What the store still has is dropped the next time.
  if (store_.forget(now - core::join_table::remembered_ms, now))
    forgotten_s_ = now / ms_per_s;
  std::lock_guard guard{mutex_};
  tokens_.forget(now);
  members_.forget(now);
}

void cluster_authority::round() {
  if (auto kept = keep_files(); !kept && config_.warn)
    config_.warn(kept.error());
  forget();
}

} // namespace troupe::trust

#include "core/trust/join_table.hpp"

#include "base/secret.hpp"

#include <algorithm>
#include <utility>

namespace troupe::core {

proof::kind join_table::check(const std::string& id, std::string_view sha256, int64_t now_ms) const {
  auto* x = find(id);
  if (x == nullptr || !base::same_secret(x->sha256, sha256))
    return proof::kind::wrong;
  if (x->revoked_ms != 0)
    return proof::kind::revoked;
  if (now_ms >= x->expires_ms)
    return proof::kind::expired;
  return x->uses < x->uses_max ? proof::kind::good : proof::kind::used_up;
}

std::string join_table::fault_of(const join_token& fresh, int64_t now_ms) const {
  if (fresh.role != "worker")
    return "role is not accepted: allowed is worker";
  if (fresh.uses_max < 1 || fresh.uses_max > uses_limit)
    return "uses is not accepted: allowed are 1 to " + std::to_string(uses_limit);
  if (fresh.expires_ms <= now_ms || fresh.expires_ms > now_ms + life_ms_max)
    return "the token's life is not accepted: allowed is up to 366 days";
  if (tokens_.size() >= tokens_max)
    return "there are " + std::to_string(tokens_max) + " tokens, and more are not kept";
  return {};
}

void join_table::add(join_token x) {
  auto id = x.id;
  tokens_.insert_or_assign(std::move(id), std::move(x));
}

void join_table::count_use(const std::string& id) {
  if (auto found = tokens_.find(id); found != tokens_.end())
    ++found->second.uses;
}

void join_table::revoke(const std::string& id, int64_t now_ms) {
  if (auto found = tokens_.find(id); found != tokens_.end() && found->second.revoked_ms == 0)
    found->second.revoked_ms = now_ms;
}

void join_table::forget(int64_t now_ms) {
  std::erase_if(tokens_, [&](auto& x) { return x.second.expires_ms + remembered_ms <= now_ms; });
}

const join_token* join_table::find(const std::string& id) const {
  auto found = tokens_.find(id);
  return found == tokens_.end() ? nullptr : &found->second;
}

std::vector<join_token> join_table::all() const {
  std::vector<join_token> result;
  for (auto& [id, x] : tokens_)
    result.push_back(x);
  std::ranges::sort(result, {}, [](auto& x) { return std::pair{x.created_ms, x.id}; });
  return result;
}

} // namespace troupe::core

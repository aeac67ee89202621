#include "core/trust/key_table.hpp"

#include "base/secret.hpp"
#include "base/utf8.hpp"

#include <algorithm>
#include <utility>

namespace troupe::core {

namespace {

bool never_ends(const api_key& x) {
  return x.role == role::admin && x.expires_ms == 0 && x.revoked_ms == 0;
}

proof proof_of(const api_key& x, int64_t now_ms) {
  caller who{x.role, x.channels, x.id, x.expires_ms, x.name};
  if (x.revoked_ms != 0)
    return {proof::kind::revoked, std::move(who)};
  if (x.expires_ms != 0 && x.expires_ms <= now_ms)
    return {proof::kind::expired, std::move(who)};
  return {proof::kind::good, std::move(who)};
}

} // namespace

proof key_table::check(const std::string& id, std::string_view sha256, int64_t now_ms) {
  auto found = keys_.find(id);
  if (found == keys_.end() || !base::same_secret(sha256, found->second.sha256))
    return {proof::kind::wrong, {}};
  return check(id, now_ms);
}

proof key_table::check(const std::string& id, int64_t now_ms) {
  auto found = keys_.find(id);
  if (found == keys_.end())
    return {proof::kind::wrong, {}};
  auto result = proof_of(found->second, now_ms);
  if (result.what == proof::kind::good)
    found->second.used_ms = now_ms;
  return result;
}

std::string key_table::fault_of(const api_key& fresh, int64_t now_ms) const {
  if (keys_.size() >= keys_max)
    return "there are " + std::to_string(keys_max) + " keys, and revoked ones count; no more are made";
  if (fresh.name.empty() || fresh.name.size() > name_bytes_max || !base::is_plain_text(fresh.name))
    return "a key has a name of 1 to " + std::to_string(name_bytes_max) + " bytes, without control characters";
  if (fresh.role != role::watch && !fresh.channels.empty())
    return "only a key of role watch can be limited to channels";
  auto fits = [](const std::string& x) { return !x.empty() && x.size() <= name_bytes_max && base::is_plain_text(x); };
  if (fresh.channels.size() > channels_max || !std::all_of(fresh.channels.begin(), fresh.channels.end(), fits))
    return "a key is limited to at most " + std::to_string(channels_max) + " channels, each given by its name";
  if (fresh.expires_ms != 0 && fresh.expires_ms <= now_ms)
    return "a key expires in the future, or never";
  return {};
}

void key_table::add(api_key x) {
  auto id = x.id;
  keys_.insert_or_assign(std::move(id), std::move(x));
}

std::string key_table::why_it_stays(const std::string& id) const {
  auto found = keys_.find(id);
  if (found == keys_.end() || !never_ends(found->second))
    return {};
  auto count = std::count_if(keys_.begin(), keys_.end(), [](auto& x) { return never_ends(x.second); });
  return count > 1 ? std::string{}
                   : "this is the last key of role admin that does not expire; make another one, then revoke it";
}

void key_table::revoke(const std::string& id, int64_t now_ms) {
  if (auto found = keys_.find(id); found != keys_.end() && found->second.revoked_ms == 0)
    found->second.revoked_ms = now_ms;
}

const api_key* key_table::find(const std::string& id) const {
  auto found = keys_.find(id);
  return found == keys_.end() ? nullptr : &found->second;
}

std::vector<api_key> key_table::all() const {
  std::vector<api_key> result;
  for (auto& [id, x] : keys_)
    result.push_back(x);
  std::stable_sort(result.begin(), result.end(), [](auto& a, auto& b) { return a.created_ms < b.created_ms; });
  return result;
}

} // namespace troupe::core

#include "trust/key_ring.hpp"

#include "core/trust/key_text.hpp"
#include "core/trust/signed_text.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace troupe::trust {

namespace {

constexpr std::string_view for_sessions = "session";
constexpr std::string_view for_addresses = "address";

constexpr int64_t ms_per_s = 1000;

core::api_key from_record(store::key_record x, core::role role) {
  return {std::move(x.id),      std::move(x.sha256), std::move(x.name), role,      std::move(x.channels),
          std::move(x.made_by), x.created_ms,        x.expires_ms,      x.used_ms, x.revoked_ms};
}

store::key_record to_record(const core::api_key& x) {
  return {x.id,         x.sha256,  x.name,      std::string{to_string(x.role)}, x.channels, x.made_by, x.created_ms,
          x.expires_ms, x.used_ms, x.revoked_ms};
}

core::api_key key_of(const std::string& text, int64_t now_ms) {
  core::api_key result;
  result.id = core::key_id_of(text).value_or(std::string{});
  result.sha256 = base::sha256_of(text);
  result.created_ms = now_ms;
  return result;
}

tl::unexpected<refusal> refused(const store::error& x) {
  return refused(refusal::reason::failed, "the keys cannot be written now: " + x.text);
}

} // namespace

tl::expected<std::shared_ptr<key_ring>, std::string>
key_ring::open(store::key_store from, key_ring_config config,
               const std::function<tl::expected<std::string, std::string>()>& first) {
  if (!config.now_ms)
    config.now_ms = [] {
      auto now = std::chrono::system_clock::now().time_since_epoch();
      return int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
    };
  auto rows = from.all();
  if (!rows)
    return tl::unexpected(rows.error().text);
  std::vector<core::api_key> keys;
  for (auto& row : *rows) {
    auto role = core::role_of(row.role);
    if (!role)
      return tl::unexpected("the store has a key of role '" + row.role
                            + "', which this program does not know: start the program that made it");
    keys.push_back(from_record(std::move(row), *role));
  }
  if (keys.empty()) {
    auto text = first();
    if (!text)
      return tl::unexpected(std::move(text.error()));
    if (!core::key_id_of(*text))
      return tl::unexpected(std::string{"the file of the first key holds no key: remove it, and a new one is made"});
    auto x = key_of(*text, config.now_ms());
    x.name = "first";
    x.role = core::role::admin;
    if (auto stored = from.add(to_record(x)); !stored)
      return tl::unexpected(stored.error().text);
    keys.push_back(std::move(x));
  }
  return std::shared_ptr<key_ring>{new key_ring{std::move(from), std::move(config), std::move(keys)}};
}

std::string key_ring::fresh_text() {
  return core::key_text(base::random_digits(core::key_random_bytes));
}

key_ring::key_ring(store::key_store to, key_ring_config config, std::vector<core::api_key> keys)
  : store_{std::move(to)}, config_{std::move(config)} {
  for (auto& x : keys)
    table_.add(x);
  written_ = std::move(keys);
  thread_.emplace(config_.write_interval, [this] { write_uses(); });
}

int64_t key_ring::now_ms() const {
  return config_.now_ms();
}

core::proof key_ring::check(std::string_view text) {
  auto id = core::key_id_of(text);
  if (!id)
    return {core::proof::kind::wrong, {}};
  auto hash = base::sha256_of(text);
  std::lock_guard guard{mutex_};
  return table_.check(*id, hash, now_ms());
}

core::proof key_ring::check_signed(std::string_view purpose, std::string_view text, std::string_view about) {
  auto read = core::read_signed(config_.secret.reveal(), purpose, text, about);
  if (!read)
    return {core::proof::kind::wrong, {}};
  auto now = now_ms();
  if (read->expires_s * ms_per_s <= now)
    return {core::proof::kind::expired, {}};
  std::lock_guard guard{mutex_};
  return table_.check(read->key, now);
}

core::proof key_ring::check_session(std::string_view text) {
  return check_signed(for_sessions, text, {});
}

core::proof key_ring::check_address(std::string_view text, const std::string& channel) {
  auto result = check_signed(for_addresses, text, channel);
  if (result.what == core::proof::kind::good && !core::may_watch(result.who, channel))
    return {core::proof::kind::wrong, {}};
  // Whatever the key may do, its addresses only play.
  result.who.role = core::role::watch;
  result.who.channels = {channel};
  return result;
}

std::string key_ring::session(const core::caller& who, int64_t expires_ms) const {
  return core::sign(config_.secret.reveal(), for_sessions, {who.key, expires_ms / ms_per_s}, {});
}

std::string key_ring::address(const core::caller& who, const std::string& channel, int64_t expires_ms) const {
  return core::sign(config_.secret.reveal(), for_addresses, {who.key, expires_ms / ms_per_s}, channel);
}

bool key_ring::has_only_first() const {
  std::lock_guard guard{mutex_};
  return table_.has_only_first();
}

std::vector<core::api_key> key_ring::all() const {
  std::lock_guard guard{mutex_};
  return table_.all();
}

void key_ring::make(key_order x, const core::caller& by, std::function<void(answer<made_key>)> done) {
  auto work = [this, x = std::move(x), by = by.key, done] { done(make_now(x, by)); };
  if (!thread_->add(std::move(work)))
    done(refused(refusal::reason::busy, "too many changes of keys wait; try again"));
}

void key_ring::revoke(const std::string& id, std::function<void(answer<void>)> done) {
  auto work = [this, id, done] { done(revoke_now(id)); };
  if (!thread_->add(std::move(work)))
    done(refused(refusal::reason::busy, "too many changes of keys wait; try again"));
}

answer<made_key> key_ring::make_now(const key_order& x, const std::string& by) {
  made_key result;
  {
    std::lock_guard guard{mutex_};
    do {
      result.text = fresh_text();
      result.key = key_of(result.text.reveal(), now_ms());
    } while (table_.find(result.key.id) != nullptr);
    result.key.name = x.name;
    result.key.role = x.role;
    result.key.channels = x.channels;
    result.key.expires_ms = x.expires_ms;
    result.key.made_by = by;
    if (auto fault = table_.fault_of(result.key, now_ms()); !fault.empty())
      return refused(refusal::reason::malformed, std::move(fault));
  }
  if (auto stored = store_.add(to_record(result.key)); !stored)
    return refused(stored.error());
  written_.push_back(result.key);
  std::lock_guard guard{mutex_};
  table_.add(result.key);
  return result;
}

answer<void> key_ring::revoke_now(const std::string& id) {
  core::api_key known;
  {
    std::lock_guard guard{mutex_};
    auto* found = table_.find(id);
    if (found == nullptr)
      return refused(refusal::reason::unknown,
                     "there is no key " + id.substr(0, core::key_id_digits) + "; see /api/v1/keys");
    if (auto why = table_.why_it_stays(id); !why.empty())
      return refused(refusal::reason::conflict, std::move(why));
    if (found->revoked_ms != 0)
      return {};
    known = *found;
  }
  auto at = now_ms();
  if (auto stored = store_.update(id, known.used_ms, at); !stored)
    return refused(stored.error());
  std::lock_guard guard{mutex_};
  table_.revoke(id, at);
  return {};
}

void key_ring::write_uses() {
  std::map<std::string, int64_t> stored;
  for (auto& x : written_)
    stored[x.id] = x.used_ms;
  auto keys = all();
  for (auto& x : keys)
    // The time is only told to people: if the store is away, the next one is written.
    if (x.used_ms != stored[x.id] && !store_.update(x.id, x.used_ms, x.revoked_ms))
      return;
  written_ = std::move(keys);
}

} // namespace troupe::trust

#include "http/door.hpp"

#include "core/trust/key_text.hpp"
#include "http/audit_mark.hpp"
#include "http/browser_guard.hpp"
#include "http/problem.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>

namespace troupe::http {

namespace {

using boost::beast::iequals;
using boost::beast::http::field;
using core::proof;
using core::verdict;
using fields = boost::beast::http::fields;

constexpr std::string_view scheme = "Bearer ";

std::string_view view(boost::beast::string_view x) {
  return {x.data(), x.size()};
}

/// All lines of a field, joined by commas.
std::string all_lines(const fields& header, std::string_view name) {
  std::string result;
  auto [first, last] = header.equal_range(boost::beast::string_view{name.data(), name.size()});
  for (; first != last; ++first)
    result += (result.empty() ? "" : ",") + std::string{view(first->value())};
  return result;
}

/// A field that only proxies add.
bool came_by_proxy(const fields& header) {
  constexpr const char* names[] = {"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
                                   "X-Real-IP",       "Forwarded",        "Via"};
  return std::any_of(std::begin(names), std::end(names), [&](auto x) { return header.count(x) > 0; });
}

bool is_read(verb method) {
  return method == verb::get || method == verb::head || method == verb::options;
}

std::string_view channel_of(const request& of) {
  return of.path.size() > 1 && of.path[0] == "live" ? std::string_view{of.path[1]} : std::string_view{};
}

struct refusal_meaning {
  std::string_view code;
  std::string_view challenge; ///< after "Bearer"
  std::string text;
};

/// The same for a join token.
refusal_meaning join_meaning_of(verdict x) {
  constexpr auto challenge = R"( error="invalid_token")";
  switch (x) {
  case verdict::expired:
    return {"expired_token", challenge,
            "the join token has expired; make another one with 'caf-ctl join-token create'"};
  case verdict::revoked:
    return {"revoked_token", challenge,
            "the join token was revoked; make another one with 'caf-ctl join-token create'"};
  case verdict::used_up:
    return {"used_token", challenge,
            "the join token has admitted as many nodes as it may; make another one with 'caf-ctl join-token create'"};
  case verdict::no_key:
    return {"no_token", "", "send a join token as 'Authorization: Bearer TROUPE1-...'"};
  default:
    return {"wrong_token", challenge, "this is no join token of this cluster"};
  }
}

refusal_meaning meaning_of(verdict x, core::need what) {
  if (what == core::need::join)
    return join_meaning_of(x);
  constexpr std::string_view how = "send a key as 'Authorization: Bearer trp_...'; 'caf-ctl keys create' makes one";
  switch (x) {
  case verdict::wrong_key:
    return {"wrong_key", R"( error="invalid_token")", "this is no key of this cluster, or no address that it made"};
  case verdict::expired:
    return {"expired_key", R"( error="invalid_token")",
            "the key or its session or address has expired; make a new one"};
  case verdict::revoked:
    return {"revoked_key", R"( error="invalid_token")", "the key was revoked; make a new one"};
  case verdict::too_low:
    return {"role", R"( error="insufficient_scope")",
            "this needs the role " + std::string{to_string(what)} + ", and your key has a lower one"};
  case verdict::scope:
    return {"scope", R"( error="insufficient_scope")", "your key is for other channels"};
  case verdict::no_key:
  case verdict::used_up:
  case verdict::enter:
    break;
  }
  return {"no_key", "", "this needs the role " + std::string{to_string(what)} + ": " + std::string{how}};
}

reply refusal_of(verdict x, core::need what, const request& of) {
  auto means = meaning_of(x, what);
  auto known = x == verdict::too_low || x == verdict::scope;
  auto result = problem(known ? status::forbidden : status::unauthorized, means.code, means.text, of.id);
  result.fields.emplace_back("WWW-Authenticate", "Bearer" + std::string{means.challenge});
  return result;
}

std::string seconds_of(std::chrono::milliseconds x) {
  return std::to_string(std::max<int64_t>(1, std::chrono::ceil<std::chrono::seconds>(x).count()));
}

/// The text of the key in a field "Authorization", if there is one such field and it has that form.
std::optional<std::string_view> key_in(const fields& header) {
  auto given = view(header[field::authorization]);
  if (header.count(field::authorization) != 1 || given.size() < scheme.size()
      || !iequals(boost::beast::string_view{given.data(), scheme.size()},
                  boost::beast::string_view{scheme.data(), scheme.size()}))
    return {};
  return given.substr(scheme.size());
}

bool is_login(const request& of) {
  return of.method == verb::post && of.path == std::vector<std::string>{"api", "v1", "session"};
}

/// RFC 6585, and the headers of the IETF's draft on rate limits.
template <class Limit>
reply too_many(const Limit& limit, std::chrono::milliseconds again, std::string_view name, std::string_view text,
               const request& of) {
  auto result = problem(status::too_many_requests, "limit", text, of.id);
  auto quoted = '"' + std::string{name} + '"';
  result.fields.emplace_back("Retry-After", seconds_of(again));
  result.fields.emplace_back("RateLimit-Policy",
                             quoted + ";q=" + std::to_string(limit.most()) + ";w=" + seconds_of(limit.window()));
  result.fields.emplace_back("RateLimit", quoted + ";r=0;t=" + seconds_of(again));
  return result;
}

std::vector<core::network> networks_of(const std::vector<std::string>& texts) {
  std::vector<core::network> result;
  for (auto& x : texts)
    if (auto parsed = core::network::parse(x))
      result.push_back(*parsed);
  return result;
}

/// The burst may come at once; over this time it is the rate.
std::chrono::milliseconds window_of(const server_config& x) {
  constexpr uint64_t ms_per_s = 1000;
  auto rate = std::max(1u, x.requests_per_second);
  return std::chrono::milliseconds{std::max<uint64_t>(1, uint64_t{x.requests_burst} * ms_per_s / rate)};
}

} // namespace

std::string_view session_cookie(bool secure) noexcept {
  return secure ? "__Host-troupe" : "troupe";
}

door::door(const server_config& config)
  : keys_{config.keys},
    audit_{config.audit},
    authority_{config.authority},
    trust_loopback_{config.trust_loopback},
    open_channels_{config.open_channels},
    proxies_{networks_of(config.trusted_proxies)},
    requests_{config.requests_burst, window_of(config)},
    wrong_keys_{config.wrong_keys_max, config.wrong_keys_window},
    logins_{config.logins_max, config.logins_window} {}

bool door::is_proxy(const core::ip_address& x) const {
  return std::any_of(proxies_.begin(), proxies_.end(), [&x](auto& n) { return n.contains(x); });
}

void door::place(request& of, const core::ip_address& peer, const fields& header) const {
  of.from = peer;
  // Browsers apply the rule to every port of a host, so not to this machine's own names.
  of.pins_https = of.secure && !names_loopback(host_of(view(header[field::host])));
  of.by_proxy = is_proxy(peer);
  if (of.by_proxy) {
    of.from = core::client_behind(peer, all_lines(header, "X-Forwarded-For"), proxies_);
    of.secure = of.secure || iequals(header["X-Forwarded-Proto"], "https");
  }
  of.address = core::to_text(of.from);
}

std::optional<reply> door::count(const request& of, clock::time_point now) {
  std::lock_guard guard{mutex_};
  auto x = requests_.take(core::client_name(of.from), now);
  if (x.allowed)
    return {};
  return too_many(requests_, x.again, "requests", "your address sends too many requests; wait before the next one", of);
}

std::optional<reply> door::check(request& of, core::need what, std::string_view pattern, const fields& header,
                                 clock::time_point now) {
  proof shown;
  auto refusal = judge(of, what, header, now, shown);
  if (shown.what == proof::kind::good)
    of.who = shown.who;
  if (audit_)
    note(of, what, pattern, shown, now);
  return refusal;
}

std::optional<reply> door::judge(const request& of, core::need what, const fields& header, clock::time_point now,
                                 proof& shown) {
  auto client = core::client_name(of.from);
  auto is_media = what == core::need::channel || what == core::need::ticket;
  // What the client may watch is not counted, so it is checked first. Its texts are signed, so they cannot be guessed.
  if (!is_media)
    if (auto refused = count(of, now))
      return refused;
  if (auto elsewhere = send_away(of, what, header))
    return elsewhere;
  auto brings_key = header.count(field::authorization) > 0 && what != core::need::ticket;
  if (brings_key) {
    std::lock_guard guard{mutex_};
    if (auto x = wrong_keys_.look(client, now); !x.allowed)
      return too_many(wrong_keys_, x.again, "wrong-keys",
                      "your address has sent too many wrong keys; no key from it is looked at for a while", of);
  }
  std::string login_key;
  if (is_login(of)) {
    login_key = core::key_id_of(key_in(header).value_or(std::string_view{})).value_or(std::string{});
    if (auto refused = count_login(of, login_key, now))
      return refused;
  }
  shown = proof_of(of, what, header);
  if (brings_key && shown.what == proof::kind::wrong) {
    std::lock_guard guard{mutex_};
    wrong_keys_.take(client, now);
    logins_.failed(login_key, now);
  }
  auto decided =
    core::judge(what == core::need::channel && open_channels_ ? core::need::nothing : what, shown, channel_of(of));
  if (decided == verdict::enter)
    return {};
  if (is_media)
    if (auto refused = count(of, now))
      return refused;
  return refusal_of(decided, what, of);
}

std::optional<reply> door::count_login(const request& of, const std::string& key, clock::time_point now) {
  std::lock_guard guard{mutex_};
  auto x = logins_.begin(core::client_name(of.from), key, now);
  if (x.allowed)
    return {};
  return too_many(logins_, x.again, "logins",
                  "your address, or others with this key, tried to log in too often; wait before the next try", of);
}

void door::note(request& of, core::need what, std::string_view pattern, const proof& shown, clock::time_point now) {
  using enum core::audit_rules::verdict;
  auto decided = ignore;
  {
    std::lock_guard guard{mutex_};
    decided = audit_rules_.judge(what, is_read(of.method), shown.what, core::client_name(of.from), now);
  }
  if (decided == leave_out)
    audit_->leave_out();
  else if (decided == write)
    of.audit = std::make_shared<audit_mark>(audit_, entry_of(of, what, pattern, shown, audit_->now_ms()));
}

std::optional<reply> door::send_away(const request& of, core::need what, const fields& header) const {
  // What comes from this machine, or from a proxy, was not read on the way by others.
  if (https_port_ == 0 || of.secure || of.by_proxy || (core::is_loopback(of.from) && !of.proxied)
      || !core::needs_https(what, open_channels_ || !of.address_token.empty()))
    return {};
  std::string authority{view(header[field::host])};
  if (!authority.ends_with(']'))
    authority.resize(std::min(authority.rfind(':'), authority.size()));
  authority += ':' + std::to_string(https_port_);
  auto moves =
    (of.method == verb::get || of.method == verb::head) && header.count(field::host) == 1 && of.target.starts_with('/');
  auto result = problem(moves ? status::permanent_redirect : status::forbidden, "https",
                        "others can read this request on its way; send it to https://" + authority, of.id);
  if (moves)
    result.fields.emplace_back("Location", "https://" + authority + of.target);
  return result;
}

proof door::proof_of(const request& of, core::need what, const fields& header) const {
  if (header.count(field::authorization) > 0) {
    auto text = key_in(header);
    if (what == core::need::join)
      return authority_ && text ? authority_->check(*text) : proof{proof::kind::wrong, {}};
    return keys_ && text ? keys_->check(*text) : proof{proof::kind::wrong, {}};
  }
  if (what == core::need::join)
    return {};
  if (what == core::need::channel && !of.address_token.empty())
    return keys_ ? keys_->check_address(of.address_token, std::string{channel_of(of)}) : proof{proof::kind::wrong, {}};
  auto by_cookie = cookie_proof(of, header);
  if (by_cookie.what != proof::kind::good && is_own_user(of, header))
    return {proof::kind::good, {core::role::admin, {}, {}, 0}};
  return by_cookie;
}

proof door::cookie_proof(const request& of, const fields& header) const {
  // A browser sends the cookie for pages of other ports of this host, too. A change must come from a page of ours.
  if (!keys_ || browser_guard::is_foreign(header) || (!is_read(of.method) && !browser_guard::is_own(header)))
    return {};
  auto name = session_cookie(of.secure);
  auto rest = view(header[field::cookie]);
  while (!rest.empty()) {
    auto one = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(one.size() + 1, rest.size()));
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    if (one.size() > name.size() && one.starts_with(name) && one[name.size()] == '=')
      return keys_->check_session(one.substr(name.size() + 1));
  }
  return {};
}

bool door::is_own_user(const request& of, const fields& header) const {
  auto trusted = trust_loopback_ == "always" || (trust_loopback_ == "auto" && (!keys_ || keys_->has_only_first()));
  if (!trusted || !core::is_loopback(of.from) || of.by_proxy || of.proxied || came_by_proxy(header)
      || browser_guard::is_foreign(header))
    return false;
  // Another name, which resolves to this machine, may be an attacker's.
  return header.count(field::host) == 0 || names_loopback(host_of(view(header[field::host])));
}

} // namespace troupe::http

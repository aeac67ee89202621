// Keys, sessions and players' addresses: what the API says about them.
#include "base/json.hpp"
#include "http/door.hpp"
#include "http/json.hpp"
#include "http/json_body.hpp"
#include "http/problem.hpp"
#include "http/refusal.hpp"
#include "http/routes.hpp"
#include "http/target.hpp"
#include "telemetry/log.hpp"
#include "trust/key_ring.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/serialize.hpp>

namespace troupe::http {

namespace {

namespace json = boost::json;

constexpr int64_t life_ms_max = int64_t{10} * 366 * 24 * 3600 * 1000; ///< of a key or an address that expires

json::object key_json(const core::api_key& x) {
  return {{"id", x.id},
          {"name", to_json(x.name)},
          {"role", to_json(x.role)},
          {"channels", to_json(x.channels)},
          {"made_by", x.made_by.empty() ? json::value(nullptr) : json::value(x.made_by)},
          {"created_at_ms", time_json(x.created_ms)},
          {"expires_at_ms", time_json(x.expires_ms)},
          {"used_at_ms", time_json(x.used_ms)},
          {"revoked_at_ms", time_json(x.revoked_ms)}};
}

tl::expected<trust::key_order, std::string> read_order(const std::string& body, int64_t now_ms) {
  auto object = read_object(body, {"name", "role", "channels", "expires_in_ms"});
  if (!object)
    return tl::unexpected(std::move(object.error()));
  trust::key_order result;
  result.name = base::reading::text(*object, "name");
  auto role = core::role_of(base::reading::text(*object, "role"));
  if (!role)
    return tl::unexpected(std::string{"role is not accepted: allowed is watch, viewer, operator or admin"});
  result.role = *role;
  if (auto& channels = base::reading::member(*object, "channels"); !channels.is_null()) {
    if (!channels.is_array())
      return tl::unexpected(std::string{"channels must be a list of names"});
    for (auto& x : channels.get_array()) {
      if (!x.is_string())
        return tl::unexpected(std::string{"channels must be a list of names"});
      result.channels.emplace_back(x.get_string().data(), x.get_string().size());
    }
  }
  auto life = read_count(*object, "expires_in_ms", life_ms_max);
  if (!life)
    return tl::unexpected(std::move(life.error()));
  result.expires_ms = *life == 0 ? 0 : now_ms + *life;
  return result;
}

/// The earlier of two times of expiry; 0 is never.
int64_t earlier(int64_t a, int64_t b) {
  return b == 0 ? a : std::min(a, b);
}

std::string cookie_of(const request& of, const std::string& value, int64_t life_s) {
  return std::string{session_cookie(of.secure)} + "=" + value
         + "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" + std::to_string(life_s) + (of.secure ? "; Secure" : "");
}

reply no_keys(const request& of) {
  return problem(status::not_found, "unknown_path", "this server keeps no keys", of.id);
}

reply no_own_key(const request& of) {
  return problem(ec::conflict,
                 "this stands for a key, and your request has none: send one as 'Authorization: Bearer "
                 "trp_...'",
                 of.id);
}

} // namespace

void routes::keys(const request& of, reply_handler done) const {
  if (!keys_)
    return done(no_keys(of));
  json::array list;
  for (auto& x : keys_->all())
    list.push_back(key_json(x));
  auto total = list.size();
  done(json_reply(json::object{{"keys", std::move(list)}, {"total", total}}));
}

void routes::make_key(const request& of, reply_handler done) const {
  if (!keys_)
    return done(no_keys(of));
  auto order = read_order(of.body, keys_->now_ms());
  if (!order)
    return done(problem(ec::invalid_argument, order.error(), of.id));
  // Called on a thread of the keys, so it holds nothing that owns them.
  auto made = [id = of.id, by = of.who.key, from = of.address, done](const trust::answer<trust::made_key>& x) {
    if (!x)
      return done(refusal_of(x.error(), "unknown_key", id));
    telemetry::log::info("a key was made", {{"key", x->key.id},
                                            {"name", x->key.name},
                                            {"role", to_string(x->key.role)},
                                            {"by", by},
                                            {"remote", from},
                                            {"request", id}});
    auto shown = key_json(x->key);
    shown["key"] = x->text.reveal();
    auto result = json_reply(shown, status::created);
    result.fields.emplace_back("Location", "/api/v1/keys/" + x->key.id);
    done(std::move(result));
  };
  keys_->make(std::move(*order), of.who, std::move(made));
}

void routes::revoke_key(const request& of, reply_handler done) const {
  if (!keys_)
    return done(no_keys(of));
  auto revoked = [id = of.id, key = of.path[3], by = of.who.key, from = of.address,
                  done](const trust::answer<void>& x) {
    if (!x)
      return done(refusal_of(x.error(), "unknown_key", id));
    telemetry::log::info("a key was revoked", {{"key", key}, {"by", by}, {"remote", from}, {"request", id}});
    done({status::no_content, {}, {}, {}});
  };
  keys_->revoke(of.path[3], std::move(revoked));
}

void routes::show_session(const request& of, reply_handler done) const {
  done(json_reply({{"key", of.who.key.empty() ? json::value(nullptr) : json::value(of.who.key)},
                   {"role", to_json(of.who.role)},
                   {"channels", to_json(of.who.channels)},
                   {"expires_at_ms", time_json(of.who.expires_ms)}}));
}

void routes::make_session(const request& of, reply_handler done) const {
  if (!keys_ || of.who.key.empty())
    return done(no_own_key(of));
  auto now = keys_->now_ms();
  auto expires = earlier(now + session_life_.count(), of.who.expires_ms);
  reply result{status::no_content, {}, {}, {}};
  result.fields.emplace_back("Set-Cookie", cookie_of(of, keys_->session(of.who, expires), (expires - now) / 1000));
  done(std::move(result));
}

void routes::end_session(const request& of, reply_handler done) const {
  reply result{status::no_content, {}, {}, {}};
  result.fields.emplace_back("Set-Cookie", cookie_of(of, {}, 0));
  done(std::move(result));
}

void routes::make_address(const request& of, reply_handler done) const {
  if (!keys_ || of.who.key.empty())
    return done(no_own_key(of));
  auto object = read_object(of.body, {"channel", "expires_in_ms"});
  if (!object)
    return done(problem(ec::invalid_argument, object.error(), of.id));
  auto channel = base::reading::text(*object, "channel");
  if (channel.empty())
    return done(problem(ec::invalid_argument, "channel must be the name of a channel", of.id));
  if (!core::may_watch(of.who, channel))
    return done(problem(status::forbidden, "scope", "your key is for other channels", of.id));
  auto life = read_count(*object, "expires_in_ms", life_ms_max);
  if (!life)
    return done(problem(ec::invalid_argument, life.error(), of.id));
  auto expires = earlier(keys_->now_ms() + (*life == 0 ? address_life_.count() : *life), of.who.expires_ms);
  auto path = "/t/" + keys_->address(of.who, channel, expires) + "/live/" + encode_segment(channel);
  done(json_reply({{"channel", to_json(channel)}, {"path", path}, {"expires_at_ms", expires}}, status::created));
}

} // namespace troupe::http

// Joining: the cluster's authority, join tokens, and the certificates of nodes.
#include "base/json.hpp"
#include "config/options.hpp"
#include "core/trust/link_proof.hpp"
#include "http/json.hpp"
#include "http/json_body.hpp"
#include "http/refusal.hpp"
#include "http/routes.hpp"
#include "telemetry/log.hpp"
#include "trust/cluster_authority.hpp"

#include <utility>

namespace troupe::http {

namespace {

namespace json = boost::json;

constexpr int64_t token_life_ms = int64_t{3600} * 1000; ///< if none is asked for
constexpr size_t node_body_bytes_max = 64 * 1024;

json::object token_json(const core::join_token& x) {
  return {{"id", x.id},
          {"role", x.role},
          {"made_by", x.made_by.empty() ? json::value(nullptr) : json::value(x.made_by)},
          {"created_at_ms", time_json(x.created_ms)},
          {"expires_at_ms", time_json(x.expires_ms)},
          {"uses", x.uses},
          {"uses_max", x.uses_max},
          {"revoked_at_ms", time_json(x.revoked_ms)}};
}

json::object node_json(const core::node_certificate& x) {
  return {{"name", to_json(x.node)},
          {"role", x.role},
          {"serial", x.serial},
          {"token", x.token},
          {"begins_at_ms", time_json(x.begins_ms)},
          {"ends_at_ms", time_json(x.ends_ms)},
          {"revoked_at_ms", time_json(x.revoked_ms)}};
}

reply no_authority(const request& of) {
  return problem(status::not_found, "unknown_path", "this server has no authority for nodes", of.id);
}

/// The members, which are texts and all there.
tl::expected<json::object, std::string> read_node_order(const request& of,
                                                        std::initializer_list<std::string_view> members) {
  if (of.body.size() > node_body_bytes_max)
    return tl::unexpected("the body is longer than " + std::to_string(node_body_bytes_max) + " bytes");
  auto object = read_object(of.body, members);
  if (object)
    for (auto name : members)
      if (base::reading::text(*object, name).empty())
        return tl::unexpected(std::string{name} + " is missing, or is no text");
  return object;
}

} // namespace

void routes::authority(const request& of, reply_handler done) const {
  if (!authority_)
    return done(no_authority(of));
  done({status::ok, "application/x-pem-file", authority_->own()->text().chain, {}});
}

void routes::join_tokens(const request& of, reply_handler done) const {
  if (!authority_)
    return done(no_authority(of));
  json::array list;
  for (auto& x : authority_->tokens())
    list.push_back(token_json(x));
  auto total = list.size();
  done(json_reply(json::object{{"join_tokens", std::move(list)}, {"total", total}}));
}

void routes::make_join_token(const request& of, reply_handler done) const {
  if (!authority_)
    return done(no_authority(of));
  if (!join_fault_.empty())
    return done(problem(ec::conflict, join_fault_, of.id));
  auto object = read_object(of.body, {"role", "expires_in_ms", "uses"});
  if (!object)
    return done(problem(ec::invalid_argument, object.error(), of.id));
  auto life = read_count(*object, "expires_in_ms", core::join_table::life_ms_max);
  auto uses = read_count(*object, "uses", core::join_table::uses_limit, "nodes");
  if (!life || !uses)
    return done(problem(ec::invalid_argument, life ? uses.error() : life.error(), of.id));
  trust::token_order order{base::reading::text(*object, "role"), *life == 0 ? token_life_ms : *life,
                           *uses == 0 ? 1 : *uses};
  // Called on a thread of the authority, so it holds nothing that owns it.
  auto made = [id = of.id, by = of.who.key, from = of.address, done](const trust::answer<trust::made_token>& x) {
    if (!x)
      return done(refusal_of(x.error(), "unknown_token", id));
    telemetry::log::info("a join token was made", {{"token", x->token.id},
                                                   {"role", x->token.role},
                                                   {"uses", x->token.uses_max},
                                                   {"by", by},
                                                   {"remote", from},
                                                   {"request", id}});
    auto shown = token_json(x->token);
    shown["token"] = x->text;
    auto result = json_reply(shown, status::created);
    result.fields.emplace_back("Location", "/api/v1/join-tokens/" + x->token.id);
    done(std::move(result));
  };
  authority_->make_token(std::move(order), of.who, std::move(made));
}

void routes::revoke_join_token(const request& of, reply_handler done) const {
  if (!authority_)
    return done(no_authority(of));
  auto revoked = [id = of.id, token = of.path[3], by = of.who.key, from = of.address,
                  done](const trust::answer<void>& x) {
    if (!x)
      return done(refusal_of(x.error(), "unknown_token", id));
    telemetry::log::info("a join token was revoked", {{"token", token}, {"by", by}, {"remote", from}, {"request", id}});
    done({status::no_content, {}, {}, {}});
  };
  authority_->revoke_token(of.path[3], std::move(revoked));
}

void routes::nodes(const request& of, reply_handler done) const {
  if (!authority_)
    return done(no_authority(of));
  json::array list;
  for (auto& x : authority_->nodes())
    list.push_back(node_json(x));
  auto total = list.size();
  done(json_reply(json::object{{"nodes", std::move(list)}, {"total", total}}));
}

void routes::join_node(const request& of, reply_handler done) const {
  if (!authority_)
    return done(no_authority(of));
  if (!join_fault_.empty())
    return done(problem(ec::conflict, join_fault_, of.id));
  auto object = read_node_order(of, {"name", "request"});
  if (!object)
    return done(problem(ec::invalid_argument, object.error(), of.id));
  auto name = base::reading::text(*object, "name");
  if (!config::is_valid_name(name))
    return done(
      problem(ec::invalid_argument, "name is not accepted: allowed are 1 to 64 letters, digits and . _ -", of.id));
  auto joined = [id = of.id, token = of.who.key, from = of.address, secret = core::node_secret(cluster_secret_, name),
                 done](const trust::answer<trust::signed_certificate>& x) {
    if (!x) {
      telemetry::log::warning("a machine could not join",
                              {{"reason", x.error().text}, {"token", token}, {"remote", from}, {"request", id}});
      return done(refusal_of(x.error(), "unknown_token", id));
    }
    telemetry::log::info(
      "a node has joined",
      {{"node", x->who.name}, {"serial", x->who.serial}, {"token", token}, {"remote", from}, {"request", id}});
    done(json_reply(json::object{{"certificate", x->chain}, {"node_secret", secret}}, status::created));
  };
  authority_->join({of.who.key, std::move(name), base::reading::text(*object, "request")}, std::move(joined));
}

void routes::renew_node(const request& of, reply_handler done) const {
  if (!authority_)
    return done(no_authority(of));
  auto object = read_node_order(of, {"certificate", "request", "signature"});
  if (!object)
    return done(problem(ec::invalid_argument, object.error(), of.id));
  auto renewed = [id = of.id, from = of.address, done](const trust::answer<trust::signed_certificate>& x) {
    if (!x)
      return done(refusal_of(x.error(), "unknown_node", id));
    telemetry::log::info("a node's certificate was renewed",
                         {{"node", x->who.name}, {"serial", x->who.serial}, {"remote", from}, {"request", id}});
    done(json_reply(json::object{{"certificate", x->chain}}, status::created));
  };
  authority_->renew({base::reading::text(*object, "certificate"), base::reading::text(*object, "request"),
                     base::reading::text(*object, "signature")},
                    std::move(renewed));
}

void routes::revoke_node(const request& of, reply_handler done) const {
  if (!authority_)
    return done(no_authority(of));
  auto revoked = [id = of.id, node = of.path[3], by = of.who.key, from = of.address,
                  done](const trust::answer<size_t>& x) {
    if (!x)
      return done(refusal_of(x.error(), "unknown_node", id));
    telemetry::log::info("a node was revoked",
                         {{"node", node}, {"certificates", *x}, {"by", by}, {"remote", from}, {"request", id}});
    done(json_reply(json::object{{"revoked", *x}}));
  };
  authority_->revoke_node(of.path[3], std::move(revoked));
}

} // namespace troupe::http

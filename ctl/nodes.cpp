#include "ctl/nodes.hpp"

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "ctl/ask.hpp"
#include "ctl/http.hpp"
#include "ctl/run.hpp"
#include "ctl/table.hpp"

#include <ostream>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace troupe::ctl {

namespace {

using namespace base::reading;
namespace json = boost::json;

/// When a token or a certificate ends or has ended.
std::string end_of(const json::value& x, const char* member) {
  auto revoked = count(x, "revoked_at_ms");
  return revoked > 0 ? "revoked " + time_text(revoked) : time_text(count(x, member));
}

} // namespace

std::string show_tokens(const json::value& answer) {
  table result{{{"ID"}, {"ROLE"}, {"MADE"}, {"USED"}, {"EXPIRES"}}};
  for (auto& x : list(answer, "join_tokens"))
    result.add({text(x, "id"), text(x, "role"), time_text(count(x, "created_at_ms")),
                count_text(x, "uses") + " of " + count_text(x, "uses_max"), end_of(x, "expires_at_ms")});
  return result.to_string();
}

int create_token(const options& with, std::ostream& out, std::ostream& err) {
  json::object order{{"role", with.role}};
  if (with.life_ms > 0)
    order["expires_in_ms"] = with.life_ms;
  if (with.uses > 0)
    order["uses"] = with.uses;
  auto body = ask(with, "POST", "/join-tokens", json::serialize(order));
  if (!body)
    return fail(body.error(), err);
  if (with.json) {
    out << *body;
    return done;
  }
  auto made = parsed(*body);
  err << "join token " << base::plain_text(text(made, "id")) << " for " << count(made, "uses_max")
      << (count(made, "uses_max") == 1 ? " machine" : " machines") << ", until "
      << time_text(count(made, "expires_at_ms"))
      << "; it is shown only now\non the new machine: caf-node --role=worker --coordinator=HOST --join=TOKEN\n";
  out << base::plain_text(text(made, "token")) << '\n';
  return done;
}

int revoke_token(const options& with, std::ostream& out, std::ostream& err) {
  auto body = ask(with, "DELETE", "/join-tokens/" + encoded(with.name));
  if (!body)
    return fail(body.error(), err);
  if (!with.json)
    out << "join token " << base::plain_text(with.name) << " is revoked\n";
  return done;
}

std::string show_nodes(const json::value& answer) {
  table result{{{"NAME"}, {"ROLE"}, {"JOINED BY"}, {"FROM"}, {"ENDS"}, {"SERIAL"}}};
  for (auto& x : list(answer, "nodes"))
    result.add({text(x, "name"), text(x, "role"), text(x, "token"), time_text(count(x, "begins_at_ms")),
                end_of(x, "ends_at_ms"), text(x, "serial")});
  return result.to_string();
}

int revoke_node(const options& with, std::ostream& out, std::ostream& err) {
  auto body = ask(with, "POST", "/nodes/" + encoded(with.name) + "/revoke");
  if (!body)
    return fail(body.error(), err);
  if (with.json)
    out << *body;
  else
    out << base::plain_text(with.name) << " is revoked\n";
  return done;
}

} // namespace troupe::ctl

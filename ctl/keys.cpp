#include "ctl/keys.hpp"

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "ctl/ask.hpp"
#include "ctl/http.hpp"
#include "ctl/table.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <ostream>
#include <utility>

#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace troupe::ctl {

namespace {

using namespace base::reading;
namespace json = boost::json;

constexpr size_t key_bytes_max = 1024;
constexpr unsigned unauthorized = 401;

tl::expected<std::string, std::string> read_key(const std::string& file) {
  std::ifstream in{file};
  std::string text;
  if (!std::getline(in, text))
    return tl::unexpected("cannot read a key from " + file + ": "
                          + (in.is_open() ? std::string{"it is empty"} : std::string{std::strerror(errno)}));
  if (text.size() > key_bytes_max || !base::is_plain_text(text))
    return tl::unexpected("cannot read a key from " + file + ": it has none in its first line");
  return text;
}

std::string ends_text(const json::value& key) {
  if (count(key, "revoked_at_ms") > 0)
    return "revoked " + time_text(count(key, "revoked_at_ms"));
  return time_text(count(key, "expires_at_ms"));
}

} // namespace

tl::expected<std::string, std::string> find_key(const options& with, const surroundings& around) {
  if (!with.key_file.empty())
    return read_key(with.key_file);
  if (!around.key.empty())
    return around.key;
  if (!around.key_file.empty())
    return read_key(around.key_file);
  auto usual = around.state_dir + "/admin.key";
  if (around.state_dir.empty() || !is_this_machine(with.url) || ::access(usual.c_str(), R_OK) != 0)
    return {};
  // It is sent only if it is wanted: the coordinator may be another one, with other keys.
  auto answer = send("GET", with.url + "/api/v1/session");
  return answer && answer->status == unauthorized ? read_key(usual) : std::string{};
}

std::string show_keys(const json::value& answer) {
  table result{{{"ID"}, {"NAME"}, {"ROLE"}, {"CHANNELS"}, {"MADE"}, {"LAST USED"}, {"EXPIRES"}}};
  for (auto& x : list(answer, "keys")) {
    std::string channels;
    for (auto& name : list(x, "channels"))
      if (auto* is = name.if_string())
        channels += (channels.empty() ? "" : " ") + std::string{is->data(), is->size()};
    result.add({text(x, "id"), text(x, "name"), text(x, "role"), channels, time_text(count(x, "created_at_ms")),
                time_text(count(x, "used_at_ms")), ends_text(x)});
  }
  return result.to_string();
}

int create_key(const options& with, std::ostream& out, std::ostream& err) {
  json::array channels(with.channels.begin(), with.channels.end());
  json::object order{{"name", with.label}, {"role", with.role}, {"channels", std::move(channels)}};
  if (with.life_ms > 0)
    order["expires_in_ms"] = with.life_ms;
  auto body = ask(with, "POST", "/keys", json::serialize(order));
  if (!body)
    return fail(body.error(), err);
  if (with.json) {
    out << *body;
    return done;
  }
  auto made = parsed(*body);
  err << "key " << base::plain_text(text(made, "id")) << " of role " << base::plain_text(text(made, "role"))
      << "; it is shown only now\n";
  out << base::plain_text(text(made, "key")) << '\n';
  return done;
}

int revoke_key(const options& with, std::ostream& out, std::ostream& err) {
  auto body = ask(with, "DELETE", "/keys/" + encoded(with.name));
  if (!body)
    return fail(body.error(), err);
  if (!with.json)
    out << "key " << base::plain_text(with.name) << " is revoked\n";
  return done;
}

int make_address(const options& with, std::ostream& out, std::ostream& err) {
  auto slash = with.name.find('/');
  json::object order{{"channel", with.name.substr(0, slash)}};
  if (with.life_ms > 0)
    order["expires_in_ms"] = with.life_ms;
  auto body = ask(with, "POST", "/addresses", json::serialize(order));
  if (!body)
    return fail(body.error(), err);
  if (with.json)
    out << *body;
  else
    out << with.url << base::plain_text(text(parsed(*body), "path")) << '/' << encoded_path(with.name.substr(slash + 1))
        << '\n';
  return done;
}

} // namespace troupe::ctl

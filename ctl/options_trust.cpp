#include "ctl/options_trust.hpp"

#include "config/units.hpp"

#include <cstdint>
#include <string_view>

#include <boost/program_options.hpp>

namespace troupe::ctl {

namespace {

namespace po = boost::program_options;

/// "90d", or a duration as in configurations.
std::optional<int64_t> parse_life(std::string_view text) {
  constexpr int64_t ms_per_day = 24 * 3600 * 1000;
  constexpr int64_t days_max = 3660;
  if (text.ends_with('d')) {
    auto days = config::parse_integer(text.substr(0, text.size() - 1));
    return days && *days > 0 && *days <= days_max ? std::optional{*days * ms_per_day} : std::nullopt;
  }
  auto life = config::parse_duration(text);
  return life && life->count() > 0 ? std::optional<int64_t>{life->count()} : std::nullopt;
}

} // namespace

po::options_description described_keys() {
  po::options_description result{"Options of keys create, address and join-token create"};
  result.add_options()                                                                                        //
    ("role", po::value<std::string>(), "of a key: watch, viewer, operator or admin; of a join token: worker") //
    ("ttl", po::value<std::string>(), "how long a join token is valid; by default 1h")                        //
    ("uses", po::value<std::string>(), "how many machines may join by a token; by default 1")                 //
    ("channel", po::value<std::vector<std::string>>(),
     "a channel that a key of role watch is limited to; repeat it for several channels") //
    ("expires", po::value<std::string>(),
     "how long a key or an address is valid, such as 90d or 12h; by default a key "
     "never expires, and an address expires after a day");
  return result;
}

std::optional<std::string> parse_keys(const std::vector<std::string>& words, const po::variables_map& given,
                                      options& result) {
  auto here = words[0] == "keys" || words[0] == "address";
  auto creates = words[0] == "keys" && words.size() > 1 && words[1] == "create";
  if (given.count("channel") > 0 && !creates)
    return "--channel is only for 'keys create'";
  if (given.count("expires") > 0) {
    if (!creates && words[0] != "address")
      return "--expires is only for 'keys create' and 'address'";
    auto life = parse_life(given["expires"].as<std::string>());
    if (!life)
      return "--expires takes a duration such as 90d, 12h or 30m";
    result.life_ms = *life;
  }
  if (!here)
    return {};
  if (words[0] == "address") {
    auto slash = words.size() == 2 ? words[1].find('/') : std::string::npos;
    if (slash == std::string::npos || slash == 0 || slash + 1 == words[1].size())
      return "'address' takes a channel and a profile: CHANNEL/PROFILE";
    result.command = command::make_address;
    result.name = words[1];
    return {};
  }
  if (words.size() == 2 && words[1] == "list") {
    result.command = command::list_keys;
    return {};
  }
  if (words.size() == 3 && words[1] == "revoke") {
    result.command = command::revoke_key;
    result.name = words[2];
    return {};
  }
  if (words.size() != 3 || !creates)
    return "'keys' takes list, create with a name, or revoke with a key's id";
  if (given.count("role") == 0)
    return "'keys create' needs --role: watch, viewer, operator or admin";
  result.command = command::create_key;
  result.label = words[2];
  result.role = given["role"].as<std::string>();
  if (given.count("channel") > 0)
    result.channels = given["channel"].as<std::vector<std::string>>();
  return {};
}

std::optional<std::string> parse_nodes(const std::vector<std::string>& words, const po::variables_map& given,
                                       options& result) {
  auto is_token = words[0] == "join-token";
  auto what = words.size() > 1 ? words[1] : std::string{};
  auto creates = is_token && what == "create" && words.size() == 2;
  for (auto name : {"ttl", "uses"})
    if (given.count(name) > 0 && !creates)
      return std::string{"--"} + name + " is only for 'join-token create'";
  if (given.count("role") > 0 && !creates && result.command != command::create_key)
    return "--role is only for 'keys create' and 'join-token create'";
  if (!is_token && words[0] != "nodes")
    return {};
  if (creates) {
    auto life = given.count("ttl") > 0 ? parse_life(given["ttl"].as<std::string>()) : int64_t{0};
    auto uses = given.count("uses") > 0 ? config::parse_integer(given["uses"].as<std::string>()) : int64_t{0};
    if (!life || !uses || *uses < 0)
      return "--ttl takes a duration such as 1h or 2d, and --uses a number of machines";
    result.command = command::create_token;
    result.role = given.count("role") > 0 ? given["role"].as<std::string>() : "worker";
    result.life_ms = *life;
    result.uses = *uses;
    return {};
  }
  if (words.size() == (what == "list" ? 2u : 3u) && (what == "list" || what == "revoke")) {
    auto lists = what == "list";
    result.command = is_token ? (lists ? command::list_tokens : command::revoke_token)
                              : (lists ? command::list_nodes : command::revoke_node);
    result.name = lists ? std::string{} : words[2];
    return {};
  }
  return is_token ? "'join-token' takes create, list, or revoke with a token's id"
                  : "'nodes' takes list, or revoke with a node's name";
}

} // namespace troupe::ctl

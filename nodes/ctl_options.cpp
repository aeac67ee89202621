#include "nodes/ctl_options.hpp"

#include <array>
#include <sstream>
#include <string_view>

#include <boost/program_options.hpp>

namespace troupe::ctl {

namespace {

namespace po = boost::program_options;

constexpr const char* default_url = "http://127.0.0.1:8080";

struct entry {
  std::string_view name;
  ctl::command command;
  bool takes_name;
  std::string_view about;
};

constexpr std::array<entry, 8> entries{{
  {"daemons", command::daemons, false, "the workers, their health and load"},
  {"channels", command::channels, false, "the channels that can be watched"},
  {"profiles", command::profiles, false, "the renditions that they can be watched in"},
  {"sessions", command::sessions, false, "the channels that run now, and who transcodes them"},
  {"top", command::top, false, "everything that goes on, redrawn each second; q and Enter, or Ctrl-C, end it"},
  {"drain", command::drain, true, "give a worker no new work"},
  {"resume", command::resume, true, "take a drained worker back"},
  {"remove", command::remove, true, "forget a worker and end its tasks"},
}};

po::options_description described() {
  po::options_description result{"Options"};
  result.add_options()                                                                                           //
    ("url", po::value<std::string>(), "the coordinator; TROUPE_URL where not given, else http://127.0.0.1:8080") //
    ("json", po::bool_switch(), "the API's answer as it is")                                                     //
    ("wait", po::bool_switch(), "drain: return when all that ran there runs elsewhere or has ended")             //
    ("help,h", po::bool_switch(), "this text")                                                                   //
    ("version", po::bool_switch(), "the version of this program");
  return result;
}

std::string known_commands() {
  std::string result;
  for (auto& e : entries)
    result += (result.empty() ? "" : ", ") + std::string{e.name};
  return result;
}

tl::expected<std::string, std::string> checked_url(std::string url) {
  while (url.ends_with('/'))
    url.pop_back();
  auto scheme = url.starts_with("http://") ? 7u : url.starts_with("https://") ? 8u : 0u;
  if (scheme == 0 || url.size() == scheme)
    return tl::unexpected("'" + url + "' is no URL of a coordinator; write one such as " + default_url);
  return url;
}

} // namespace

std::string usage() {
  std::ostringstream text;
  text << "caf-ctl: look at a Troupe cluster and steer it\n\nUsage: caf-ctl [options] COMMAND [NAME]\n\nCommands:\n";
  for (auto& e : entries) {
    auto left = std::string{e.name} + (e.takes_name ? " NAME" : "");
    left.resize(16, ' ');
    text << "  " << left << e.about << '\n';
  }
  text
    << "\n"
    << described()
    << "\nNAME is a worker's name or id. Exit codes: 0 done, 1 the coordinator says no, 2 wrong arguments, 3 no coordinator "
       "answers.\n";
  return std::move(text).str();
}

tl::expected<options, std::string> parse_options(const std::vector<std::string>& args,
                                                 const std::optional<std::string>& environment_url) {
  auto visible = described();
  po::options_description all;
  all.add(visible).add_options()("words", po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add("words", -1);
  po::variables_map given;
  try {
    po::store(po::command_line_parser(args).options(all).positional(positions).run(), given);
  } catch (const po::error& e) {
    return tl::unexpected(std::string{e.what()} + "; caf-ctl --help lists what there is");
  }
  options result;
  if (given["help"].as<bool>())
    return result;
  if (given["version"].as<bool>()) {
    result.command = command::version;
    return result;
  }
  auto words = given.count("words") > 0 ? given["words"].as<std::vector<std::string>>() : std::vector<std::string>{};
  if (words.empty())
    return tl::unexpected("a command is missing: one of " + known_commands());
  auto known = entries.begin();
  while (known != entries.end() && known->name != words[0])
    ++known;
  if (known == entries.end())
    return tl::unexpected("'" + words[0] + "' is no command: write one of " + known_commands());
  result.command = known->command;
  if (words.size() != (known->takes_name ? 2u : 1u) || words.back().empty())
    return tl::unexpected("'" + words[0] + "' takes "
                          + (known->takes_name ? "the name of one worker" : "no further words"));
  if (known->takes_name)
    result.name = words[1];
  result.wait = given["wait"].as<bool>();
  if (result.wait && result.command != command::drain)
    return tl::unexpected(std::string{"--wait goes with 'drain' alone"});
  auto url =
    checked_url(given.count("url") > 0 ? given["url"].as<std::string>() : environment_url.value_or(default_url));
  if (!url)
    return tl::unexpected(url.error());
  result.url = std::move(*url);
  result.json = given["json"].as<bool>();
  return result;
}

} // namespace troupe::ctl

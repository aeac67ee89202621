#include "nodes/ctl_options.hpp"

#include "nodes/ctl_http.hpp"

#include <array>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

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

constexpr std::array<entry, 9> entries{{
  {"daemons", command::daemons, false, "the workers, their health and load"},
  {"channels", command::channels, false, "the channels that can be watched"},
  {"profiles", command::profiles, false, "the renditions that they can be watched in"},
  {"presets", command::presets, false, "the renditions by name that files can be transcoded to"},
  {"sessions", command::sessions, false, "the channels that run now, and who transcodes them"},
  {"top", command::top, false, "everything that goes on, redrawn each second; q and Enter, or Ctrl-C, end it"},
  {"drain", command::drain, true, "give a worker no new work"},
  {"resume", command::resume, true, "take a drained worker back"},
  {"remove", command::remove, true, "forget a worker and end its tasks"},
}};

/// Commands of more words.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> longer_entries{{
  {"transcode IN -o OUT", "transcode a file on all workers at once"},
  {"jobs list", "the file jobs, newest first"},
  {"jobs show ID", "one of them, with its chunks and its history"},
  {"jobs placement ID", "where its parts are made, why there and nowhere else"},
  {"jobs follow ID", "watch it to its end"},
  {"jobs logs ID", "what it and its codecs said"},
  {"jobs cancel ID", "end it"},
  {"jobs pause ID", "stop all work at it; what is finished is kept"},
  {"jobs resume ID", "go on with one that is paused"},
  {"jobs retry ID", "try one again that failed"},
  {"jobs remove ID", "forget one that has ended; its result stays"},
}};

/// What `transcode` takes beside files and switches.
constexpr std::array settings{
  std::pair{"profile", "a preset's or a profile's name: its settings, where no other is given"},
  std::pair{"container", "mp4, mov, mkv, webm or ts; else the output's extension tells"},
  std::pair{"video-encoder", "a codec (h264), an encoder (libx264), copy or none"},
  std::pair{"preset", "the encoder's trade of time for size"},
  std::pair{"crf", "constant quality on the encoder's own scale"},
  std::pair{"bitrate", "of the video, such as 4M"},
  std::pair{"height", "pixels"},
  std::pair{"width", "pixels"},
  std::pair{"fit",
            "a picture of another shape than width and height: inside (the default), pad with black, or stretch"},
  std::pair{"fps", "frames a second, such as 25 or 30000/1001"},
  std::pair{"audio-encoder", "a codec (aac), an encoder (libopus), copy or none"},
  std::pair{"audio-bitrate", "such as 128k"},
  std::pair{"chunk-seconds", "wanted length of the pieces"},
  std::pair{"chunk-frames", "the same in pictures"},
  std::pair{"limits", "of its tasks: cpu=1.5,memory=2GiB,disk=10GiB,time=2h,nice=10,ionice=idle"},
  std::pair{"priority", "live, high, medium, low or batch"},
  std::pair{"queue", "live, default or batch"},
  std::pair{"callback", "a URL of http or https that is told of the end"},
};

po::options_description described_transcode() {
  po::options_description result{"Options of transcode"};
  result.add_options()                                                                                                //
    ("output,o", po::value<std::string>(), "the file to make")                                                        //
    ("overwrite", po::bool_switch(), "replace it where it exists")                                                    //
    ("local", po::bool_switch(), "on this machine alone, without a coordinator: one is started for this job")         //
    ("upload", po::bool_switch(), "send the file and fetch the result; so always where the coordinator is elsewhere") //
    ("direct", po::bool_switch(), "never do: the coordinator has the same files")                                     //
    ("detach", po::bool_switch(), "return when the job is taken, print its id");
  for (auto& [name, about] : settings)
    result.add_options()(name, po::value<std::string>(), about);
  return result;
}

po::options_description described_list() {
  po::options_description result{"Options of jobs list, with --queue"};
  using texts = std::vector<std::string>;
  result.add_options()                                                                   //
    ("state", po::value<texts>(), "only jobs in this state; several times for several")  //
    ("text", po::value<texts>(), "only jobs whose name has this in it, or with that id") //
    ("limit", po::value<texts>(), "rows of a page")                                      //
    ("after", po::value<texts>(), "the page behind that one")                            //
    ("all", po::bool_switch(), "every page");
  return result;
}

/// A path as it is elsewhere, too; a URL as it is.
std::string absolute(const std::string& path) {
  if (path.empty() || path.find("://") != std::string::npos)
    return path;
  std::error_code failed;
  auto result = std::filesystem::absolute(path, failed);
  return failed ? path : result.lexically_normal().string();
}

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
  return result + ", transcode, jobs";
}

tl::expected<std::string, std::string> checked_url(std::string url) {
  while (url.ends_with('/'))
    url.pop_back();
  auto scheme = url.starts_with("http://") ? 7u : url.starts_with("https://") ? 8u : 0u;
  if (scheme == 0 || url.size() == scheme)
    return tl::unexpected("'" + url + "' is no URL of a coordinator; write one such as " + default_url);
  return url;
}

/// What is wrong, if anything is.
std::optional<std::string> parse_transcode(const std::vector<std::string>& words, const po::variables_map& given,
                                           options& result) {
  auto here = words[0] == "transcode";
  auto lists = words[0] == "jobs" && words.size() > 1 && words[1] == "list";
  for (auto& [name, about] : settings)
    if (given.count(name) > 0) {
      if (lists && std::string_view{name} == "queue")
        continue;
      if (!here)
        return std::string{"--"} + name + " goes with 'transcode' alone";
      result.settings[name] = given[name].as<std::string>();
    }
  if (!lists)
    for (auto name : {"state", "text", "limit", "after"})
      if (given.count(name) > 0)
        return std::string{"--"} + name + " goes with 'jobs list' alone";
  if (!here)
    return given["local"].as<bool>() ? std::optional<std::string>{"--local goes with 'transcode' alone"} : std::nullopt;
  if (words.size() != 2 || given.count("output") == 0)
    return "'transcode' takes one file to read, and --output (-o) with the file to make";
  result.command = command::transcode;
  result.input = absolute(words[1]);
  result.output = absolute(given["output"].as<std::string>());
  result.overwrite = given["overwrite"].as<bool>();
  result.detach = given["detach"].as<bool>();
  result.local = given["local"].as<bool>();
  if (result.local && result.detach)
    return "--detach needs a coordinator that stays: leave it out, or --local";
  result.upload = given["upload"].as<bool>();
  result.direct = given["direct"].as<bool>();
  if (result.direct && result.upload)
    return "--upload and --direct exclude each other";
  if (result.local && result.upload)
    return "--local needs nothing sent: leave out --upload";
  return {};
}

std::optional<std::string> parse_jobs(const std::vector<std::string>& words, const po::variables_map& given,
                                      options& result) {
  auto what = words.size() > 1 ? words[1] : std::string{};
  if (what == "list" && words.size() == 2) {
    result.command = command::list_jobs;
    for (auto name : {"state", "text", "limit", "after"})
      if (given.count(name) > 0)
        for (auto& value : given[name].as<std::vector<std::string>>())
          result.filter += (result.filter.empty() ? "?" : "&") + std::string{name} + "=" + encoded(value);
    if (given.count("queue") > 0)
      result.filter += (result.filter.empty() ? "?queue=" : "&queue=") + encoded(given["queue"].as<std::string>());
    result.all = given["all"].as<bool>();
    return {};
  }
  constexpr std::pair<std::string_view, ctl::command> of_one[] = {
    {"show", command::show_job},     {"follow", command::follow_job}, {"cancel", command::cancel_job},
    {"pause", command::pause_job},   {"resume", command::resume_job}, {"retry", command::retry_job},
    {"remove", command::remove_job}, {"logs", command::job_logs},     {"placement", command::job_placement}};
  for (auto& [name, command] : of_one)
    if (what == name && words.size() == 3) {
      result.command = command;
      result.name = words[2];
      return {};
    }
  return "'jobs' takes list, or one of show, placement, follow, logs, cancel, pause, resume, retry, remove with the id of a job";
}

} // namespace

std::string usage() {
  std::ostringstream text;
  text << "caf-ctl: look at a Troupe cluster and steer it\n\nUsage: caf-ctl [options] COMMAND [NAME]\n\nCommands:\n";
  for (auto& e : entries) {
    auto left = std::string{e.name} + (e.takes_name ? " NAME" : "");
    left.resize(22, ' ');
    text << "  " << left << e.about << '\n';
  }
  for (auto& [name, about] : longer_entries) {
    std::string left{name};
    left.resize(22, ' ');
    text << "  " << left << about << '\n';
  }
  text
    << "\n"
    << described() << "\n"
    << described_transcode() << "\n"
    << described_list()
    << "\nNAME is a worker's name or id, ID that of a job. Exit codes: 0 done, 1 the coordinator says no or the job failed, 2 wrong arguments, 3 no coordinator "
       "answers.\n";
  return std::move(text).str();
}

tl::expected<options, std::string> parse_options(const std::vector<std::string>& args,
                                                 const std::optional<std::string>& environment_url) {
  auto visible = described();
  po::options_description all;
  all.add(visible)
    .add(described_transcode())
    .add(described_list())
    .add_options()("words", po::value<std::vector<std::string>>());
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
  auto url =
    checked_url(given.count("url") > 0 ? given["url"].as<std::string>() : environment_url.value_or(default_url));
  if (!url)
    return tl::unexpected(url.error());
  result.url = std::move(*url);
  result.json = given["json"].as<bool>();
  if (auto wrong = parse_transcode(words, given, result))
    return tl::unexpected(*wrong);
  if (words[0] == "transcode")
    return result;
  if (words[0] == "jobs") {
    if (auto wrong = parse_jobs(words, given, result))
      return tl::unexpected(*wrong);
    return result;
  }
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
  return result;
}

} // namespace troupe::ctl

#include "ctl/options.hpp"

#include "ctl/http.hpp"
#include "ctl/options_trust.hpp"

#include <algorithm>
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

constexpr std::array<entry, 11> entries{{
  {"daemons", command::daemons, false, "list the workers with their health and load"},
  {"channels", command::channels, false, "list the channels that clients can watch"},
  {"profiles", command::profiles, false, "list the profiles that channels can be watched in"},
  {"presets", command::presets, false, "list the presets for transcoding files"},
  {"sessions", command::sessions, false, "list the running channels and the workers that transcode them"},
  {"viewers", command::viewers, false, "list who watches, by which format and since when"},
  {"audit", command::audit, false, "list who changed what, newest first"},
  {"top", command::top, false, "show all activity, redrawn each second; end it with q and Enter, or Ctrl-C"},
  {"drain", command::drain, true, "stop giving a worker new work"},
  {"resume", command::resume, true, "give a drained worker work again"},
  {"remove", command::remove, true, "forget a worker and end its tasks"},
}};

/// Commands of more than one word.
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> longer_entries{{
  {"transcode IN -o OUT", "transcode a file on all workers at once"},
  {"jobs list", "list the file jobs, newest first"},
  {"jobs show ID", "show a job with its chunks and its history"},
  {"jobs placement ID", "show which workers make its parts, and why the others do not"},
  {"jobs follow ID", "watch a job until it ends"},
  {"jobs logs ID", "show the messages of a job and its codecs"},
  {"jobs cancel ID", "cancel a job"},
  {"jobs pause ID", "pause a job; its finished chunks are kept"},
  {"jobs resume ID", "resume a paused job"},
  {"jobs retry ID", "run a failed job again"},
  {"jobs remove ID", "forget a job that has ended; its result stays"},
  {"keys list", "list the keys of the API"},
  {"keys create NAME", "make a key and print it, once; --role, --channel, --expires"},
  {"keys revoke ID", "end a key, its sessions and its addresses"},
  {"address CHANNEL/PROFILE", "print an address by which a player may watch without a key; --expires"},
  {"join-token create", "make a token by which machines join, and print it, once; --ttl, --uses"},
  {"join-token list", "list the join tokens"},
  {"join-token revoke ID", "end a join token; nodes that joined by it stay"},
  {"nodes list", "list the certificates of the nodes that joined"},
  {"nodes revoke NAME", "end a node's certificates and its connections"},
}};

constexpr std::array settings{
  setting{"profile", "profile", "name of a preset or profile; its settings apply unless others are given"},
  setting{"container", "container", "mp4, mov, mkv, webm or ts; by default from the output's extension"},
  setting{"video-encoder", "video.codec", "a codec (h264), an encoder (libx264), copy or none"},
  setting{"preset", "video.preset", "the encoder's preset: speed against size, such as medium"},
  setting{"tune", "video.tune", "the encoder's tuning, such as film or animation"},
  setting{"video-profile", "video.profile", "the codec's profile, such as high or main10"},
  setting{"level", "video.level", "the codec's level, such as 4.1"},
  setting{"crf", "video.crf", "constant quality on the encoder's own scale"},
  setting{"bitrate", "video.bit_rate", "average bit rate of the video, such as 4M"},
  setting{"max-bitrate", "video.max_bit_rate", "highest bit rate of the video, over a buffer of one second"},
  setting{"height", "video.height", "of the video, in pixels"},
  setting{"width", "video.width", "of the video, in pixels"},
  setting{"fit", "video.fit",
          "if the picture's shape differs from width and height: inside (the default), pad with black, or stretch"},
  setting{"fps", "video.frame_rate", "frames a second, such as 25 or 30000/1001"},
  setting{"pixel-format", "video.pixel_format", "libav*'s name, such as yuv420p"},
  setting{"deinterlace", "video.deinterlace", "auto (the default), field (one picture per field) or off"},
  setting{"keyframe-interval", "video.keyframe_interval", "the longest time between keyframes, such as 2s"},
  setting{"b-frames", "video.b_frames", "the most B-frames in a row"},
  setting{"video-options", "video.options", "encoder options: NAME=VALUE, separated by commas"},
  setting{"audio-encoder", "audio.codec", "a codec (aac), an encoder (libopus), copy or none"},
  setting{"audio-bitrate", "audio.bit_rate", "bit rate of the sound, such as 128k"},
  setting{"audio-channels", "audio.channel_layout", "mono, stereo, 5.1 and the like; by default as in the source"},
  setting{"sample-rate", "audio.sample_rate", "of the sound, in Hz"},
  setting{"audio-options", "audio.options", "encoder options: NAME=VALUE, separated by commas"},
  setting{"chunk-seconds", "chunk.seconds", "target length of a chunk, in seconds"},
  setting{"chunk-frames", "chunk.frames", "target length of a chunk, in pictures"},
  setting{"limits", "limits", "limits of the job's tasks: cpu=1.5,memory=2GiB,disk=10GiB,time=2h,nice=10,ionice=idle"},
  setting{"priority", "priority", "live, high, medium, low or batch"},
  setting{"queue", "queue", "live, default or batch"},
  setting{"callback", "callback", "an HTTP or HTTPS URL to notify when the job ends"},
};

po::options_description described_transcode() {
  po::options_description result{"Options of transcode"};
  result.add_options()                                                                            //
    ("output,o", po::value<std::string>(), "the file to write")                                   //
    ("overwrite", po::bool_switch(), "replace the output if it exists")                           //
    ("local", po::bool_switch(), "use this machine alone: a coordinator is started for this job") //
    ("upload", po::bool_switch(),
     "send the input and fetch the result; the default if the coordinator is on another machine")         //
    ("direct", po::bool_switch(), "never send or fetch files: client and coordinator see the same paths") //
    ("detach", po::bool_switch(), "print the job's id and return once the job is accepted");
  for (auto& x : settings)
    result.add_options()(x.option.data(), po::value<std::string>(), x.about.data());
  return result;
}

po::options_description described_list() {
  po::options_description result{"Options of jobs list (and --queue)"};
  using texts = std::vector<std::string>;
  result.add_options()                                                                      //
    ("state", po::value<texts>(), "only jobs in this state; repeat it for several states")  //
    ("text", po::value<texts>(), "only jobs with this text in their name, or with this id") //
    ("limit", po::value<texts>(), "number of jobs on a page")                               //
    ("after", po::value<texts>(), "the page after the one that printed this value")         //
    ("all", po::bool_switch(), "all pages");
  return result;
}

po::options_description described_audit() {
  po::options_description result{"Options of audit (and --text, --limit, --after, --all)"};
  using texts = std::vector<std::string>;
  result.add_options()                                                       //
    ("by", po::value<texts>(), "only what was done with the key of this id") //
    ("address", po::value<texts>(), "only what was done from this address");
  return result;
}

/// Of these options of lists, those that were given, as a URL query.
std::string query_of(const po::variables_map& given,
                     std::initializer_list<std::pair<const char*, const char*>> parameters) {
  std::string result;
  for (auto& [option, parameter] : parameters)
    if (given.count(option) > 0)
      for (auto& value : given[option].as<std::vector<std::string>>())
        result += (result.empty() ? "?" : "&") + std::string{parameter} + "=" + encoded(value);
  return result;
}

/// An absolute path, valid from any folder; a URL stays unchanged.
std::string absolute(const std::string& path) {
  if (path.empty() || path.find("://") != std::string::npos)
    return path;
  std::error_code failed;
  auto result = std::filesystem::absolute(path, failed);
  return failed ? path : result.lexically_normal().string();
}

po::options_description described() {
  po::options_description result{"Options"};
  result.add_options()                                                                                      //
    ("url", po::value<std::string>(), "the coordinator; by default TROUPE_URL, else http://127.0.0.1:8080") //
    ("key-file", po::value<std::string>(),
     "file with the key of the API; by default TROUPE_KEY, TROUPE_KEY_FILE, or the coordinator's first key on this "
     "machine")                                                                                 //
    ("json", po::bool_switch(), "print the API's answer unchanged")                             //
    ("wait", po::bool_switch(), "drain: return when all work of the worker has moved or ended") //
    ("help,h", po::bool_switch(), "show this text")                                             //
    ("version", po::bool_switch(), "show the version of this program");
  return result;
}

std::string known_commands() {
  std::string result;
  for (auto& e : entries)
    result += (result.empty() ? "" : ", ") + std::string{e.name};
  return result + ", transcode, jobs, keys, address, join-token, nodes";
}

bool is_command(std::string_view word) {
  return word == "transcode" || word == "jobs" || word == "keys" || word == "address" || word == "join-token"
         || word == "nodes" || std::any_of(entries.begin(), entries.end(), [word](auto& e) { return e.name == word; });
}

tl::expected<std::string, std::string> checked_url(std::string url) {
  while (url.ends_with('/'))
    url.pop_back();
  auto scheme = url.starts_with("http://") ? 7u : url.starts_with("https://") ? 8u : 0u;
  if (scheme == 0 || url.size() == scheme)
    return tl::unexpected("'" + url + "' is not a coordinator's URL; use one such as " + default_url);
  return url;
}

/// The mistake in the arguments, if there is one.
std::optional<std::string> parse_transcode(const std::vector<std::string>& words, const po::variables_map& given,
                                           options& result) {
  auto here = words[0] == "transcode";
  auto lists = words[0] == "jobs" && words.size() > 1 && words[1] == "list";
  for (auto& x : settings) {
    const std::string name{x.option};
    if (given.count(name) > 0) {
      if (lists && name == "queue")
        continue;
      if (!here)
        return "--" + name + " is only for 'transcode'";
      result.settings[name] = given[name].as<std::string>();
    }
  }
  auto audits = words[0] == "audit";
  for (auto name : {"state", "text", "limit", "after"})
    if (given.count(name) > 0 && !lists && (!audits || std::string_view{name} == "state"))
      return std::string{"--"} + name + " is only for 'jobs list'";
  for (auto name : {"by", "address"})
    if (given.count(name) > 0 && !audits)
      return std::string{"--"} + name + " is only for 'audit'";
  if (!here)
    return given["local"].as<bool>() ? std::optional<std::string>{"--local is only for 'transcode'"} : std::nullopt;
  if (words.size() != 2 || given.count("output") == 0)
    return "'transcode' takes one input file, and --output (-o) with the file to write";
  result.command = command::transcode;
  result.input = absolute(words[1]);
  result.output = absolute(given["output"].as<std::string>());
  result.overwrite = given["overwrite"].as<bool>();
  result.detach = given["detach"].as<bool>();
  result.local = given["local"].as<bool>();
  if (result.local && result.detach)
    return "--detach needs a coordinator that keeps running: leave out --detach or --local";
  result.upload = given["upload"].as<bool>();
  result.direct = given["direct"].as<bool>();
  if (result.direct && result.upload)
    return "--upload and --direct exclude each other";
  if (result.local && result.upload)
    return "--local sends no files: leave out --upload";
  return {};
}

std::optional<std::string> parse_jobs(const std::vector<std::string>& words, const po::variables_map& given,
                                      options& result) {
  auto what = words.size() > 1 ? words[1] : std::string{};
  if (what == "list" && words.size() == 2) {
    result.command = command::list_jobs;
    result.filter = query_of(given, {{"state", "state"}, {"text", "text"}, {"limit", "limit"}, {"after", "after"}});
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
  return "'jobs' takes list, or one of show, placement, follow, logs, cancel, pause, resume, retry and remove with a "
         "job's id";
}

} // namespace

std::span<const setting> transcode_settings() {
  return settings;
}

std::string usage(const std::string& topic) {
  std::ostringstream text;
  auto row = [&text](std::string left, std::string_view about) {
    left.resize(22, ' ');
    text << "  " << left << about << '\n';
  };
  auto wanted = [&topic](std::string_view command) {
    return topic.empty() || command.substr(0, command.find(' ')) == topic;
  };
  text << "caf-ctl: inspect and control a Troupe cluster\n\nUsage: caf-ctl [options] COMMAND [NAME]\n\nCommands:\n";
  for (auto& e : entries)
    if (wanted(e.name))
      row(std::string{e.name} + (e.takes_name ? " NAME" : ""), e.about);
  for (auto& [name, about] : longer_entries)
    if (wanted(name))
      row(std::string{name}, about);
  if (topic.empty())
    row("help COMMAND", "show the help for one command");
  text << "\n" << described() << "\n";
  if (wanted("transcode"))
    text << described_transcode() << "\n";
  if (wanted("jobs"))
    text << described_list() << "\n";
  if (wanted("audit"))
    text << described_audit() << "\n";
  if (wanted("keys") || wanted("address") || wanted("join-token"))
    text << described_keys() << "\n";
  text
    << "NAME is a worker's name or id, ID is the id of a job, key or token. Exit codes: 0 success, 1 the coordinator refuses or the job "
       "failed,\n2 wrong arguments, 3 no coordinator answers.\n";
  return std::move(text).str();
}

tl::expected<options, std::string> parse_options(const std::vector<std::string>& args,
                                                 const std::optional<std::string>& environment_url) {
  auto visible = described();
  po::options_description all;
  all.add(visible)
    .add(described_transcode())
    .add(described_list())
    .add(described_audit())
    .add(described_keys())
    .add_options()("words", po::value<std::vector<std::string>>());
  po::positional_options_description positions;
  positions.add("words", -1);
  po::variables_map given;
  try {
    po::store(po::command_line_parser(args).options(all).positional(positions).run(), given);
  } catch (const po::error& e) {
    return tl::unexpected(std::string{e.what()} + "; caf-ctl --help lists all commands and options");
  }
  options result;
  auto words = given.count("words") > 0 ? given["words"].as<std::vector<std::string>>() : std::vector<std::string>{};
  auto asks = !words.empty() && words[0] == "help";
  if (asks)
    words.erase(words.begin());
  if (asks || given["help"].as<bool>()) {
    if (words.size() > 1 && words[0] != "jobs" && asks)
      return tl::unexpected(std::string{"'help' takes the name of one command"});
    if (!words.empty() && !is_command(words[0]))
      return tl::unexpected("'" + words[0] + "' is not a command: use one of " + known_commands());
    result.topic = words.empty() ? std::string{} : words[0];
    return result;
  }
  if (given["version"].as<bool>()) {
    result.command = command::version;
    return result;
  }
  if (words.empty())
    return tl::unexpected("a command is missing: use one of " + known_commands());
  auto url =
    checked_url(given.count("url") > 0 ? given["url"].as<std::string>() : environment_url.value_or(default_url));
  if (!url)
    return tl::unexpected(url.error());
  result.url = std::move(*url);
  result.json = given["json"].as<bool>();
  if (given.count("key-file") > 0)
    result.key_file = given["key-file"].as<std::string>();
  if (auto wrong = parse_transcode(words, given, result))
    return tl::unexpected(*wrong);
  if (auto wrong = parse_keys(words, given, result))
    return tl::unexpected(*wrong);
  if (auto wrong = parse_nodes(words, given, result))
    return tl::unexpected(*wrong);
  if (words[0] == "transcode" || words[0] == "keys" || words[0] == "address" || words[0] == "join-token"
      || words[0] == "nodes")
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
    return tl::unexpected("'" + words[0] + "' is not a command: use one of " + known_commands());
  result.command = known->command;
  if (words.size() != (known->takes_name ? 2u : 1u) || words.back().empty())
    return tl::unexpected("'" + words[0] + "' takes "
                          + (known->takes_name ? "the name of one worker" : "no further words"));
  if (known->takes_name)
    result.name = words[1];
  if (result.command == command::audit) {
    result.filter = query_of(
      given, {{"by", "key"}, {"address", "address"}, {"text", "text"}, {"limit", "limit"}, {"after", "after"}});
    result.all = given["all"].as<bool>();
  }
  result.wait = given["wait"].as<bool>();
  if (result.wait && result.command != command::drain)
    return tl::unexpected(std::string{"--wait is only for 'drain'"});
  return result;
}

} // namespace troupe::ctl

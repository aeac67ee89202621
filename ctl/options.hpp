// The command line of caf-ctl.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::ctl {

/// A setting of a transcode: an option of `transcode`, and the member of an order that it is.
struct setting {
  std::string_view option; ///< "bitrate"
  std::string_view member; ///< "video.bit_rate"
  std::string_view about;
};

/// All of them, in the order of the help text.
std::span<const setting> transcode_settings();

enum class command : uint8_t {
  help,
  version,
  daemons,
  channels,
  profiles,
  presets,
  sessions,
  top,
  drain,
  resume,
  remove,
  transcode,
  list_jobs,
  show_job,
  job_placement,
  follow_job,
  cancel_job,
  pause_job,
  resume_job,
  retry_job,
  remove_job,
  job_logs
};

struct options {
  ctl::command command = ctl::command::help;
  std::string url; ///< of the coordinator, without a slash at the end
  bool json = false;
  bool wait = false; ///< `drain` returns when nothing runs there any more
  std::string name;  ///< of the worker or the id of the job, where the command takes one
  std::string input; ///< of `transcode`: absolute path or URL
  std::string output;
  bool overwrite = false;
  bool upload = false;                         ///< `transcode` sends the input and fetches the result
  bool direct = false;                         ///< or never does
  bool all = false;                            ///< `jobs list` shows every page
  std::string filter;                          ///< of `jobs list`: the query
  bool detach = false;                         ///< `transcode` returns when the job is taken
  bool local = false;                          ///< `transcode` needs no coordinator: it starts a node for this job
  std::map<std::string, std::string> settings; ///< of `transcode`, by the option's name, where given
  std::string topic;                           ///< of `help`: a command; empty for all

  bool operator==(const options&) const = default;
};

/// What `--help` prints; with a command's first word, what that command takes.
std::string usage(const std::string& topic = {});

/// `args` without the program's name; `environment_url` is TROUPE_URL where it is set. The error says what is wrong and what is
/// accepted.
tl::expected<options, std::string> parse_options(const std::vector<std::string>& args,
                                                 const std::optional<std::string>& environment_url);

} // namespace troupe::ctl

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

/// A setting of a transcode: an option of `transcode`, and the order's member that it sets.
struct setting {
  std::string_view option; ///< "bitrate"
  std::string_view member; ///< "video.bit_rate"
  std::string_view about;
};

/// All settings, in the order of the help text.
std::span<const setting> transcode_settings();

enum class command : uint8_t {
  help,
  version,
  daemons,
  channels,
  profiles,
  presets,
  sessions,
  viewers,
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
  job_logs,
  list_keys,
  create_key,
  revoke_key,
  make_address,
  list_tokens,
  create_token,
  revoke_token,
  list_nodes,
  revoke_node,
  audit
};

struct options {
  ctl::command command = ctl::command::help;
  std::string url; ///< of the coordinator, without a trailing slash
  bool json = false;
  bool wait = false; ///< `drain` returns only when nothing runs on the worker any more
  std::string name;  ///< name of the worker or id of the job, if the command takes one
  std::string input; ///< of `transcode`: absolute path or URL
  std::string output;
  bool overwrite = false;
  bool upload = false;                         ///< `transcode` sends the input and fetches the result
  bool direct = false;                         ///< `transcode` never sends files
  bool all = false;                            ///< a list shows every page
  std::string filter;                          ///< of `jobs list` and `audit`: the URL query
  bool detach = false;                         ///< `transcode` returns as soon as the job is accepted
  bool local = false;                          ///< `transcode` starts a node for this job and needs no coordinator
  std::map<std::string, std::string> settings; ///< of `transcode`, by option name; only those that were given
  std::string key;                             ///< of the API; empty: none
  std::string key_file;                        ///< as given: the file with that key
  std::string role;                            ///< of `keys create` and `join-token create`
  std::vector<std::string> channels;           ///< of `keys create`, as `label` is
  std::string label;
  int64_t life_ms = 0; ///< of a new key, address or token; 0: the coordinator's default
  int64_t uses = 0;    ///< of a new token; 0: the coordinator's default
  std::string topic;   ///< of `help`: a command; empty for all

  bool operator==(const options&) const = default;
};

/// The text of `--help`; with a topic, only what that command takes.
std::string usage(const std::string& topic = {});

/// `args` without the program's name; `environment_url` is TROUPE_URL, if it is set. The error says what is wrong and
/// what is accepted.
tl::expected<options, std::string> parse_options(const std::vector<std::string>& args,
                                                 const std::optional<std::string>& environment_url);

} // namespace troupe::ctl

#include "config/load.hpp"

#include "config/text.hpp"
#include "config/validate.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace troupe::config {

namespace {

/// `text`, shortened for a message.
std::string shortened(std::string_view text) {
  const auto quoted = quote(text);
  return quoted.substr(1, quoted.rfind('"') - 1);
}

} // namespace

std::string to_string(const origin& x) {
  if (x.file.empty())
    return "default";
  if (!x.variable.empty())
    return x.file + ": " + shortened(x.variable);
  return x.line > 0 ? x.file + ':' + std::to_string(x.line) : x.file;
}

std::string to_string(const problem& x) {
  return to_string(x.from) + ": " + (x.key.empty() ? "" : shortened(x.key) + ": ") + x.text;
}

namespace {

/// True if `text` may be the name of an encoder option.
bool is_option_name(std::string_view name) {
  return is_valid_name(name) && name.find('.') == std::string_view::npos;
}

/// Merges the settings of one source after the other into a configuration, in rising precedence.
class merger {
public:
  explicit merger(loaded& target) : target_(target) {}

  void add(settings source) {
    ++level_;
    std::ranges::move(source.wrong, std::back_inserter(wrong_));
    std::ranges::move(source.warnings, std::back_inserter(target_.warnings));
    for (const auto& x : source.values)
      apply(x);
  }

  void add(problems found) {
    std::ranges::move(found, std::back_inserter(wrong_));
  }

  problems take_problems() {
    if (wrong_.size() > defaults::problems_max) {
      const auto left_out = wrong_.size() - defaults::problems_max;
      wrong_.resize(defaults::problems_max);
      wrong_.push_back({{}, {}, "and " + std::to_string(left_out) + " more"});
    }
    return std::move(wrong_);
  }

  bool failed() const {
    return !wrong_.empty();
  }

private:
  void wrong(const setting& x, std::string text) {
    wrong_.push_back({x.from, full_key(*x.row, x.names), std::move(text)});
  }

  void apply(const setting& x) {
    if (!x.names.empty() && !is_valid_name(x.names[0]))
      return wrong(x, quote(x.names[0]) + " is not a name: allowed are 1 to 64 letters, digits and . _ -");
    if (x.names.size() > 1 && !is_option_name(x.names[1]))
      return wrong(x, quote(x.names[1]) + " is not an encoder option: allowed are 1 to 64 letters, digits and _ -");
    const auto key = full_key(*x.row, x.names);
    // `url` and `urls` set the same value.
    const auto twin = key.ends_with(".urls")  ? key.substr(0, key.size() - 1)
                      : key.ends_with(".url") ? key + 's'
                                              : std::string{};
    if (const auto other = levels_.find(twin); other != levels_.end() && other->second == level_)
      return wrong(x, twin + " is set too: set only one of them");
    auto done = assign(*x.row, target_.config, x.names, part_of(x));
    if (!done)
      return wrong(x, std::move(done.error()));
    levels_.erase(twin);
    target_.origins.erase(twin);
    levels_[key] = level_;
    target_.origins[key] = x.from;
  }

  /// The value, with missing parts of an address filled in.
  raw_value part_of(const setting& x) {
    if (x.part == value_part::whole)
      return x.value;
    const auto place = x.row->at(target_.config, x.names);
    auto whole = *std::get<endpoint*>(place);
    const auto& text = x.value.items.front();
    if (x.part == value_part::host) {
      whole.host = text;
      return {{to_string(whole)}, false};
    }
    const auto bare = to_string(endpoint{whole.host, 0});
    return {{bare.substr(0, bare.size() - 1) + text}, false};
  }

  loaded& target_;
  problems wrong_;
  std::map<std::string, int> levels_; ///< the source that set each key last
  int level_ = 0;
};

struct file_closer {
  void operator()(std::FILE* x) const noexcept {
    std::fclose(x);
  }
};

tl::expected<std::string, complaint> read_file(const std::string& path) {
  const auto failed = [&path](int error) {
    return tl::unexpected("cannot read the configuration file " + quote(path) + ": " + std::strerror(error));
  };
  // Opening a pipe would block until a program writes to it.
  const auto descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0)
    return failed(errno);
  const std::unique_ptr<std::FILE, file_closer> file{::fdopen(descriptor, "rb")};
  if (!file) {
    const auto error = errno;
    ::close(descriptor);
    return failed(error);
  }
  struct stat status {};
  if (fstat(fileno(file.get()), &status) != 0)
    return failed(errno);
  if (S_ISDIR(status.st_mode))
    return failed(EISDIR);
  if (!S_ISREG(status.st_mode))
    return tl::unexpected("cannot read the configuration file " + quote(path) + ": it is no regular file");
  // One byte more than allowed reveals a file that is too large, whatever size it claims.
  std::string text(defaults::file_bytes_max + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0)
    return failed(EIO);
  return text;
}

std::string host_name() {
  std::array<char, 256> buffer{};
  if (gethostname(buffer.data(), buffer.size() - 1) != 0)
    return "node";
  std::string name{buffer.data()};
  name.resize(std::min(name.size(), defaults::name_bytes_max));
  return is_valid_name(name) ? name : "node";
}

std::string value_or_empty(const environment& variables, std::string_view name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string{} : found->second;
}

/// Where people and machines keep their media. The folder of root holds secrets instead.
std::vector<std::string> media_folders(const environment& variables) {
  std::vector<std::string> result{"/home", "/media", "/mnt", "/srv", "/data", "/run/media", "/tmp", "/var/tmp"};
  for (auto x : {value_or_empty(variables, "HOME"), value_or_empty(variables, "TMPDIR")})
    if (x.starts_with('/') && x != "/" && x != "/root")
      result.push_back(std::move(x));
  return result;
}

/// Where a person usually has keys and passwords.
std::vector<std::string> private_folders(const environment& variables) {
  std::vector<std::string> result;
  if (const auto home = value_or_empty(variables, "HOME"); home.starts_with('/'))
    for (auto name : {".ssh", ".gnupg", ".aws", ".kube", ".docker", ".config", ".mozilla", ".local/share/keyrings"})
      result.push_back(home + "/" + name);
  return result;
}

/// Fills in the defaults that depend on the machine, the user or other keys.
void complete(configuration& x, const environment& variables) {
  if (x.node.name.empty())
    x.node.name = host_name();
  if (x.node.state_dir.empty())
    x.node.state_dir = usual_state_dir(variables);
  if (x.jobs.store.empty())
    x.jobs.store = x.node.state_dir + "/jobs.db";
  if (x.jobs.work_dir.empty())
    x.jobs.work_dir = x.node.state_dir + "/jobs";
  if (x.cluster.token_file.empty())
    x.cluster.token_file = x.node.state_dir + "/cluster.token";
  if (x.cluster.authority_key_file.empty())
    x.cluster.authority_key_file = x.node.state_dir + "/authority.key";
  if (x.cluster.join_at.host.empty())
    x.cluster.join_at.host = x.cluster.coordinator.host;
  if (x.worker.capability_cache.empty())
    x.worker.capability_cache = x.node.state_dir + "/capabilities.json";
  if (x.paths.read.empty())
    x.paths.read = media_folders(variables);
  if (x.paths.write.empty())
    x.paths.write = media_folders(variables);
  if (x.task.hidden.empty())
    x.task.hidden = private_folders(variables);
  if (x.worker.slots == 0)
    x.worker.slots = std::max(1U, std::thread::hardware_concurrency());
}

struct file_text {
  std::string name;
  std::string text;
};

tl::expected<loaded, problems> merge(const file_text* file, command_line arguments, const environment& variables,
                                     bool with_variables, bool with_files) {
  loaded result;
  result.mode = arguments.mode;
  result.config.profiles = built_in_profiles();
  merger all{result};
  if (file != nullptr) {
    const auto tree = parse_yaml(file->text, file->name);
    if (tree)
      all.add(from_yaml(*tree, file->name, variables));
    else
      all.add(tree.error());
  }
  if (with_variables) {
    all.add(from_aliases(variables));
    all.add(from_environment(variables, result.config));
  }
  all.add(std::move(arguments.given));
  complete(result.config, variables);
  if (!all.failed())
    all.add(validate(result));
  if (!all.failed() && with_files)
    all.add(check_files(result));
  if (all.failed())
    return tl::unexpected(all.take_problems());
  return result;
}

} // namespace

std::string usual_state_dir(const environment& variables) {
  const auto state = value_or_empty(variables, "XDG_STATE_HOME");
  const auto home = value_or_empty(variables, "HOME");
  // A service without a home folder is a system service.
  return !state.empty() ? state + "/troupe" : !home.empty() ? home + "/.local/state/troupe" : "/var/lib/troupe";
}

tl::expected<loaded, problems> load(std::span<const std::string> arguments, const environment& variables) {
  auto line = from_arguments(arguments);
  if (line.mode == mode::help || line.mode == mode::version || line.mode == mode::print_reference) {
    loaded result;
    result.mode = line.mode;
    return result;
  }
  const auto from_variable = line.file.empty();
  const auto path = from_variable ? value_or_empty(variables, "TROUPE_CONFIG") : line.file;
  if (path.empty())
    return merge(nullptr, std::move(line), variables, true, true);
  auto text = read_file(path);
  if (!text) {
    const auto where =
      from_variable ? origin{"environment", 0, "TROUPE_CONFIG"} : origin{"command line", 0, "--config"};
    return tl::unexpected(problems{{where, {}, text.error()}});
  }
  const file_text file{path, std::move(*text)};
  return merge(&file, std::move(line), variables, true, true);
}

tl::expected<loaded, problems> load(int argc, const char* const* argv, const char* const* environ) {
  environment variables;
  for (auto entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    if (const auto equals = text.find('='); equals != std::string_view::npos)
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i)
    arguments.emplace_back(argv[i]);
  return load(arguments, variables);
}

tl::expected<loaded, problems> load_yaml(std::string_view text, std::string_view name, const environment& variables) {
  const file_text file{std::string{name}, std::string{text}};
  return merge(&file, {}, variables, false, false);
}

} // namespace troupe::config

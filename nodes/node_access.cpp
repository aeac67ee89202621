#include "nodes/node_access.hpp"

#include "config/print.hpp"
#include "core/trust/url_policy.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

namespace troupe::nodes {

namespace {

base::path_roots with_own(std::vector<std::string> folders, const char* key, const config::configuration& x) {
  folders.push_back(x.jobs.work_dir);
  folders.push_back(x.node.state_dir + "/work");
  auto closed = x.task.hidden;
  closed.push_back(x.node.state_dir);
  return {std::move(folders), key, std::move(closed)};
}

/// Whoever writes the configuration may name any file as a channel's source; its folder is then readable. The list is
/// no longer than a task's configuration may have it.
std::vector<std::string> readable(const config::configuration& x) {
  constexpr std::string_view scheme = "file:";
  std::set<std::string> folders;
  std::error_code ignored;
  for (auto& [name, channel] : x.channels)
    for (auto& url : channel.urls)
      if (auto path = url.starts_with(scheme) ? url.substr(scheme.size()) : url; path.find("://") == path.npos)
        folders.insert(std::filesystem::absolute(path, ignored).parent_path().string());
  auto result = x.paths.read;
  result.insert(result.end(), folders.begin(), folders.end());
  result.resize(std::min(result.size(), config::defaults::paths_max));
  return result;
}

std::string list_flag(std::string_view key, const std::vector<std::string>& x) {
  return "--" + std::string{key} + "=" + config::print_list(x);
}

std::string flag(std::string_view key, bool x) {
  return "--" + std::string{key} + "=" + (x ? "true" : "false");
}

} // namespace

base::path_roots source_files(const config::configuration& x) {
  return with_own(readable(x), "paths.read", x);
}

base::path_roots result_files(const config::configuration& x) {
  return with_own(x.paths.write, "paths.write", x);
}

std::shared_ptr<const av::source_access> source_access_of(const config::configuration& x) {
  return std::make_shared<const av::source_access>(core::url_policy{x.urls}, source_files(x));
}

std::vector<std::string> access_arguments(const config::configuration& x) {
  return {"--jobs.work_dir=" + x.jobs.work_dir,
          list_flag("paths.read", readable(x)),
          list_flag("paths.write", x.paths.write),
          list_flag("urls.schemes", x.urls.schemes),
          list_flag("urls.hosts", x.urls.hosts),
          list_flag("urls.networks", x.urls.networks),
          flag("urls.private_networks", x.urls.private_networks),
          flag("urls.loopback", x.urls.loopback)};
}

} // namespace troupe::nodes

#include "config/print.hpp"

#include "base/mask_url.hpp"
#include "config/option_value.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace troupe::config {

namespace {

constexpr std::string_view mask = "***";

/// A string as YAML in double quotes. In a file, each `${` is escaped.
std::string quoted_yaml(std::string_view text, bool in_file = true) {
  std::string result = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' || text[i] == '\\')
      result += '\\';
    if (in_file && text.substr(i, 2) == "${")
      result += '$';
    result += text[i];
  }
  return result + '"';
}

std::string list_of(const std::vector<std::string>& items) {
  std::string result;
  for (const auto& x : items)
    result += (result.empty() ? "[" : ", ") + x;
  return result.empty() ? "[]" : result + ']';
}

bool is_string(kind k) {
  return k == kind::text || k == kind::word || k == kind::name || k == kind::path || k == kind::url
         || k == kind::address || is_list(k);
}

std::string yaml_of(const option& row, const raw_value& value) {
  const auto item = [&row](const std::string& text) {
    if (row.secret)
      return quoted_yaml(text.empty() ? std::string_view{} : mask);
    if (row.kind == kind::url || row.kind == kind::url_list)
      return quoted_yaml(base::mask_url(text));
    return is_string(row.kind) ? quoted_yaml(text) : text;
  };
  if (!value.is_list)
    return item(value.items.front());
  std::vector<std::string> items;
  for (const auto& x : value.items)
    items.push_back(item(x));
  return list_of(items);
}

class yaml_writer {
public:
  explicit yaml_writer(const loaded& x) : config_(x.config), origins_(x.origins) {}

  std::string take() {
    for (const auto& row : options())
      if (row.key.find('*') == std::string_view::npos)
        line(row, {});
    for (const auto& name : names_of(config_.channels))
      entry("channels.", name, [](const option& row) { return row.key == "channels.*.urls"; });
    const auto fixed = built_in_profiles();
    for (const auto& name : names_of(config_.profiles))
      entry(
        "profiles.", name, [](const option& row) { return row.key.ends_with(".codec"); },
        fixed.contains(name) ? &fixed.at(name) : nullptr);
    for (const auto& name : names_of(config_.ladders))
      entry("ladders.", name, [](const option&) { return true; });
    return std::move(text_);
  }

private:
  template <class Map>
  static std::vector<std::string> names_of(const Map& map) {
    std::vector<std::string> result;
    result.reserve(map.size());
    for (const auto& [name, unused] : map)
      result.push_back(name);
    return result;
  }

  /// Prints the keys of a channel, profile or ladder that differ from the defaults or from the built-in profile.
  template <class Predicate>
  void entry(std::string_view prefix, const std::string& name, Predicate is_always_shown,
             const profile* built_in = nullptr) {
    configuration fresh;
    configuration fixed;
    if (built_in != nullptr)
      fixed.profiles.emplace(name, *built_in);
    for (const auto& row : options()) {
      if (!row.key.starts_with(prefix) || row.kind == kind::url)
        continue;
      if (row.key.ends_with(".options.*")) {
        encoder_options(row, name);
        continue;
      }
      const auto value = value_of(row, config_, {name}).items;
      if (is_always_shown(row) || value != value_of(row, fresh, {name}).items
          || (built_in != nullptr && value != value_of(row, fixed, {name}).items))
        line(row, {name});
    }
  }

  void encoder_options(const option& row, const std::string& profile_name) {
    const auto& x = config_.profiles.at(profile_name);
    const auto is_video = row.key.find(".video.") != std::string_view::npos;
    for (const auto& name : names_of(is_video ? x.video.options : x.audio.options))
      line(row, {profile_name, name});
  }

  void line(const option& row, const names& filled) {
    auto path = split_key(row.key);
    auto next = filled.begin();
    for (auto& part : path)
      if (part == "*")
        part = *next++;
    const auto common = static_cast<size_t>(std::ranges::mismatch(path, last_path_).in1 - path.begin());
    for (auto depth = common; depth + 1 < path.size(); ++depth)
      text_ += std::string(2 * depth, ' ') + key_of(path[depth]) + ":\n";
    text_ += std::string(2 * (path.size() - 1), ' ') + key_of(path.back()) + ": "
             + yaml_of(row, value_of(row, config_, filled));
    if (const auto from = origins_.find(full_key(row, filled)); from != origins_.end()) {
      const auto shown = quote(to_string(from->second));
      text_ += " # " + shown.substr(1, shown.rfind('"') - 1);
    }
    text_ += '\n';
    last_path_ = std::move(path);
  }

  /// Quotes names that YAML would read as another type ("1", "true", "-").
  static std::string key_of(const std::string& name) {
    const auto is_plain = std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
    return is_plain ? name : quoted_yaml(name);
  }

  configuration config_;
  const origins& origins_;
  std::vector<std::string> last_path_;
  std::string text_;
};

} // namespace

std::string print_list(const std::vector<std::string>& x) {
  std::vector<std::string> items;
  for (const auto& item : x)
    items.push_back(quoted_yaml(item, false));
  return list_of(items);
}

std::string print_yaml(const loaded& x) {
  return yaml_writer{x}.take();
}

std::string print_help() {
  std::string result = "caf-node [--role=coordinator|worker|all] [--config=FILE] [--KEY=VALUE ...]\n\n";
  const auto entry = [&result](std::string flag, std::string_view help) {
    constexpr size_t column = 40;
    flag = "  " + std::move(flag);
    result += flag + std::string(flag.size() + 1 < column ? column - flag.size() : 1, ' ') + std::string{help} + '\n';
  };
  for (const auto& x : special_flags())
    entry(std::string{x.flag}, x.help);
  result += '\n';
  for (const auto& row : options()) {
    entry("--" + std::string{row.key} + '=', describe_allowed(row) + "; default: " + describe_default(row));
    for (const auto flag : row.flags)
      if (flag != row.key)
        entry("--" + std::string{flag} + '=', "short for --" + std::string{row.key});
  }
  return result + "\nEvery key, what it means, and its environment variable: docs/configuration.md\n";
}

} // namespace troupe::config

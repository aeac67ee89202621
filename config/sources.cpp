// Reads values from a file's tree and from the command line; config/environment.cpp reads the environment.
#include "config/sources.hpp"

#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe::config {

namespace {

std::string join(std::span<const std::string> path) {
  std::string result;
  for (const auto& x : path)
    result += (result.empty() ? "" : ".") + x;
  return result;
}

/// Walks a file's tree and the table together.
class file_reader {
public:
  file_reader(std::string_view file, const environment& variables) : file_(file), variables_(variables) {}

  settings take() {
    return std::move(result_);
  }

  void read(const yaml_node& node) {
    if (const auto found = match_path(path_))
      read_value(node, *found);
    else if (is_section(path_))
      read_section(node);
    else
      wrong(node, "unknown key; " + suggest_key(join(path_)));
  }

private:
  void wrong(const yaml_node& node, std::string text) {
    if (result_.wrong.size() < defaults::problems_max)
      result_.wrong.push_back({{file_, node.line, {}}, join(path_), std::move(text)});
  }

  void read_section(const yaml_node& node) {
    if (node.is == yaml_node::type::null) {
      if (is_free_name())
        wrong(node, "has no keys; " + suggest_key(join(path_)));
    } else if (node.is != yaml_node::type::map) {
      wrong(node, "is a section, not a value; " + suggest_key(join(path_)));
    } else if (node.keys.empty() && is_free_name()) {
      wrong(node, "has no keys; " + suggest_key(join(path_)));
    } else {
      for (size_t i = 0; i < node.keys.size(); ++i) {
        path_.push_back(node.keys[i]);
        read(node.children[i]);
        path_.pop_back();
      }
    }
  }

  /// True if the path ends with a name that users choose: such a section must not be empty.
  bool is_free_name() const {
    return path_.size() == 2 && (path_[0] == "channels" || path_[0] == "profiles");
  }

  void read_value(const yaml_node& node, const matched& found) {
    setting x{found.row, found.names, {}, {file_, node.line, {}}};
    if (node.is == yaml_node::type::null)
      return wrong(node, "has no value: allowed is " + describe_allowed(*found.row));
    if (node.is == yaml_node::type::map)
      return wrong(node, "takes a value, not a section: allowed is " + describe_allowed(*found.row));
    x.value.is_list = node.is == yaml_node::type::list;
    if (!x.value.is_list)
      return read_scalar(node, std::move(x));
    for (const auto& item : node.children) {
      if (item.is != yaml_node::type::scalar)
        return wrong(item, "an entry of the list is no plain value");
      auto expanded = expand(item.text, variables_);
      if (!expanded)
        return wrong(item, expanded.error());
      x.value.items.push_back(std::move(*expanded));
    }
    result_.values.push_back(std::move(x));
  }

  void read_scalar(const yaml_node& node, setting x) {
    auto expanded = expand(node.text, variables_);
    if (!expanded)
      return wrong(node, expanded.error());
    x.value.items.push_back(std::move(*expanded));
    result_.values.push_back(std::move(x));
  }

  std::string file_;
  const environment& variables_;
  std::vector<std::string> path_;
  settings result_;
};

constexpr std::array<std::pair<std::string_view, mode>, 6> mode_flags{
  {{"check-config", mode::check_config},
   {"print-config", mode::print_config},
   {"print-config-reference", mode::print_reference},
   {"help", mode::help},
   {"h", mode::help},
   {"version", mode::version}}};

/// The row of a flag, found by its short form or its key.
std::optional<matched> match_flag(std::string_view flag) {
  for (const auto& row : options())
    if (std::ranges::find(row.flags, flag) != row.flags.end())
      return matched{&row, {}};
  return match_key(flag);
}

std::string suggest_flag(std::string_view flag) {
  std::vector<std::string_view> short_forms{"config"};
  for (const auto& [name, unused] : mode_flags)
    short_forms.push_back(name);
  for (const auto& row : options())
    short_forms.insert(short_forms.end(), row.flags.begin(), row.flags.end());
  if (const auto near = closest(flag, short_forms); !near.empty())
    return "did you mean --" + std::string{near} + "? (--help lists all)";
  return suggest_key(flag) + "; --help lists all";
}

/// Reads one argument after the other.
class argument_reader {
public:
  explicit argument_reader(std::span<const std::string> arguments) : left_(arguments) {}

  command_line take() {
    while (!left_.empty())
      read_next();
    return std::move(result_);
  }

private:
  void read_next() {
    const auto argument = std::string_view{left_.front()};
    left_ = left_.subspan(1);
    const auto dashes = argument.starts_with("--") ? 2U : argument.starts_with('-') ? 1U : 0U;
    if (dashes == 0 || argument.size() == dashes)
      return wrong(argument, "", "not a flag: flags look like --http.listen=127.0.0.1:8080");
    const auto equals = std::min(argument.find('='), argument.size());
    const auto name = argument.substr(dashes, equals - dashes);
    const auto written = argument.substr(0, equals);
    const auto given = equals < argument.size() ? std::optional{argument.substr(equals + 1)} : std::nullopt;
    if (const auto* x = std::ranges::find(mode_flags, name, &std::pair<std::string_view, mode>::first);
        x != mode_flags.end()) {
      if (given)
        return wrong(written, "", "takes no value");
      result_.mode = x->second;
    } else if (name == "config" || name == "c") {
      if (const auto value = value_for(written, given))
        result_.file = *value;
    } else if (const auto found = match_flag(name)) {
      read_row(*found, written, given);
    } else {
      wrong(written, "", "unknown flag; " + suggest_flag(name));
    }
  }

  void read_row(const matched& found, std::string_view written, std::optional<std::string_view> given) {
    const auto key = full_key(*found.row, found.names);
    // A switch without a value means true; a value can only follow after "=".
    if (found.row->kind == kind::boolean && !given)
      given = "true";
    const auto value = value_for(written, given);
    if (!value)
      return;
    if (found.row->secret)
      result_.given.warnings.push_back(
        std::string{written} + ": everyone on this machine can read it in the list of processes; use a file or "
        + variable_of(*found.row));
    auto items = split_list(*found.row, *value);
    if (!items)
      return wrong(written, key, items.error());
    result_.given.values.push_back(
      {found.row, found.names, std::move(*items), {"command line", 0, std::string{written}}});
  }

  std::optional<std::string> value_for(std::string_view written, std::optional<std::string_view> given) {
    if (given)
      return std::string{*given};
    if (left_.empty() || left_.front().starts_with("--")) {
      wrong(written, "", "needs a value after =");
      return std::nullopt;
    }
    auto value = left_.front();
    left_ = left_.subspan(1);
    return value;
  }

  void wrong(std::string_view written, std::string key, std::string text) {
    if (result_.given.wrong.size() < defaults::problems_max)
      result_.given.wrong.push_back({{"command line", 0, std::string{written}}, std::move(key), std::move(text)});
  }

  std::span<const std::string> left_;
  command_line result_;
};

constexpr std::array<special_flag, 6> specials{{
  {"--config=FILE", "Reads the configuration from FILE; without this flag, from the file that TROUPE_CONFIG names."},
  {"--check-config", "Checks the configuration, says what is wrong with it, and ends."},
  {"--print-config",
   "Prints the configuration in force, with the origin of each value and with secrets masked, and ends."},
  {"--print-config-reference", "Prints the text of docs/configuration.md."},
  {"--help", "Prints all flags."},
  {"--version", "Prints the version."},
}};

} // namespace

tl::expected<raw_value, complaint> split_list(const option& row, std::string_view text) {
  if (!is_list(row.kind) || !text.starts_with('['))
    return raw_value{{std::string{text}}, false};
  const auto parsed = parse_yaml(text, "");
  raw_value result{{}, true};
  if (!parsed || parsed->is != yaml_node::type::list)
    return tl::unexpected(complaint{"not a list: allowed is one entry, or several as [first, second]"});
  for (const auto& item : parsed->children) {
    if (item.is != yaml_node::type::scalar)
      return tl::unexpected(complaint{"an entry of the list is no plain value"});
    result.items.push_back(item.text);
  }
  return result;
}

settings from_yaml(const yaml_node& root, std::string_view file, const environment& variables) {
  file_reader reader{file, variables};
  reader.read(root);
  return reader.take();
}

command_line from_arguments(std::span<const std::string> arguments) {
  return argument_reader{arguments}.take();
}

std::span<const special_flag> special_flags() {
  return specials;
}

} // namespace troupe::config

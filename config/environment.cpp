// Environment variables: TROUPE_* for every row, another product's names for some of them, and `${VAR}` in texts.
#include "config/sources.hpp"

#include "config/defaults.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace troupe::config {

namespace {

constexpr std::string_view prefix = "TROUPE_";
constexpr std::string_view alias_prefix = "TVARR_";
constexpr std::string_view free_name = "<NAME>";

// Not rows of the table: the first one names the file, the others are for scripts and caf-ctl.
constexpr std::array<std::string_view, 5> other_variables{"TROUPE_CONFIG", "TROUPE_CACHE", "TROUPE_URL", "TROUPE_KEY",
                                                          "TROUPE_KEY_FILE"};

std::string folded(std::string_view name) {
  std::string result;
  for (char c : name)
    result += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c == '.' || c == '-' ? '_' : c;
  return result;
}

std::string lowered(std::string_view name) {
  std::string result;
  for (char c : name)
    result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> result;
  result.reserve(map.size());
  for (const auto& [key, unused] : map)
    result.push_back(key);
  return result;
}

/// The existing names that a `*` in the row's key may stand for.
std::vector<std::string> known_names(const configuration& known, const option& row, const names& filled) {
  if (row.key.starts_with("channels."))
    return keys_of(known.channels);
  if (row.key.starts_with("ladders."))
    return keys_of(known.ladders);
  if (filled.empty())
    return keys_of(known.profiles);
  const auto found = known.profiles.find(filled[0]);
  if (found == known.profiles.end())
    return {};
  return keys_of(row.key.find(".video.") != std::string_view::npos ? found->second.video.options
                                                                   : found->second.audio.options);
}

tl::expected<std::string, complaint> resolve_name(std::string_view written, const std::vector<std::string>& known) {
  std::vector<std::string> alike;
  std::ranges::copy_if(known, std::back_inserter(alike),
                       [wanted = folded(written)](const auto& x) { return folded(x) == wanted; });
  if (alike.size() > 1)
    return tl::unexpected(quote(written) + " may be " + quote(alike[0]) + " or " + quote(alike[1])
                          + ": names that differ only in case, _, . or - are set by file or flag");
  return alike.empty() ? lowered(written) : alike.front();
}

/// The parts of "CHANNELS__DEMO__URL": section, name, key below it, and for encoder options a second name.
std::vector<std::string_view> split_variable(std::string_view name) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = name.find("__");
    parts.push_back(name.substr(0, at));
    if (at == std::string_view::npos)
      return parts;
    name.remove_prefix(at + 2);
  }
}

/// The pattern of a variable, as `variable_of` builds it for its row.
std::string pattern_of(const std::vector<std::string_view>& parts) {
  std::string result{prefix};
  for (size_t i = 0; i < parts.size(); ++i)
    result.append(i == 0 ? "" : "__").append(i % 2 == 1 ? free_name : parts[i]);
  return result;
}

std::string suggest_variable(std::string_view variable) {
  std::vector<std::string> all;
  for (const auto& row : options())
    all.push_back(variable_of(row));
  const std::vector<std::string_view> views{all.begin(), all.end()};
  const auto parts = split_variable(variable.substr(prefix.size()));
  auto near = std::string{closest(pattern_of(parts), views)};
  for (size_t i = 1; i < parts.size(); i += 2)
    if (const auto at = near.find(free_name); at != std::string::npos)
      near.replace(at, free_name.size(), parts[i]);
  return near.empty() ? "docs/configuration.md lists all" : "did you mean " + near + '?';
}

class variable_reader {
public:
  explicit variable_reader(const configuration& known) : known_(known) {}

  settings take() {
    return std::move(result_);
  }

  void read(const std::string& variable, const std::string& text) {
    const auto parts = split_variable(std::string_view{variable}.substr(prefix.size()));
    const auto rows = options();
    const auto row = std::ranges::find(rows, pattern_of(parts), &variable_of);
    if (row == rows.end())
      return wrong(variable, "", "unknown variable; " + suggest_variable(variable));
    if (text.empty())
      return;
    setting x{&*row, {}, {}, {"environment", 0, variable}};
    for (size_t i = 1; i < parts.size(); i += 2) {
      auto name = resolve_name(parts[i], known_names(known_, *row, x.names));
      if (!name)
        return wrong(variable, std::string{row->key}, name.error());
      x.names.push_back(std::move(*name));
    }
    auto value = split_list(*row, text);
    if (!value)
      return wrong(variable, full_key(*row, x.names), value.error());
    x.value = std::move(*value);
    result_.values.push_back(std::move(x));
  }

private:
  void wrong(const std::string& variable, std::string key, std::string text) {
    if (result_.wrong.size() < defaults::problems_max)
      result_.wrong.push_back({{"environment", 0, variable}, std::move(key), std::move(text)});
  }

  const configuration& known_;
  settings result_;
};

/// Reads the aliases of one row: a whole value overrides parts of it, and an earlier alias overrides a later one.
void read_aliases(const option& row, const environment& variables, settings& result) {
  const alias* whole = nullptr;
  for (const auto& x : row.aliases) {
    const auto found = variables.find(x.variable);
    if (found == variables.end() || found->second.empty())
      continue;
    const auto name = std::string{x.variable};
    if (whole != nullptr) {
      if (variables.find(whole->variable)->second != found->second)
        result.warnings.push_back(name + " is not used: " + std::string{whole->variable} + " overrides it for "
                                  + std::string{row.key});
      continue;
    }
    if (x.part == value_part::whole)
      whole = &x;
    result.values.push_back({&row, {}, {{found->second}, false}, {"environment", 0, name}, x.part});
  }
}

bool is_alias(std::string_view variable) {
  return std::ranges::any_of(options(), [variable](const option& row) {
    return std::ranges::find(row.aliases, variable, &alias::variable) != row.aliases.end();
  });
}

} // namespace

tl::expected<std::string, complaint> expand(std::string_view text, const environment& variables) {
  std::string result;
  while (!text.empty()) {
    const auto at = text.find("${");
    if (at == std::string_view::npos)
      break;
    if (at > 0 && text[at - 1] == '$') {
      result.append(text.substr(0, at - 1)).append("${");
      text.remove_prefix(at + 2);
      continue;
    }
    result.append(text.substr(0, at));
    const auto end = text.find('}', at);
    if (end == std::string_view::npos)
      return tl::unexpected(complaint{"${ without a closing }: write $${ for a literal ${"});
    const auto inside = text.substr(at + 2, end - at - 2);
    const auto fallback = inside.find(":-");
    const auto name = inside.substr(0, fallback);
    const auto found = variables.find(name);
    if (found != variables.end() && (!found->second.empty() || fallback == std::string_view::npos))
      result.append(found->second);
    else if (fallback != std::string_view::npos)
      result.append(inside.substr(fallback + 2));
    else
      return tl::unexpected("the environment variable " + quote(name) + " is not set");
    if (result.size() > defaults::value_bytes_max)
      return tl::unexpected("longer than " + std::to_string(defaults::value_bytes_max) + " bytes with its variables");
    text.remove_prefix(end + 1);
  }
  return result.append(text);
}

settings from_environment(const environment& variables, const configuration& known) {
  variable_reader reader{known};
  for (const auto& [name, value] : variables)
    if (name.starts_with(prefix) && std::ranges::find(other_variables, name) == other_variables.end())
      reader.read(name, value);
  return reader.take();
}

settings from_aliases(const environment& variables) {
  settings result;
  for (const auto& row : options())
    read_aliases(row, variables, result);
  for (auto x = variables.lower_bound(alias_prefix); x != variables.end() && x->first.starts_with(alias_prefix); ++x) {
    if (is_alias(x->first))
      continue;
    const auto known = ignored_variables();
    const auto found = std::ranges::find(known, std::string_view{x->first}, &ignored_variable::variable);
    const auto reason =
      found == known.end() ? std::string_view{"no key of this product corresponds to it"} : found->reason;
    result.warnings.push_back(x->first + " has no effect: " + std::string{reason});
  }
  return result;
}

} // namespace troupe::config

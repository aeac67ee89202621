// Finds rows by a file's path or a flag's key, and suggests the probable one if there is no match.
#include "config/options.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace troupe::config {

namespace {

bool is_name_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

/// Matches `key` with `pattern`, and returns the names for its stars. Keys come from outside: nothing is copied before
/// the whole key matches.
bool take_stars(std::string_view pattern, std::string_view key, std::vector<std::string_view>& filled) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos)
    return pattern == key;
  if (key.substr(0, star) != pattern.substr(0, star))
    return false;
  key.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // A channel's name may contain dots, so the longest name that leaves a valid key is taken.
  for (auto length = key.size(); length > 0; --length) {
    filled.push_back(key.substr(0, length));
    if (take_stars(pattern, key.substr(length), filled))
      return true;
    filled.pop_back();
  }
  return false;
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// The number of edits that turn one word into the other: insertions, deletions, replacements, and swaps of neighbours.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1, i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::exchange(last, std::move(row));
  }
  return last.back();
}

bool matches_pattern(const std::vector<std::string>& pattern, std::span<const std::string> path) {
  for (size_t i = 0; i < path.size(); ++i)
    if (pattern[i] != "*" && pattern[i] != path[i])
      return false;
  return true;
}

/// Names of the keys and sections directly below the section `path`.
std::vector<std::string> children_of(std::span<const std::string> path) {
  std::vector<std::string> result;
  for (const auto& row : options()) {
    const auto pattern = split_key(row.key);
    if (pattern.size() <= path.size() || !matches_pattern(pattern, path))
      continue;
    const auto& child = pattern[path.size()];
    if (std::ranges::find(result, child) == result.end())
      result.push_back(child);
  }
  return result;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  std::string result;
  for (const auto& x : parts)
    result += (result.empty() ? "" : std::string{separator}) + x;
  return result;
}

} // namespace

std::vector<std::string> split_key(std::string_view key) {
  std::vector<std::string> result;
  for (size_t from = 0;;) {
    const auto dot = key.find('.', from);
    result.emplace_back(key.substr(from, dot - from));
    if (dot == std::string_view::npos)
      return result;
    from = dot + 1;
  }
}

std::optional<matched> match_path(std::span<const std::string> path) {
  for (const auto& row : options()) {
    const auto pattern = split_key(row.key);
    if (pattern.size() != path.size() || !matches_pattern(pattern, path))
      continue;
    matched result{&row, {}};
    for (size_t i = 0; i < path.size(); ++i)
      if (pattern[i] == "*")
        result.names.push_back(path[i]);
    return result;
  }
  return std::nullopt;
}

std::optional<matched> match_key(std::string_view key) {
  for (const auto& row : options()) {
    std::vector<std::string_view> filled;
    if (take_stars(row.key, key, filled))
      return matched{&row, {filled.begin(), filled.end()}};
  }
  return std::nullopt;
}

bool is_section(std::span<const std::string> path) {
  return std::ranges::any_of(options(), [path](const option& row) {
    const auto pattern = split_key(row.key);
    return pattern.size() > path.size() && matches_pattern(pattern, path);
  });
}

std::string full_key(const option& row, const names& filled) {
  std::string result;
  auto next = filled.begin();
  for (char c : row.key) {
    if (c == '*' && next != filled.end())
      result += *next++;
    else
      result += c;
  }
  return result;
}

std::string variable_of(const option& row) {
  std::string result = "TROUPE";
  std::string_view separator = "_";
  for (const auto& part : split_key(row.key)) {
    if (part == "*") {
      result += "__<NAME>";
      separator = "__";
      continue;
    }
    result += separator;
    separator = "_";
    std::ranges::transform(part, std::back_inserter(result), upper);
  }
  return result;
}

bool is_valid_name(std::string_view name) {
  return !name.empty() && name.size() <= defaults::name_bytes_max && std::ranges::all_of(name, is_name_character);
}

std::string_view closest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr size_t word_bytes_max = 128; // a longer word cannot be similar to any
  if (word.size() > word_bytes_max)
    return {};
  std::string_view result;
  auto best = std::max<size_t>(1, word.size() / 4) + 1;
  for (const auto candidate : candidates) {
    if (const auto distance = edit_distance(word, candidate); distance < best) {
      best = distance;
      result = candidate;
    }
  }
  return result;
}

std::string suggest_key(std::string_view key) {
  const auto path = split_key(key);
  auto known = path.size();
  if (known > defaults::yaml_depth_max)
    return {};
  while (known > 0 && !is_section(std::span{path}.first(known)))
    --known;
  const auto section = std::span{path}.first(known);
  const auto children = children_of(section);
  auto allowed = known == 0 ? "allowed are " + join(children, ", ")
                            : "allowed in " + join(section, ".") + " are " + join(children, ", ");
  if (known >= path.size() || children == std::vector<std::string>{"*"})
    return allowed;
  const std::vector<std::string_view> views{children.begin(), children.end()};
  const auto near = closest(path[known], views);
  if (near.empty() || near == "*")
    return allowed;
  auto meant = std::vector<std::string>{section.begin(), section.end()};
  meant.emplace_back(near);
  meant.insert(meant.end(), path.begin() + static_cast<std::ptrdiff_t>(known) + 1, path.end());
  return "did you mean " + join(meant, ".") + "? (" + allowed + ')';
}

} // namespace troupe::config

#include "processes/hierarchy.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <sstream>
#include <vector>

namespace troupe::limits {

namespace {

/// Larger than any sensible control file or mount table.
constexpr size_t file_bytes_max = 1024 * 1024;

struct mount {
  std::string root; ///< the part of the hierarchy that is mounted
  std::string point;
  bool unified = false;
  std::string controllers; ///< of version 1, separated by commas
};

/// Spaces in paths are written as \040, and so on.
std::string unescaped(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    auto digits = text.substr(i + 1, 3);
    unsigned value = 0;
    auto end = digits.data() + digits.size();
    if (text[i] == '\\' && digits.size() == 3 && std::from_chars(digits.data(), end, value, 8).ptr == end) {
      result += static_cast<char>(value);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

/// "36 25 0:31 /root /point opts [optional...] - type source options".
std::optional<mount> parse_mount(const std::string& line) {
  std::istringstream words{line};
  std::string skip, root, point;
  words >> skip >> skip >> skip >> root >> point;
  while (words >> skip && skip != "-") {
    // optional fields
  }
  std::string type, source, options;
  words >> type >> source >> options;
  if (type != "cgroup" && type != "cgroup2")
    return {};
  return mount{unescaped(root), unescaped(point), type == "cgroup2", options};
}

bool has_word(const std::string& list, std::string_view word) {
  std::istringstream words{list};
  for (std::string x; std::getline(words, x, ',');)
    if (x == word)
      return true;
  return false;
}

/// The folder of a group: the part of its path below the mounted root. Empty if the group is elsewhere.
std::optional<std::string> folder_of(const mount& at, const std::string& group) {
  std::string_view below = group;
  if (at.root != "/") {
    if (!below.starts_with(at.root))
      return {};
    below.remove_prefix(at.root.size());
    if (!below.empty() && below.front() != '/')
      return {};
  }
  if (below.find("/..") != std::string_view::npos)
    return {};
  auto result = at.point + std::string{below};
  while (result.size() > 1 && result.ends_with('/'))
    result.pop_back();
  return result;
}

} // namespace

std::optional<std::string> read_control(const std::string& path) {
  auto file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return {};
  std::string result;
  std::array<char, 4096> block{};
  ssize_t n = 0;
  while (result.size() < file_bytes_max && (n = ::read(file, block.data(), block.size())) > 0)
    result.append(block.data(), static_cast<size_t>(n));
  ::close(file);
  return n < 0 ? std::nullopt : std::optional{std::move(result)};
}

bool write_control(const std::string& path, std::string_view value) {
  auto file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  auto done = ::write(file, value.data(), value.size()) == static_cast<ssize_t>(value.size());
  auto why = errno;
  ::close(file);
  errno = why;
  return done;
}

uint64_t control_number(const std::string& path, std::string_view key) {
  std::istringstream lines{read_control(path).value_or(std::string{})};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    std::string name;
    uint64_t value = 0;
    if (words >> name >> value && name == key)
      return value;
  }
  return 0;
}

own_groups find_own_groups(const std::string& proc) {
  std::vector<mount> mounts;
  std::istringstream table{read_control(proc + "/self/mountinfo").value_or(std::string{})};
  for (std::string line; std::getline(table, line);)
    if (auto x = parse_mount(line))
      mounts.push_back(std::move(*x));
  own_groups result;
  // "0::/path" for version 2, "4:memory:/path" for version 1.
  std::istringstream groups{read_control(proc + "/self/cgroup").value_or(std::string{})};
  for (std::string line; std::getline(groups, line);) {
    auto first = line.find(':');
    auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos)
      continue;
    auto controllers = line.substr(first + 1, second - first - 1);
    auto group = line.substr(second + 1);
    for (auto& at : mounts) {
      auto folder = folder_of(at, group);
      if (!folder)
        continue;
      if (controllers.empty() && at.unified && result.unified.empty())
        result.unified = *folder;
      for (auto name : {"cpu", "memory"})
        if (!at.unified && has_word(controllers, name) && has_word(at.controllers, name))
          result.v1.emplace(name, *folder);
    }
  }
  return result;
}

} // namespace troupe::limits

#include "core/library/names.hpp"

#include <algorithm>
#include <filesystem>

namespace troupe::core {

namespace {

constexpr std::string_view part_ending = ".part";
constexpr std::string_view kept_ending = ".original";

/// Keeps a kept name within the usual limit of 255 bytes.
constexpr size_t name_bytes_max = 160;

char lower(char x) noexcept {
  return x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x;
}

bool are_alike(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view stem_of(std::string_view name) noexcept {
  auto dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ? name : name.substr(0, dot);
}

} // namespace

std::string result_path(const std::string& film, std::string_view extension) {
  std::filesystem::path path{film};
  auto own = path.extension().string();
  if (!own.empty() && are_alike(std::string_view{own}.substr(1), extension))
    return film;
  return path.replace_extension(std::string{extension}).string();
}

std::string kept_path(const std::string& film, const std::string& folder, uint64_t number) {
  std::filesystem::path path{film};
  auto name = path.filename().string().substr(0, name_bytes_max);
  auto in = folder.empty() ? path.parent_path() : std::filesystem::path{folder};
  return (in / ("." + name + "." + std::to_string(number) + std::string{kept_ending})).string();
}

bool is_own_name(std::string_view name) noexcept {
  return name.starts_with('.') && (name.ends_with(part_ending) || name.ends_with(kept_ending));
}

std::vector<std::string> companions_of(std::string_view film, const std::vector<std::string>& names) {
  auto stem = stem_of(film);
  std::vector<std::string> result;
  for (const auto& x : names)
    if (x != film && !is_own_name(x) && x.size() > stem.size() && x.starts_with(stem) && x[stem.size()] == '.')
      result.push_back(x);
  return result;
}

std::optional<std::string> clash_of(std::string_view film, std::string_view result,
                                    const std::vector<std::string>& names) {
  auto found = std::ranges::find_if(names, [&](const auto& x) { return x != film && are_alike(x, result); });
  return found == names.end() ? std::nullopt : std::optional{*found};
}

} // namespace troupe::core

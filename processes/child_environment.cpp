#include "processes/child_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace troupe {

namespace {

/// Names of variables that may hold secrets of this node: passwords, tokens, keys for libpq.
bool names_secret(std::string_view name) {
  constexpr std::array<std::string_view, 5> telling{"PASSW", "SECRET", "TOKEN", "CREDENTIAL", "PRIVATE_KEY"};
  auto same = [](unsigned char a, char b) { return std::toupper(a) == b; };
  auto has = [&](std::string_view part) {
    return std::search(name.begin(), name.end(), part.begin(), part.end(), same) != name.end();
  };
  return name.starts_with("PG") || std::any_of(telling.begin(), telling.end(), has);
}

/// Cards are numbered by their PCI addresses, as in the driver's management library, instead of by speed.
constexpr std::string_view cuda_order = "CUDA_DEVICE_ORDER=PCI_BUS_ID";

} // namespace

bool is_inherited(std::string_view variable) {
  return !variable.starts_with("TROUPE_") && !variable.starts_with("TVARR_")
         && !variable.starts_with("CUDA_DEVICE_ORDER=") && !variable.starts_with("CUDA_VISIBLE_DEVICES=")
         && !names_secret(variable.substr(0, variable.find('=')));
}

std::vector<char*> child_environment() {
  std::vector<char*> result{const_cast<char*>(cuda_order.data())};
  for (auto i = environ; i != nullptr && *i != nullptr; ++i)
    if (is_inherited(*i))
      result.push_back(*i);
  result.push_back(nullptr);
  return result;
}

} // namespace troupe

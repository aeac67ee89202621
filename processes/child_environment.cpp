#include "processes/child_environment.hpp"

#include <unistd.h>

namespace troupe {

namespace {

/// Cards are numbered by their PCI addresses, as in the driver's management library, instead of by speed.
constexpr std::string_view cuda_order = "CUDA_DEVICE_ORDER=PCI_BUS_ID";

} // namespace

bool is_inherited(std::string_view variable) {
  return !variable.starts_with("TROUPE_") && !variable.starts_with("TVARR_")
         && !variable.starts_with("CUDA_DEVICE_ORDER=") && !variable.starts_with("CUDA_VISIBLE_DEVICES=");
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

#include "processes/child_environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <string>

namespace troupe {

namespace {

/// Cards are numbered by their PCI addresses, as in the driver's management library, instead of by speed.
constexpr std::string_view cuda_order = "CUDA_DEVICE_ORDER=PCI_BUS_ID";

/// Names of secrets contain one of these.
constexpr std::string_view secret_words[] = {"TOKEN",      "SECRET",  "PASSW",      "PASSPHRASE",
                                             "CREDENTIAL", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY"};

/// Names of ways to other programs, and of their secrets, begin with one of these.
constexpr std::string_view of_others[] = {"PG",        "AWS_",        "SSH_",           "GPG_",
                                          "DBUS_",     "KRB5",        "NOTIFY_SOCKET=", "LISTEN_",
                                          "WATCHDOG_", "XAUTHORITY=", "DISPLAY=",       "WAYLAND_"};

bool is_private(std::string_view variable) {
  std::string name{variable.substr(0, variable.find('='))};
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char x) { return std::toupper(x); });
  auto holds = [&name](std::string_view word) { return name.find(word) != std::string::npos; };
  auto begins = [variable](std::string_view start) { return variable.starts_with(start); };
  return std::any_of(std::begin(secret_words), std::end(secret_words), holds)
         || std::any_of(std::begin(of_others), std::end(of_others), begins);
}

} // namespace

bool is_inherited(std::string_view variable) {
  return !is_private(variable) && !variable.starts_with("TROUPE_") && !variable.starts_with("TVARR_")
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

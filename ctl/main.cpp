// caf-ctl: the command line client of a cluster, through the REST API.
#include "config/load.hpp"
#include "ctl/run.hpp"

#include <cstdlib>
#include <iostream>
#include <string>

#include <unistd.h>

int main(int argc, char** argv) {
  auto variable = [](const char* name) {
    auto text = std::getenv(name);
    return std::string{text == nullptr ? "" : text};
  };
  troupe::ctl::surroundings around;
  if (auto url = variable("TROUPE_URL"); !url.empty())
    around.url = url;
  around.key = variable("TROUPE_KEY");
  around.key_file = variable("TROUPE_KEY_FILE");
  around.state_dir =
    troupe::config::usual_state_dir({{"XDG_STATE_HOME", variable("XDG_STATE_HOME")}, {"HOME", variable("HOME")}});
  return troupe::ctl::run({argv + 1, argv + argc}, around, std::cout, std::cerr, ::isatty(STDOUT_FILENO) == 1);
}

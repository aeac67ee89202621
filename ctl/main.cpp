// caf-ctl: the command line client of a cluster, through the REST API.
#include "ctl/run.hpp"

#include <cstdlib>
#include <iostream>

#include <unistd.h>

int main(int argc, char** argv) {
  std::optional<std::string> url;
  if (auto text = std::getenv("TROUPE_URL"); text != nullptr && *text != '\0')
    url = text;
  return troupe::ctl::run({argv + 1, argv + argc}, url, std::cout, std::cerr, ::isatty(STDOUT_FILENO) == 1);
}

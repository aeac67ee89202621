// Reads the configuration and starts the role.
#include "nodes/node_main.hpp"

#include "actors/gateway.hpp"
#include "actors/live/live_plan.hpp"
#include "config/load.hpp"
#include "config/print.hpp"
#include "encoder/log.hpp"
#include "nodes/node_cage.hpp"
#include "nodes/node_check.hpp"
#include "nodes/node_prove.hpp"
#include "nodes/node_run.hpp"
#include "nodes/node_task.hpp"
#include "processes/fork_server.hpp"
#include "telemetry/log.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::nodes {

namespace {

constexpr int exit_usage = 2;

int complain(const config::problems& wrong) {
  for (auto& x : wrong)
    std::cerr << to_string(x) << '\n';
  std::cerr << "caf-node: " << wrong.size() << (wrong.size() == 1 ? " problem" : " problems")
            << " in the configuration; see caf-node --help\n";
  return exit_usage;
}

void configure_log(const config::log_options& x) {
  namespace log = telemetry::log;
  log::configure(log::level_of(to_string(x.level)).value_or(log::level::info),
                 log::format_of(to_string(x.format)).value_or(log::format::text));
}

int run(const config::loaded& x, std::shared_ptr<const work_factory> factory) {
  configure_log(x.config.log);
  for (auto& warning : x.warnings)
    telemetry::log::warning(warning);
  register_node_types();
  // Decoder messages about outside media are counted by the decoder, and would fill the log.
  av::log_to([is_task = x.config.role == config::role::task](bool error, const std::string& text) {
    auto write = error && !is_task ? telemetry::log::warning : telemetry::log::debug;
    write("libav* says", {{"text", text}});
  });
  if (x.config.role == config::role::task)
    return run_task(x.config, std::move(factory));
  if (!has_fork_server())
    telemetry::log::info("tasks start from the program's file: the program has several threads from its start");
  return run_node(with_hidden_secrets(x));
}

int check(const config::loaded& x) {
  for (auto& warning : x.warnings)
    std::cerr << "warning: " << warning << '\n';
  auto faults = faults_in_media(x.config);
  for (auto& fault : faults)
    std::cerr << fault << '\n';
  if (!faults.empty())
    return exit_usage;
  std::cout << "the configuration is good\n";
  return 0;
}

/// Called in a forked child: runs the program from its beginning, with the child's own arguments.
int child_main(std::vector<std::string>& given, std::shared_ptr<const work_factory> factory) {
  std::vector<char*> arguments;
  for (auto& x : given)
    arguments.push_back(x.data());
  arguments.push_back(nullptr);
  return node_main(static_cast<int>(given.size()), arguments.data(), std::move(factory));
}

} // namespace

int node_main(int argc, char** argv, std::shared_ptr<const work_factory> factory) {
  // If a peer closes a pipe or socket, the writer gets an error code; the process does not end.
  std::signal(SIGPIPE, SIG_IGN);
  // Writing beyond the limit of file size also returns an error, and the process does not end.
  std::signal(SIGXFSZ, SIG_IGN);
  // Tokens and addresses in this process's memory, and in its tasks', must not be written to disk in a core dump.
  constexpr rlimit no_dump{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_dump);
  if (argc >= 2 && std::string_view{argv[1]} == prove_command)
    return run_trials(argc, argv, factory->codecs());
  // Fork before the configuration is read: tasks read media from anywhere, and must not have its secrets.
  if (std::find(argv, argv + argc, std::string_view{task_role}) == argv + argc)
    if (auto child = open_fork_server(argc, argv))
      return child_main(*child, std::move(factory));
  auto loaded = config::load(argc, argv, environ);
  if (!loaded)
    return complain(loaded.error());
  for (auto& [name, x] : loaded->config.profiles)
    if (auto why = misfit(x); !why.empty())
      loaded->warnings.push_back("profiles." + name + ": " + why);
  switch (loaded->mode) {
  case config::mode::help:
    std::cout << config::print_help();
    return 0;
  case config::mode::version:
    std::cout << "caf-node " TROUPE_VERSION "\n";
    return 0;
  case config::mode::check_config:
    return check(*loaded);
  case config::mode::print_config:
    std::cout << config::print_yaml(*loaded);
    return 0;
  case config::mode::print_reference:
    std::cout << config::print_reference();
    return 0;
  case config::mode::run:
    return run(*loaded, std::move(factory));
  }
  return exit_usage;
}

} // namespace troupe::nodes

// The interface of a caf-bench command. A new command is a file cmd_NAME.cpp and a line in the table of main.cpp.
#pragma once

#include <string>
#include <vector>

namespace troupe::bench {

/// A command's arguments, without the program's and the command's names.
using arguments = std::vector<std::string>;

struct command {
  const char* name;
  const char* summary;                ///< one line for the overview; empty hides the command from it
  int (*run)(const arguments& given); ///< returns the exit status; may throw `std::exception` for bad usage
};

int run_sample(const arguments& given);
int run_watch(const arguments& given);
int run_encode(const arguments& given);
int run_relay(const arguments& given);
int run_live(const arguments& given);
int run_failover(const arguments& given);
int run_placement(const arguments& given);
int run_dispatch(const arguments& given);
int run_chunked(const arguments& given);
int run_scale(const arguments& given);
int run_submit(const arguments& given);
int run_fanout(const arguments& given);
int run_delivery(const arguments& given);

/// The part of `encode` that runs in a separate process.
int run_encode_task(const arguments& given);

/// The pipeline of `live` without a cluster.
int run_live_task(const arguments& given);

/// A coordinator with null jobs, as a process that tests kill: STORE FOLDER JOBS. Ends when all jobs have ended.
int run_dispatch_node(const arguments& given);

/// The part of `dispatch` that measures the memory of waiting jobs: JOBS.
int run_dispatch_memory(const arguments& given);

/// The servers of `fanout`: product or bare, SAMPLE, BOARD.
int run_fanout_node(const arguments& given);

/// The processes of `relay`: coordinator, ingest and task.
int run_relay_coordinator(const arguments& given);
int run_relay_task(const arguments& given);

/// The processes of the bare sockets that `relay` is compared with.
int run_bare_relay(const arguments& given);
int run_bare_end(const arguments& given);

} // namespace troupe::bench

// caf-bench: the benchmark harness. Finds the command and passes it its arguments.
#include "bench/command.hpp"
#include "encoder/window/scheduling.hpp"

extern "C" {
#include <libavutil/log.h>
}

#include <array>
#include <cstdio>
#include <exception>
#include <string_view>

namespace {

using namespace troupe::bench;

constexpr std::array commands{
  command{"bare-end", "", run_bare_end},
  command{"bare-relay", "", run_bare_relay},
  command{"delivery", "what viewers in a browser see, in quiet and while parts of the cluster fail", run_delivery},
  command{"dispatch", "how many jobs a coordinator accepts, dispatches and completes, and how quickly", run_dispatch},
  command{"dispatch-memory", "", run_dispatch_memory},
  command{"dispatch-node", "", run_dispatch_node},
  command{"chunked", "a file encoded in chunks on this machine, against the ffmpeg program", run_chunked},
  command{"encode", "the encoder library against the ffmpeg program, side by side", run_encode},
  command{"encode-task", "", run_encode_task},
  command{"failover", "kills transcoders while clients watch, and counts the clients' losses", run_failover},
  command{"fanout", "what delivery to many clients costs, beside nginx and a bare loop", run_fanout},
  command{"fanout-node", "", run_fanout_node},
  command{"live", "the latency that the cluster adds to a live channel, and the time of a cold start", run_live},
  command{"live-task", "", run_live_task},
  command{"placement", "how many jobs a second are placed on a worker and GPU in a large cluster", run_placement},
  command{"relay", "how much media one coordinator relays, plain and over TLS", run_relay},
  command{"relay-coordinator", "", run_relay_coordinator},
  command{"relay-task", "", run_relay_task},
  command{"sample", "makes a test file: numbered moving pictures, tones with markers", run_sample},
  command{"scale", "one file on one worker and on two, and by simulation on up to 64", run_scale},
  command{"submit", "how soon the first picture of a file job is encoded after its submission", run_submit},
  command{"watch", "plays a URL or file as a client does and judges the result", run_watch},
};

int usage(FILE* out, int status) {
  std::fprintf(out, "usage: caf-bench COMMAND [options]\n       caf-bench COMMAND --help\n\ncommands:\n");
  for (auto& each : commands) {
    if (*each.summary != '\0')
      std::fprintf(out, "  %-9s %s\n", each.name, each.summary);
  }
  return status;
}

} // namespace

int main(int argc, char** argv) {
  av_log_set_level(AV_LOG_ERROR);
  // Tasks give it up, so the programs that are compared with them must not have it either.
  troupe::av::forgo_real_time();
  if (argc < 2)
    return usage(stderr, 2);
  std::string_view name{argv[1]};
  if (name == "--help" || name == "-h")
    return usage(stdout, 0);
  for (auto& each : commands) {
    if (name != each.name)
      continue;
    try {
      return each.run(arguments{argv + 2, argv + argc});
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "caf-bench %s: %s; see caf-bench %s --help\n", each.name, problem.what(), each.name);
      return 2;
    }
  }
  std::fprintf(stderr, "caf-bench: there is no command %s\n", argv[1]);
  return usage(stderr, 2);
}

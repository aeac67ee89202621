// caf-node for tests of what the cluster makes of poisonous media: its transcoders die of one channel's pictures, always at the same one.
#include "nodes/node_main.hpp"

int main(int argc, char** argv) {
  constexpr int64_t deadly_second = 3; // of the source's own time
  return troupe::nodes::node_main(argc, argv,
                                  {.channel = "poisonous", .abort_at = deadly_second * troupe::ticks_per_second});
}

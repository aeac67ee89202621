// A caf-node for tests of how the cluster handles misbehaving tasks, and for simulated cards (see test/fake_gpu). Its
// transcoders crash on one channel's pictures, always at the same picture. Its file workers lie in the way that the
// environment variable FAULTY_LIE says: "frames", "checksum" or "attempt".
#include "nodes/node_main.hpp"
#include "test/fake_gpu/fake_gpu.hpp"

#include <cstdlib>
#include <string_view>

namespace {

troupe::file_faults::lie lie_from_environment() {
  using enum troupe::file_faults::lie;
  auto* variable = std::getenv("FAULTY_LIE");
  std::string_view wanted = variable == nullptr ? "" : variable;
  return wanted == "frames" ? frames : wanted == "checksum" ? checksum : wanted == "attempt" ? attempt : none;
}

} // namespace

int main(int argc, char** argv) {
  troupe::test::install_fake_gpus();
  constexpr int64_t deadly_second = 3; // of the source's own time
  return troupe::nodes::node_main(
    argc, argv,
    {.live = {.channel = "poisonous", .abort_at = deadly_second * troupe::ticks_per_second},
     .file = {.tells = lie_from_environment()}});
}

// A caf-node for tests of how the cluster handles misbehaving tasks, and for simulated cards (see test/fake_gpu). Its
// transcoders crash on one channel's pictures, always at the same picture. Its file workers lie in the way that the
// environment variable FAULTY_LIE says; see test/faulty_node/liar.hpp. With FAULTY_ESCAPE its transcoders first try to
// get out of their cage; see test/faulty_node/escape.hpp.
#include "test/fake_gpu/fake_gpu.hpp"
#include "test/faulty_node/escape.hpp"
#include "test/faulty_node/liar.hpp"
#include "test/faulty_node/poisoned_engine.hpp"

#include "actors/live/transcoder.hpp"
#include "nodes/node_main.hpp"

#include <cstdlib>
#include <memory>

namespace {

constexpr const char* poisonous_channel = "poisonous";
constexpr int64_t deadly_pts = 3 * troupe::ticks_per_second; ///< on the source's own timeline

std::string variable(const char* name) {
  auto* value = std::getenv(name);
  return value == nullptr ? std::string{} : value;
}

class faulty_factory : public troupe::work_factory {
public:
  faulty_factory(const troupe::av::engine& codecs, std::string lie)
    : work_factory(codecs), poisoned_(codecs, deadly_pts), lie_(std::move(lie)) {}

  troupe::local_transcoder_actor make_transcoder(caf::actor_system& system, troupe::transcode_work work,
                                                 troupe::sample_sink_actor sink) const override {
    if (auto folder = variable("FAULTY_ESCAPE"); !folder.empty())
      troupe::test::try_to_escape(folder);
    auto& engine = work.channel == poisonous_channel ? poisoned_ : codecs();
    return troupe::spawn_transcoder(system, std::move(work), std::move(sink), engine);
  }

  troupe::local_file_worker_actor make_file_worker(caf::actor_system& system, troupe::file_work work,
                                                   troupe::file_client_actor client,
                                                   troupe::task_place place) const override {
    if (!lie_.empty())
      client = troupe::test::spawn_liar(system, work.attempt, std::move(client), lie_);
    return work_factory::make_file_worker(system, std::move(work), std::move(client), std::move(place));
  }

private:
  troupe::test::poisoned_engine poisoned_;
  std::string lie_;
};

} // namespace

int main(int argc, char** argv) {
  auto cards = variable("FAKE_GPUS");
  const troupe::test::fake_gpus simulated{cards};
  auto& engine = cards.empty() ? troupe::av::libav_engine() : simulated;
  return troupe::nodes::node_main(argc, argv, std::make_shared<faulty_factory>(engine, variable("FAULTY_LIE")));
}

// Metric series of GPUs: a value that a driver does not report has no series, and neither has the limit of a card
// without one.
#include "telemetry/gpu_metrics.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::telemetry;

BOOST_AUTO_TEST_SUITE(gpu_metrics_test)

BOOST_AUTO_TEST_CASE(a_card_has_the_series_that_its_driver_tells) {
  daemon_status worker;
  worker.id = worker_id{7};
  auto& card = worker.gpus.emplace_back();
  card.gpu = "GPU-a";
  card.name = "NVIDIA GeForce RTX 4090";
  card.encode_limit = "8";
  card.encode_sessions = 2;
  card.reading.temperature_celsius = 61;
  card.reading.memory_total_bytes = 200;
  card.reading.memory_used_bytes = 50;
  auto text = to_text(gpu_families({worker}));
  std::string labels = R"({daemon_id="7",gpu_index="0",gpu="GPU-a",gpu_name="NVIDIA GeForce RTX 4090"} )";
  auto has = [&](const std::string& name, const std::string& value) {
    BOOST_TEST(text.find(name + labels + value + "\n") != std::string::npos, name << " is not " << value << " in\n"
                                                                                  << text);
  };
  has("troupe_gpu_temperature_celsius", "61");
  has("troupe_gpu_memory_percent", "25");
  has("troupe_gpu_encode_sessions", "2");
  has("troupe_gpu_encode_sessions_max", "8");
  has("troupe_gpu_blocked", "0");
  BOOST_TEST(text.find("troupe_gpu_power_watts") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(no_limit_is_no_number_and_no_encoder_is_zero) {
  daemon_status worker;
  worker.gpus.resize(2);
  worker.gpus[0].encode_limit = "unlimited";
  worker.gpus[1].encode_limit = "none";
  auto text = to_text(gpu_families({worker}));
  BOOST_TEST(text.find("troupe_gpu_encode_sessions_max{daemon_id=\"0\",gpu_index=\"0\"") == std::string::npos);
  BOOST_TEST(text.find("troupe_gpu_encode_sessions_max{daemon_id=\"0\",gpu_index=\"1\",gpu=\"\",gpu_name=\"\"} 0")
             != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

// The real loader on a stand-in library that simulates GPUs from a file; the file is rewritten while the library is
// loaded.
#include "telemetry/nvml.hpp"

#include "test/telemetry/fed_proc.hpp"

#include <boost/test/unit_test.hpp>

#include <unistd.h>

#include <cstdlib>

using namespace troupe;
using namespace troupe::telemetry;

namespace nvml_test {
namespace {

struct fixture {
  telemetry::test::fed_proc folder;
  std::string library = TROUPE_BINARY_DIR "/fake_nvml/libnvidia-ml.so.1";

  fixture() {
    ::setenv("TROUPE_FAKE_NVML", (folder.root() + "/cards").c_str(), 1);
  }

  ~fixture() {
    ::unsetenv("TROUPE_FAKE_NVML");
  }

  void play(std::string_view text) {
    folder.write("cards", text);
  }

  nvml load() {
    auto opened = nvml::open(library);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error()));
    return std::move(*opened);
  }
};

constexpr std::string_view two_cards = R"(
driver 550.54.14
card
name NVIDIA GeForce RTX 4090
uuid GPU-a
pci 00000000:3B:00.0
device 2684
utilisation 10
encoder 20
decoder 30
memory 24000 6000
temperature 55
power 120500
session 4711
session 4712
card
name NVIDIA H100 80GB HBM3
uuid GPU-b
pci 00000000:AF:00.0
absent sessions
absent encoder
temperature 33
)";

} // namespace
} // namespace nvml_test

BOOST_FIXTURE_TEST_SUITE(nvml_test, fixture)

BOOST_AUTO_TEST_CASE(cards_come_with_identity_values_and_the_processes_of_their_sessions) {
  play(two_cards);
  auto cards = load().measure();
  BOOST_REQUIRE_EQUAL(cards.size(), 2u);
  auto& a = cards[0];
  BOOST_TEST(a.card.name == "NVIDIA GeForce RTX 4090");
  BOOST_TEST(a.card.uuid == "GPU-a");
  BOOST_TEST(a.card.pci == "0000:3b:00.0");
  BOOST_TEST(a.card.device_number == 0x2684u);
  BOOST_TEST(a.card.driver == "550.54.14");
  BOOST_TEST(a.card.device == "cuda:0");
  BOOST_TEST((a.card.vendor == gpu_vendor::nvidia));
  BOOST_TEST(a.reading.utilisation_percent.value() == 10);
  BOOST_TEST(a.reading.encoder_percent.value() == 20);
  BOOST_TEST(a.reading.decoder_percent.value() == 30);
  BOOST_TEST(a.reading.memory_total_bytes.value() == 24'000'000'000u);
  BOOST_TEST(a.reading.memory_used_bytes.value() == 6'000'000'000u);
  BOOST_TEST(a.reading.temperature_celsius.value() == 55);
  BOOST_TEST(a.reading.power_watts.value() == 120.5);
  BOOST_TEST(a.reading.encode_sessions.value() == 2u);
  BOOST_TEST((a.session_pids.value() == std::vector<int64_t>{4711, 4712}));
  BOOST_TEST(a.fault.empty());
}

BOOST_AUTO_TEST_CASE(cards_that_the_environment_hides_are_not_there_and_the_others_keep_their_names) {
  play(two_cards);
  auto seen = [this](const char* list) {
    ::setenv("CUDA_VISIBLE_DEVICES", list, 1);
    std::string result;
    for (auto& x : load().measure())
      result += x.card.device + " " + x.card.uuid + ";";
    ::unsetenv("CUDA_VISIBLE_DEVICES");
    return result;
  };
  BOOST_TEST(seen("1") == "cuda:1 GPU-b;");
  BOOST_TEST(seen("1,0") == "cuda:0 GPU-a;cuda:1 GPU-b;");
  BOOST_TEST(seen("0, 1") == "cuda:0 GPU-a;cuda:1 GPU-b;");
  BOOST_TEST(seen("GPU-a") == "cuda:0 GPU-a;");
  BOOST_TEST(seen("1,-1,0") == "cuda:1 GPU-b;");
  BOOST_TEST(seen("7,1") == "");
  BOOST_TEST(seen("") == "");
  BOOST_TEST(load().measure().size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_a_card_does_not_have_is_absent_and_not_0) {
  play(two_cards);
  auto cards = load().measure();
  BOOST_REQUIRE_EQUAL(cards.size(), 2u);
  BOOST_TEST(!cards[1].reading.encode_sessions);
  BOOST_TEST(!cards[1].session_pids);
  BOOST_TEST(!cards[1].reading.encoder_percent);
  BOOST_TEST(cards[1].reading.temperature_celsius.value() == 33);
}

BOOST_AUTO_TEST_CASE(values_follow_the_machine) {
  play("card\nuuid GPU-a\ntemperature 60\n");
  auto library_loaded = load();
  BOOST_TEST(library_loaded.measure().at(0).reading.temperature_celsius.value() == 60);
  play("card\nuuid GPU-a\ntemperature 95\nsession 7\n");
  auto later = library_loaded.measure().at(0);
  BOOST_TEST(later.reading.temperature_celsius.value() == 95);
  BOOST_TEST(later.reading.encode_sessions.value() == 1u);
}

BOOST_AUTO_TEST_CASE(sessions_are_counted_where_the_driver_names_no_processes) {
  play("card\nuuid GPU-a\nanonymous 3\n");
  auto card = load().measure().at(0);
  BOOST_TEST(card.reading.encode_sessions.value() == 3u);
  BOOST_TEST(!card.session_pids);
  BOOST_TEST(!report_of(card, {}).counted);
}

BOOST_AUTO_TEST_CASE(a_session_lives_as_long_as_the_process_that_holds_it) {
  play("card\nuuid GPU-a\n");
  folder.write("cards.sessions/GPU-a/" + std::to_string(::getpid()) + "-1", "");
  folder.write("cards.sessions/GPU-a/2147483646-1", "");
  BOOST_TEST((load().measure().at(0).session_pids.value() == std::vector<int64_t>{::getpid()}));
}

BOOST_AUTO_TEST_CASE(a_driver_that_does_not_start_is_an_error_in_its_words) {
  play("init 9\n");
  auto opened = nvml::open(library);
  BOOST_REQUIRE(!opened);
  BOOST_TEST(opened.error().find("Driver Not Loaded") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_lost_card_is_a_fault_and_the_others_go_on) {
  play("card\nuuid GPU-a\nfail 15\ncard\nuuid GPU-b\n");
  auto cards = load().measure();
  BOOST_REQUIRE_EQUAL(cards.size(), 2u);
  BOOST_TEST(cards[0].fault.find("GPU is lost") != std::string::npos);
  BOOST_TEST(cards[1].fault.empty());
  BOOST_TEST(cards[1].card.uuid == "GPU-b");
}

BOOST_AUTO_TEST_CASE(a_machine_without_the_library_is_an_error_that_names_it) {
  auto opened = nvml::open("libtroupe-no-such-library.so.1");
  BOOST_REQUIRE(!opened);
  BOOST_TEST(opened.error().find("libtroupe-no-such-library.so.1") != std::string::npos);
  BOOST_TEST(!nvml::open("libm.so.6"));
}

BOOST_AUTO_TEST_CASE(a_report_names_the_leases_whose_sessions_are_counted) {
  play(two_cards);
  auto report = report_of(load().measure().at(0), {{4712, lease_id{9}}, {5000, lease_id{10}}});
  BOOST_TEST((report.counted.value() == std::vector<lease_id>{lease_id{9}}));
}

BOOST_AUTO_TEST_CASE(addresses_are_written_as_sysfs_writes_them) {
  BOOST_TEST(normal_pci("00000000:3B:00.0") == "0000:3b:00.0");
  BOOST_TEST(normal_pci("0000:3b:00.0") == "0000:3b:00.0");
  BOOST_TEST(normal_pci("00010000:3B:00.0") == "00010000:3b:00.0");
}

BOOST_AUTO_TEST_SUITE_END()

// Intel and AMD GPUs as the kernel reports them, from folders in place of /sys and /proc.
#include "telemetry/drm.hpp"

#include "test/telemetry/fed_proc.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::telemetry;
using namespace std::chrono_literals;

namespace drm_test {
namespace {

struct fixture {
  telemetry::test::fed_proc files; ///< both roots
  drm_probe::time_point now{1000s};

  void intel_card() {
    files.write("class/drm/card0/device/vendor", "0x8086\n");
    files.write("class/drm/card0/device/device", "0x56a0\n");
    files.write("class/drm/card0/device/uevent", "DRIVER=i915\nPCI_SLOT_NAME=0000:03:00.0\n");
    files.write("class/drm/card0/device/drm/renderD128/dev", "226:128\n");
    files.write("class/drm/card0/device/hwmon/hwmon3/temp1_input", "61500\n");
    files.write("class/drm/card0/device/hwmon/hwmon3/power1_input", "75000000\n");
    files.write("class/drm/card0-HDMI-A-1/status", "connected\n");
    files.write("sys/kernel/random/boot_id", "a-boot\n");
  }

  void amd_card() {
    files.write("class/drm/card1/device/vendor", "0x1002\n");
    files.write("class/drm/card1/device/device", "0x744c\n");
    files.write("class/drm/card1/device/uevent", "DRIVER=amdgpu\nPCI_SLOT_NAME=0000:0a:00.0\n");
    files.write("class/drm/card1/device/drm/renderD129/dev", "226:129\n");
    files.write("class/drm/card1/device/product_name", "AMD Radeon RX 7900 XTX\n");
    files.write("class/drm/card1/device/gpu_busy_percent", "42\n");
    files.write("class/drm/card1/device/mem_info_vram_total", "24000000000\n");
    files.write("class/drm/card1/device/mem_info_vram_used", "1000000000\n");
  }

  /// A process with a card open, and how long it kept an engine busy.
  void process(int pid, const std::string& pci, int client, const std::string& engine, uint64_t ms, int fd = 5) {
    auto folder = std::to_string(pid);
    files.write(folder + "/fdinfo/" + std::to_string(fd),
                "pos:\t0\ndrm-driver:\ti915\ndrm-pdev:\t" + pci + "\ndrm-client-id:\t" + std::to_string(client)
                  + "\ndrm-engine-" + engine + ":\t" + std::to_string(ms * 1'000'000) + " ns\ndrm-engine-capacity-"
                  + engine + ":\t2\n");
    std::filesystem::create_directories(files.root() + "/" + folder + "/fd");
    std::error_code exists;
    std::filesystem::create_symlink("/dev/dri/renderD128", files.root() + "/" + folder + "/fd/" + std::to_string(fd),
                                    exists);
  }

  drm_probe probe() const {
    return drm_probe{files.root(), files.root()};
  }
};

} // namespace
} // namespace drm_test

BOOST_FIXTURE_TEST_SUITE(drm_test, fixture)

BOOST_AUTO_TEST_CASE(cards_come_with_identity_and_sensors) {
  intel_card();
  amd_card();
  auto cards = probe().measure(now);
  BOOST_REQUIRE_EQUAL(cards.size(), 2u);
  auto& a = cards[0];
  BOOST_TEST((a.card.vendor == gpu_vendor::intel));
  BOOST_TEST(a.card.name == "Intel Arc (DG2)");
  BOOST_TEST(a.card.pci == "0000:03:00.0");
  BOOST_TEST(a.card.machine == "a-boot");
  BOOST_TEST(a.card.device == "/dev/dri/renderD128");
  BOOST_TEST(a.card.driver == "i915");
  BOOST_TEST(a.reading.temperature_celsius.value() == 61.5);
  BOOST_TEST(a.reading.power_watts.value() == 75);
  BOOST_TEST(!a.reading.encode_sessions); // nothing to compare with yet
  BOOST_TEST(!a.reading.memory_total_bytes);
  auto& b = cards[1];
  BOOST_TEST(b.card.name == "AMD Radeon RX 7900 XTX");
  BOOST_TEST(b.reading.utilisation_percent.value() == 42);
  BOOST_TEST(b.reading.memory_used_bytes.value() == 1'000'000'000u);
  BOOST_TEST(gpu_key(b.card) == "a-boot/0000:0a:00.0");
}

BOOST_AUTO_TEST_CASE(use_is_the_difference_between_two_calls_over_all_engines_of_a_kind) {
  intel_card();
  process(100, "0000:03:00.0", 1, "video", 1000);
  process(101, "0000:03:00.0", 2, "video", 0);
  auto it = probe();
  it.measure(now);
  process(100, "0000:03:00.0", 1, "video", 1600);
  process(102, "0000:03:00.0", 3, "render", 500);
  auto card = it.measure(now + 1s).at(0);
  BOOST_TEST(card.reading.encoder_percent.value() == 30, boost::test_tools::tolerance(1e-6)); // two engines
  BOOST_TEST(card.reading.encode_sessions.value() == 1u);
  BOOST_TEST((card.session_pids.value() == std::vector<int64_t>{100}));
  BOOST_TEST(card.reading.utilisation_percent.value() == 25, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(files_that_share_a_client_are_counted_once) {
  intel_card();
  process(100, "0000:03:00.0", 1, "video", 0, 5);
  process(100, "0000:03:00.0", 1, "video", 0, 6);
  auto it = probe();
  it.measure(now);
  process(100, "0000:03:00.0", 1, "video", 200, 5);
  process(100, "0000:03:00.0", 1, "video", 200, 6);
  auto card = it.measure(now + 1s).at(0);
  BOOST_TEST(card.reading.encode_sessions.value() == 1u);
  BOOST_TEST(card.reading.encoder_percent.value() == 10, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(decoding_is_no_encode_session_where_the_engines_differ) {
  amd_card();
  process(100, "0000:0a:00.0", 1, "dec", 0);
  auto it = probe();
  it.measure(now);
  process(100, "0000:0a:00.0", 1, "dec", 400);
  auto card = it.measure(now + 1s).at(0);
  BOOST_TEST(card.reading.encode_sessions.value() == 0u);
  BOOST_TEST(card.reading.decoder_percent.value() == 20, boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_CASE(other_vendors_and_cards_without_a_render_node_are_left_to_others) {
  files.write("class/drm/card0/device/vendor", "0x10de\n");
  files.write("class/drm/card0/device/drm/renderD128/dev", "226:128\n");
  files.write("class/drm/card1/device/vendor", "0x8086\n");
  BOOST_TEST(probe().measure(now).empty());
  BOOST_TEST(drm_probe("/nonexistent", "/nonexistent").measure(now).empty());
}

BOOST_AUTO_TEST_CASE(hostile_files_give_nothing) {
  for (auto text : {"", ":", "drm-pdev", "drm-engine-video: many ns\ndrm-client-id: -1\n", "drm-pdev:\n"}) {
    auto x = parse_fdinfo(text);
    BOOST_TEST(x.pci.empty());
    BOOST_TEST(x.id == 0u);
  }
  std::string many = "drm-pdev: 0000:00:02.0\n";
  for (int i = 0; i < 10'000; ++i)
    many += "drm-engine-e" + std::to_string(i) + ": 1 ns\n";
  BOOST_TEST(parse_fdinfo(many).engine_ns.size() <= 32u);
}

BOOST_AUTO_TEST_CASE(families_of_cards_are_named_so_that_the_table_of_limits_knows_them) {
  BOOST_TEST(intel_name(0x9a49) == "Intel Xe (Tiger Lake)");
  BOOST_TEST(intel_name(0x5917) == "Intel HD (Kaby Lake)");
  BOOST_TEST(intel_name(0x56c0) == "Intel Data Center GPU Flex");
  BOOST_TEST(intel_name(0xffff) == "Intel graphics ffff");
}

BOOST_AUTO_TEST_SUITE_END()

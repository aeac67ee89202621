// The table of models: each family of GPUs gets the limits that its makers publish or users have found.
#include "core/placement/gpu_limits.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;

BOOST_AUTO_TEST_SUITE(gpu_limits_test)

namespace {

gpu_limits of(const std::string& name, const std::string& driver = "550.54.14",
              gpu_vendor vendor = gpu_vendor::nvidia) {
  gpu_description x;
  x.name = name;
  x.driver = driver;
  x.vendor = vendor;
  return limits_from_table(x);
}

} // namespace

BOOST_AUTO_TEST_CASE(geforce_cards_share_what_their_driver_allows_on_a_machine) {
  for (auto [driver, sessions] : {std::pair{"390.77", 2u},
                                  {"435.21", 3u},
                                  {"525.60.11", 3u},
                                  {"530.41", 5u},
                                  {"545.23", 5u},
                                  {"550.54.14", 8u},
                                  {"580.1", 8u},
                                  {"590.48", 12u},
                                  {"600.1", 12u}}) {
    auto limits = of("NVIDIA GeForce RTX 4090", driver);
    BOOST_TEST((limits.encode == session_limit::of(sessions)), driver);
    BOOST_TEST((limits.encode_scope == limit_scope::machine));
  }
  BOOST_TEST((of("NVIDIA TITAN V", "550.1").encode_scope == limit_scope::machine));
}

BOOST_AUTO_TEST_CASE(a_driver_without_a_version_is_taken_for_an_old_one) {
  BOOST_TEST((of("NVIDIA GeForce GTX 1080", "").encode == session_limit::of(2)));
}

BOOST_AUTO_TEST_CASE(data_centre_cards_without_nvenc_have_no_encoder_but_decode) {
  for (auto name : {"NVIDIA A100-SXM4-40GB", "NVIDIA A100 80GB PCIe", "NVIDIA H100 80GB HBM3", "NVIDIA H200",
                    "NVIDIA A30", "NVIDIA H100 PCIe", "NVIDIA GH200 480GB", "NVIDIA B200", "NVIDIA H800"}) {
    auto limits = of(name);
    BOOST_TEST(limits.encode.is_none(), name);
    BOOST_TEST(limits.decode.is_unlimited(), name);
    BOOST_TEST(limits.why.find("no NVENC") != std::string::npos, name);
  }
}

BOOST_AUTO_TEST_CASE(data_centre_and_professional_cards_with_nvenc_have_no_limit) {
  for (auto name : {"NVIDIA A10", "NVIDIA A10G", "NVIDIA A40", "Tesla T4", "NVIDIA L4", "NVIDIA L40S",
                    "Tesla V100-SXM2-16GB", "Tesla P100-PCIE-16GB", "NVIDIA RTX A4000",
                    "NVIDIA RTX 6000 Ada Generation", "Quadro RTX 4000", "Quadro P2000"}) {
    auto limits = of(name);
    BOOST_TEST(limits.encode.is_unlimited(), name);
    BOOST_TEST((limits.encode_scope == limit_scope::gpu));
  }
}

BOOST_AUTO_TEST_CASE(small_professional_cards_are_limited_as_geforce_is) {
  for (auto name : {"Quadro P400", "Quadro P1000", "Quadro K620", "NVIDIA T1000"})
    BOOST_TEST((of(name).encode == session_limit::of(8)), name);
}

BOOST_AUTO_TEST_CASE(shared_engines_are_given_a_number_by_generation) {
  BOOST_TEST((of("Intel Arc A380", "", gpu_vendor::intel).encode == session_limit::of(12)));
  BOOST_TEST((of("Intel UHD Graphics 630", "", gpu_vendor::intel).encode == session_limit::of(6)));
  BOOST_TEST((of("Intel UHD 770", "", gpu_vendor::intel).encode == session_limit::of(8)));
  BOOST_TEST(of("Intel Data Center GPU Max 1100", "", gpu_vendor::intel).encode.is_none());
  BOOST_TEST((of("AMD Radeon RX 7900 XTX", "", gpu_vendor::amd).encode == session_limit::of(8)));
  BOOST_TEST(of("AMD Instinct MI300X", "", gpu_vendor::amd).encode.is_none());
  BOOST_TEST((of("Apple M2", "", gpu_vendor::apple).encode == session_limit::of(8)));
}

BOOST_AUTO_TEST_CASE(a_model_that_nobody_knows_gets_a_careful_guess_that_says_so) {
  auto limits = of("NVIDIA Something New");
  BOOST_TEST((limits.encode == session_limit::of(2)));
  BOOST_TEST(limits.why.find("guess") != std::string::npos);
  BOOST_TEST(of("Intel Foo", "", gpu_vendor::intel).why.find("guess") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_are_found_as_whole_words) {
  BOOST_TEST(of("NVIDIA A1000X RTX").encode.is_unlimited()); // neither A10 nor A100
  BOOST_TEST(of("nvidia h100 nvl").encode.is_none());
}

BOOST_AUTO_TEST_SUITE_END()

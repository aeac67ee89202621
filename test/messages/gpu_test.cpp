// Workers' GPU reports survive the wire format; absent values stay absent, and no limit stays no limit.
#include "messages/gpu.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>

#include <boost/test/unit_test.hpp>

using namespace troupe;

BOOST_AUTO_TEST_SUITE(gpu_test)

namespace {

gpu_report comes_back(gpu_report x) {
  caf::byte_buffer buffer;
  caf::binary_serializer sink{nullptr, buffer};
  BOOST_REQUIRE(sink.apply(x));
  gpu_report y;
  caf::binary_deserializer source{nullptr, buffer};
  BOOST_TEST(source.apply(y));
  BOOST_TEST(source.remaining() == 0u);
  BOOST_TEST((x == y));
  return y;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_report_comes_back_from_the_wire) {
  gpu_report x;
  x.card = {"GPU-1", "0000:3b:00.0", "boot", "cuda:0", "NVIDIA RTX", "550.1", gpu_vendor::nvidia, 0x2684, {}, {}};
  x.card.for_gpu.encode = session_limit::unlimited();
  x.card.for_worker.decode = session_limit::none();
  x.reading = {1, 2, 3, 4, 5, 6.5, 7.5, 8, 9};
  x.counted = {lease_id{1}, lease_id{2}};
  x.fault = "lost";
  auto y = comes_back(x);
  BOOST_TEST(y.card.for_gpu.encode->is_unlimited());
  BOOST_TEST(y.card.for_worker.decode->is_none());
  BOOST_TEST(!y.card.for_gpu.decode);
}

BOOST_AUTO_TEST_CASE(what_is_absent_stays_absent) {
  auto y = comes_back({});
  BOOST_TEST(!y.reading.encode_sessions);
  BOOST_TEST(!y.counted);
}

BOOST_AUTO_TEST_CASE(no_limit_is_above_every_number_and_none_below) {
  BOOST_TEST((session_limit::none() < session_limit::of(1)));
  BOOST_TEST((session_limit::of(1'000'000) < session_limit::unlimited()));
  BOOST_TEST(session_limit::unlimited().allows_more_than(1'000'000'000));
  BOOST_TEST(!session_limit::of(3).allows_more_than(3));
  BOOST_TEST(!session_limit::none().allows_more_than(0));
  BOOST_TEST(to_string(session_limit::unlimited()) == "unlimited");
}

BOOST_AUTO_TEST_CASE(a_card_is_the_same_for_all_who_see_it) {
  gpu_description a, b;
  a.pci = b.pci = "0000:3b:00.0";
  a.machine = "m1";
  b.machine = "m2";
  BOOST_TEST(gpu_key(a) != gpu_key(b));
  a.uuid = b.uuid = "GPU-1";
  a.device = "cuda:0";
  b.device = "cuda:3";
  BOOST_TEST(gpu_key(a) == gpu_key(b));
  BOOST_TEST(gpu_key({}).empty());
}

BOOST_AUTO_TEST_SUITE_END()

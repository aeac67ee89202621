// The choice of worker and device: workers with GPUs are described, requests are placed, and rejected candidates are
// asked for their reason.
#include "core/placement/placement_index.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe;
using namespace troupe::core;
using namespace std::chrono_literals;

namespace placement_test {
namespace {

struct fixture : placement_effects {
  time_point now{1000s};
  std::vector<std::pair<uint64_t, choice>> got;
  std::vector<std::string> encoders; ///< of the placed requests, in order
  std::map<uint64_t, std::string> refusals;
  uint64_t next = 1;

  void placed(uint64_t ticket, lease_id, const choice& at, const rung& on) override {
    got.emplace_back(ticket, at);
    encoders.push_back(on.encoder);
  }

  void refused(uint64_t ticket, ec, const std::string& why) override {
    refusals[ticket] = why;
  }

  static device_offer card(const std::string& uuid, uint32_t limit,
                           std::vector<std::string> encoders = {"h264_nvenc"}) {
    device_offer x;
    x.encoders = std::move(encoders);
    x.report.card.uuid = uuid;
    x.report.card.device = "dev-" + uuid;
    x.report.card.name = "NVIDIA RTX A4000";
    x.report.card.vendor = gpu_vendor::nvidia;
    x.report.card.for_gpu.encode = session_limit::of(limit);
    return x;
  }

  void add(placement_index& index, uint64_t id, const std::vector<device_offer>& cards, uint32_t slots = 8,
           std::vector<std::string> software = {"libx264", "aac"}) {
    worker_offer x;
    x.id = worker_id{id};
    x.name = "w" + std::to_string(id);
    x.slots = {slots, slots, 1};
    x.slots_total = slots;
    x.encoders = std::move(software);
    x.decoders = {"h264"};
    index.worker_added(x, cards, now);
  }

  uint64_t ask(placement_index& index, const std::string& encoder, exhaustion_policy policy = exhaustion_policy::queue,
               placement_request x = {}) {
    x.rungs = rungs_of({encoder, policy, {}, false}).value();
    auto ticket = next++;
    index.request(ticket, lease_id{ticket}, x, policy, now + 10s, now);
    return ticket;
  }

  uint64_t worker_of_last() const {
    return got.back().second.worker.value;
  }
};

} // namespace
} // namespace placement_test

BOOST_FIXTURE_TEST_SUITE(placement_test, fixture)

BOOST_AUTO_TEST_CASE(hardware_goes_before_software_and_the_ladder_over_the_whole_cluster) {
  placement_index index{{}, *this};
  add(index, 1, {});
  add(index, 2, {card("q", 1, {"h264_qsv"})});
  add(index, 3, {card("n", 1)});
  for (int i = 0; i < 3; ++i)
    ask(index, "h264_nvenc", exhaustion_policy::fallback);
  BOOST_TEST((encoders == std::vector<std::string>{"h264_nvenc", "h264_qsv", "libx264"}));
  BOOST_TEST(got[0].second.device == "dev-n");
  BOOST_TEST((got[2].second.slot == slot_kind::cpu));
}

BOOST_AUTO_TEST_CASE(a_request_that_may_wait_gets_the_session_that_is_freed_in_the_order_of_arrival) {
  placement_index index{{}, *this};
  add(index, 1, {card("shared", 3)});
  add(index, 2, {card("shared", 3)});
  for (int i = 0; i < 5; ++i)
    ask(index, "h264_nvenc");
  BOOST_TEST(got.size() == 3u);
  BOOST_TEST(index.waiting().position(4).value() == 0u);
  BOOST_TEST(index.waiting().position(5).value() == 1u);
  index.release(lease_id{2}, now);
  BOOST_REQUIRE_EQUAL(got.size(), 4u);
  BOOST_TEST(got.back().first == 4u);
  BOOST_TEST(index.waiting().position(5).value() == 0u);
  BOOST_TEST(!index.release(lease_id{2}, now));
  now += 10s;
  index.tick(now);
  BOOST_TEST(refusals.contains(5));
  BOOST_TEST(index.waiting().size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_request_that_may_not_wait_is_refused_with_the_reasons) {
  placement_index index{{}, *this};
  add(index, 1, {card("n", 1)});
  ask(index, "h264_nvenc", exhaustion_policy::reject);
  auto second = ask(index, "h264_nvenc", exhaustion_policy::reject);
  BOOST_TEST(refusals[second].find("w1 dev-n has no free session") != std::string::npos, refusals[second]);
  auto third = ask(index, "hevc_nvenc", exhaustion_policy::reject);
  BOOST_TEST(refusals[third].find("no worker has proven") == 0u, refusals[third]);
}

BOOST_AUTO_TEST_CASE(a_card_that_is_hot_or_failed_is_passed_over_and_taken_again_later) {
  placement_index index{{}, *this};
  auto hot = card("hot", 9);
  hot.report.reading.temperature_celsius = 90;
  add(index, 1, {hot});
  auto waiting = ask(index, "h264_nvenc");
  BOOST_TEST(got.empty());
  auto cool = hot.report;
  cool.reading.temperature_celsius = 70;
  index.worker_reports(worker_id{1}, {cool}, now);
  BOOST_REQUIRE_EQUAL(got.size(), 1u);
  index.device_failed(lease_id{waiting}, "cannot open", now);
  index.release(lease_id{waiting}, now);
  auto again = ask(index, "h264_nvenc", exhaustion_policy::reject);
  BOOST_TEST(refusals[again].find("cannot open") != std::string::npos);
  ask(index, "h264_nvenc");
  now += gpu_tracker_config{}.back_off;
  index.tick(now);
  // The request's deadline and the end of the back-off are at the same moment: the request is placed, not refused.
  BOOST_TEST(got.size() == 2u);
}

BOOST_AUTO_TEST_CASE(least_loaded_spreads_and_equals_take_turns) {
  placement_index index{{}, *this};
  for (uint64_t id = 1; id <= 4; ++id)
    add(index, id, {}, id == 4 ? 16 : 8);
  std::map<uint64_t, int> count;
  for (int i = 0; i < 40; ++i) {
    ask(index, "libx264");
    ++count[worker_of_last()];
  }
  BOOST_TEST(count[1] == 8);
  BOOST_TEST(count[2] == 8);
  BOOST_TEST(count[3] == 8);
  BOOST_TEST(count[4] == 16);
}

BOOST_AUTO_TEST_CASE(round_robin_takes_each_in_turn_whatever_its_load) {
  placement_index index{{{ranking::round_robin, {}, 32}, {}, 100}, *this};
  for (uint64_t id = 1; id <= 3; ++id)
    add(index, id, {}, static_cast<uint32_t>(10 * id));
  std::map<uint64_t, int> count;
  for (int i = 0; i < 30; ++i) {
    ask(index, "libx264");
    ++count[worker_of_last()];
  }
  BOOST_TEST(count[1] == 10);
  BOOST_TEST(count[2] == 10);
  BOOST_TEST(count[3] == 10);
}

BOOST_AUTO_TEST_CASE(capability_match_keeps_versatile_workers_free) {
  placement_index index{{{ranking::capability_match, {}, 32}, {}, 100}, *this};
  add(index, 1, {}, 2, {"libx264", "libx265", "libsvtav1"});
  add(index, 2, {}, 2, {"libx264"});
  for (int i = 0; i < 3; ++i)
    ask(index, "libx264");
  BOOST_TEST(got[0].second.worker.value == 2u);
  BOOST_TEST(got[1].second.worker.value == 2u);
  BOOST_TEST(got[2].second.worker.value == 1u);
}

BOOST_AUTO_TEST_CASE(gpu_aware_takes_the_card_with_the_largest_share_of_free_sessions) {
  placement_index index{{{ranking::gpu_aware, {}, 32}, {}, 100}, *this};
  add(index, 1, {card("small", 2), card("large", 10)});
  std::vector<std::string> devices;
  for (int i = 0; i < 6; ++i) {
    ask(index, "h264_nvenc");
    devices.push_back(got.back().second.device);
  }
  BOOST_TEST(std::count(devices.begin(), devices.end(), "dev-small") == 1);
}

BOOST_AUTO_TEST_CASE(the_weighted_cost_is_use_and_heat_and_jobs) {
  placement_index index{{{ranking::weighted, {1, 0.5, 10}, 32}, {}, 100}, *this};
  auto busy = card("busy", 9), warm = card("warm", 9);
  busy.report.reading.encoder_percent = 50; // costs 50 + 20
  busy.report.reading.temperature_celsius = 40;
  warm.report.reading.encoder_percent = 20; // costs 20 + 35, and 10 for each job
  warm.report.reading.temperature_celsius = 70;
  add(index, 1, {busy, warm});
  std::vector<std::string> devices;
  for (int i = 0; i < 4; ++i) {
    ask(index, "h264_nvenc");
    devices.push_back(got.back().second.device);
  }
  BOOST_TEST((devices == std::vector<std::string>{"dev-warm", "dev-warm", "dev-busy", "dev-warm"}));
}

BOOST_AUTO_TEST_CASE(the_second_best_is_taken_after_a_refusal_and_the_refuser_only_where_no_other_can) {
  placement_index index{{}, *this};
  add(index, 1, {});
  add(index, 2, {});
  placement_request x;
  x.refused_by = {worker_id{1}};
  ask(index, "libx264", exhaustion_policy::queue, x);
  BOOST_TEST(worker_of_last() == 2u);
  index.worker_lost(worker_id{2}, false, now);
  ask(index, "libx264", exhaustion_policy::queue, x);
  BOOST_TEST(worker_of_last() == 1u);
  x.elsewhere = true;
  auto never = ask(index, "libx264", exhaustion_policy::reject, x);
  BOOST_TEST(refusals[never].find("the work must leave") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(each_kind_of_slot_is_counted_by_itself) {
  placement_index index{{}, *this};
  add(index, 1, {card("n", 9)}, 1);
  ask(index, "libx264");
  placement_request probe;
  probe.probe = true;
  probe.rungs = {{}};
  index.request(100, lease_id{100}, probe, exhaustion_policy::reject, now, now);
  BOOST_TEST(got.size() == 2u);
  BOOST_TEST((got.back().second.slot == slot_kind::probe));
  index.request(101, lease_id{101}, probe, exhaustion_policy::reject, now, now);
  BOOST_TEST(refusals[101].find("no free probe slot") != std::string::npos);
  auto full = ask(index, "h264_nvenc", exhaustion_policy::reject); // the worker's only slot is in use
  BOOST_TEST(refusals[full].find("no free gpu slot") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(workers_that_drain_or_are_left_alone_take_nothing_but_the_last_resort) {
  placement_index index{{}, *this};
  add(index, 1, {});
  index.worker_fares(worker_id{1}, {readiness::last_resort, 0}, now);
  ask(index, "libx264");
  BOOST_TEST(got.empty());
  placement_request urgent;
  urgent.last_resort = true;
  ask(index, "libx264", exhaustion_policy::queue, urgent);
  BOOST_TEST(got.size() == 1u);
  index.worker_fares(worker_id{1}, {readiness::none, 0}, now);
  ask(index, "libx264", exhaustion_policy::queue, urgent);
  BOOST_TEST(got.size() == 1u);
  index.worker_fares(worker_id{1}, {readiness::degraded, 0}, now);
  BOOST_TEST(got.size() == 3u);
}

BOOST_AUTO_TEST_CASE(what_is_needed_besides_must_be_proven_on_the_same_worker) {
  placement_index index{{}, *this};
  add(index, 1, {card("n", 9)}, 8, {"libx264"});
  add(index, 2, {card("m", 9)});
  placement_request x;
  x.also = {"aac"};
  x.decoders = {"h264"};
  ask(index, "h264_nvenc", exhaustion_policy::queue, x);
  BOOST_TEST(worker_of_last() == 2u);
  x.decoders = {"prores"};
  auto never = ask(index, "h264_nvenc", exhaustion_policy::reject, x);
  BOOST_TEST(refusals.contains(never));
}

BOOST_AUTO_TEST_CASE(an_explanation_names_the_choice_first_and_a_reason_for_each_other) {
  placement_index index{{}, *this};
  auto hot = card("hot", 3);
  hot.report.reading.temperature_celsius = 99;
  add(index, 1, {hot});
  add(index, 2, {card("good", 3)});
  add(index, 3, {card("next", 3)}, 8);
  placement_request x;
  x.rungs = rungs_of({"h264_nvenc", exhaustion_policy::queue, {}, false}).value();
  auto all = index.explain(x);
  BOOST_REQUIRE_EQUAL(all.size(), 3u);
  BOOST_TEST(all[0].why_not.empty());
  BOOST_TEST(all[1].why_not == "ranks behind the one that was taken");
  BOOST_TEST(all[2].device == "dev-hot");
  BOOST_TEST(all[2].why_not.find("temperature is at 99") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_worker_that_comes_back_has_the_slots_of_tasks_that_lived_on_in_use) {
  placement_index index{{}, *this};
  add(index, 1, {}, 1);
  auto held = ask(index, "libx264");
  index.worker_lost(worker_id{1}, true, now);
  add(index, 1, {}, 1);
  ask(index, "libx264");
  BOOST_TEST(got.size() == 1u);
  index.release(lease_id{held}, now);
  BOOST_TEST(got.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_handed_over_is_free_with_the_lease_that_has_it_and_a_session_with_its_own) {
  placement_index index{{}, *this};
  add(index, 1, {card("a", 1)}, 1);
  auto held = lease_id{ask(index, "h264_nvenc")};
  lease_id heir{1000};
  index.hand_over(held, heir);
  BOOST_TEST(index.gpu_of(held).value != 0u);
  BOOST_TEST(index.gpu_of(heir).value == 0u);
  index.worker_lost(worker_id{1}, true, now);
  add(index, 1, {card("a", 1)}, 1);
  ask(index, "libx264");
  BOOST_TEST(index.release(held, now));
  BOOST_TEST(index.gpus().find("a")->ours_encode == 0u);
  BOOST_TEST(got.size() == 1u);
  BOOST_TEST(index.release(heir, now));
  BOOST_TEST(got.size() == 2u);
  BOOST_TEST(index.leases() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

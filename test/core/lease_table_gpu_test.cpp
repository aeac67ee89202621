// The lease table with GPUs: sessions count from reservation to process exit, policies decide when none is free, and
// waiting requests get the first one returned. Method: a real worker table, GPUs in registrations and heartbeats,
// recorded effects.
#include "test/core/lease_table_fixture.hpp"

using namespace troupe;
using namespace troupe::core;

namespace lease_table_gpu_test {
namespace {

struct gpu_fixture : lease_fixture {
  uint64_t next_task = 100;

  static gpu_report card(const std::string& uuid, uint32_t sessions) {
    gpu_report x;
    x.card.uuid = uuid;
    x.card.device = "cuda:0";
    x.card.name = "Quadro RTX 4000";
    x.card.vendor = gpu_vendor::nvidia;
    x.card.for_gpu.encode = session_limit::of(sessions);
    return x;
  }

  void add_worker(uint64_t id, uint32_t slots, const std::vector<gpu_report>& cards, bool works = true) {
    auto x = worker_of(id, slots);
    x.gpus = cards;
    for (auto& c : cards)
      x.can.encoders.push_back({"h264_nvenc", "h264", "video", c.card.device, works,
                                works ? "" : "OpenEncodeSessionEx failed: unsupported device", 0, gpu_key(c.card)});
    add(x);
    for (uint32_t i = 0; i < slots; ++i)
      leases.task_joined(task_id{next_task++}, worker_id{id}, now);
  }

  static lease_request wanting(exhaustion_policy policy, const std::string& encoder = "h264_nvenc") {
    lease_request x;
    x.label.kind = work_kind::transcode;
    x.encoders = {encoder};
    x.video.encoder = encoder;
    x.video.policy = policy;
    return x;
  }

  /// Requests a lease; the ticket is also the number of the attempt.
  void ask(uint64_t ticket, lease_request x) {
    x.label.attempt = attempt_id{ticket};
    leases.request(x, ticket, 1, now);
    accept_all();
  }

  const lease& got(uint64_t ticket) {
    BOOST_REQUIRE_MESSAGE(effects.granted.contains(ticket), "request " << ticket << " has no lease");
    return effects.granted[ticket];
  }

  uint32_t in_use(const std::string& key) const {
    auto* card = leases.gpus().find(key);
    return card == nullptr ? 0 : card->ours_encode;
  }
};

} // namespace
} // namespace lease_table_gpu_test

BOOST_FIXTURE_TEST_SUITE(lease_table_gpu_test, gpu_fixture)

BOOST_AUTO_TEST_CASE(a_card_that_two_workers_share_gives_its_sessions_once_and_the_rest_goes_by_policy) {
  add_worker(1, 4, {card("GPU-a", 3)});
  add_worker(2, 4, {card("GPU-a", 3)});
  for (uint64_t t = 1; t <= 3; ++t) {
    ask(t, wanting(exhaustion_policy::fallback));
    BOOST_TEST(got(t).seat.encoder == "h264_nvenc");
    BOOST_TEST(got(t).seat.gpu == "GPU-a");
    BOOST_TEST(!got(t).seat.decodes); // no decoder of it is proven
  }
  BOOST_TEST(in_use("GPU-a") == 3u);
  ask(4, wanting(exhaustion_policy::fallback));
  BOOST_TEST(got(4).seat.encoder == "libx264");
  BOOST_TEST(got(4).seat.gpu.empty());
  BOOST_TEST(got(4).seat.warning.find("h264_nvenc") != std::string::npos);
  ask(5, wanting(exhaustion_policy::reject));
  BOOST_REQUIRE(effects.refused.contains(5));
  BOOST_TEST(effects.refused[5].find("no free session") != std::string::npos, effects.refused[5]);
  ask(6, wanting(exhaustion_policy::queue));
  ask(7, wanting(exhaustion_policy::queue));
  BOOST_TEST(!effects.granted.contains(6));
  BOOST_TEST((leases.waiting() == std::vector<std::pair<attempt_id, size_t>>{{attempt_id{6}, 0}, {attempt_id{7}, 1}}));
}

BOOST_AUTO_TEST_CASE(a_session_is_free_when_its_process_is_gone_and_goes_to_the_first_in_the_line) {
  add_worker(1, 4, {card("GPU-a", 1)});
  ask(1, wanting(exhaustion_policy::queue));
  ask(2, wanting(exhaustion_policy::queue));
  ask(3, wanting(exhaustion_policy::queue));
  auto first = got(1);
  leases.release(first.id, {}, now, 0);
  accept_all();
  BOOST_TEST(!effects.granted.contains(2)); // its process still holds the session
  BOOST_TEST((effects.watched == std::vector<task_id>{first.task}));
  BOOST_TEST(leases.closing() == 1u);
  leases.process_gone(first.task, now);
  accept_all();
  BOOST_TEST(got(2).seat.gpu == "GPU-a");
  BOOST_TEST(!effects.granted.contains(3));
  leases.process_gone(first.task, now);
  leases.task_lost(first.task, {"gone", true}, now, 0);
  leases.release(first.id, {}, now, 0);
  BOOST_TEST(in_use("GPU-a") == 1u); // together, these calls returned the session only once
}

BOOST_AUTO_TEST_CASE(the_death_of_a_task_and_of_its_worker_return_a_session_once) {
  add_worker(1, 4, {card("GPU-a", 2)});
  add_worker(2, 4, {card("GPU-a", 2)});
  ask(1, wanting(exhaustion_policy::fallback));
  ask(2, wanting(exhaustion_policy::fallback));
  auto a = got(1), b = got(2);
  BOOST_TEST(in_use("GPU-a") == 2u);
  leases.task_lost(a.task, {"killed", true}, now, 0);
  BOOST_TEST(in_use("GPU-a") == 2u); // its host has not said that the process is gone
  leases.process_gone(a.task, now);
  BOOST_TEST(in_use("GPU-a") == 1u);
  workers.lost(b.worker, "killed", now);
  leases.host_lost(b.worker, now);
  BOOST_TEST(in_use("GPU-a") == 1u); // the task continues without its worker's daemon
  leases.task_lost(b.task, {"killed", true}, now, 0);
  BOOST_TEST(in_use("GPU-a") == 0u);
  BOOST_TEST(leases.closing() == 0u);
}

BOOST_AUTO_TEST_CASE(a_list_of_processes_without_it_tells_that_one_is_gone) {
  add_worker(1, 4, {card("GPU-a", 1)});
  ask(1, wanting(exhaustion_policy::fallback));
  auto held = got(1);
  leases.release(held.id, {}, now, 0);
  leases.host_lists(worker_id{1}, {listed(held.task.value, "transcode")}, now);
  BOOST_TEST(in_use("GPU-a") == 1u);
  leases.host_lists(worker_id{1}, {}, now);
  BOOST_TEST(in_use("GPU-a") == 0u);
}

BOOST_AUTO_TEST_CASE(a_hot_card_takes_no_new_work_until_it_is_cool_again) {
  add_worker(1, 4, {card("GPU-a", 3)});
  auto hot = card("GPU-a", 3);
  hot.reading.temperature_celsius = 95;
  leases.host_measures(worker_id{1}, {hot}, now);
  ask(1, wanting(exhaustion_policy::queue));
  ask(2, wanting(exhaustion_policy::fallback));
  BOOST_TEST(!effects.granted.contains(1));
  BOOST_TEST(got(2).seat.encoder == "libx264");
  BOOST_TEST(leases.gpus_of(worker_id{1}).at(0).blocked.find("temperature") != std::string::npos);
  hot.reading.temperature_celsius = 60;
  leases.host_measures(worker_id{1}, {hot}, now);
  accept_all();
  BOOST_TEST(got(1).seat.gpu == "GPU-a");
}

BOOST_AUTO_TEST_CASE(a_device_that_fails_is_left_alone_and_tried_again_after_its_back_off) {
  add_worker(1, 4, {card("GPU-a", 3)});
  add_worker(2, 4, {card("GPU-b", 3)});
  ask(1, wanting(exhaustion_policy::fallback));
  auto bad = got(1);
  leases.device_failed(bad.id, "out of order", now);
  leases.release(bad.id, {}, now, 0);
  BOOST_TEST((workers.state(bad.worker) == health::healthy)); // the worker is not to blame
  for (uint64_t t = 2; t <= 3; ++t) {
    ask(t, wanting(exhaustion_policy::fallback));
    BOOST_TEST((got(t).seat.gpu != bad.seat.gpu));
    BOOST_TEST(got(t).seat.encoder == "h264_nvenc");
  }
  for (auto end = now + 11s; now < end; now += 1s) {
    for (uint64_t w : {1, 2})
      (void)workers.beat(heartbeat{worker_id{w}, 0, {}, {}, {}}, now, 0);
    leases.tick(now);
  }
  BOOST_TEST(leases.gpus_of(bad.worker).at(0).blocked.empty());
}

BOOST_AUTO_TEST_CASE(a_session_of_the_decoder_comes_with_one_of_the_encoder_where_one_is_free) {
  auto decodes = worker_of(1, 4);
  decodes.gpus = {card("GPU-a", 3)};
  decodes.gpus[0].card.for_gpu.decode = session_limit::of(1);
  auto& described = decodes.gpus[0].card;
  decodes.can.encoders.push_back({"h264_nvenc", "h264", "video", described.device, true, "", 0, gpu_key(described)});
  decodes.can.decoders.push_back({"h264", "h264", "video", described.device, true, "", 0, gpu_key(described)});
  add(decodes);
  for (int i = 0; i < 4; ++i)
    leases.task_joined(task_id{next_task++}, worker_id{1}, now);
  ask(1, wanting(exhaustion_policy::fallback));
  ask(2, wanting(exhaustion_policy::fallback));
  BOOST_TEST(got(1).seat.decodes);
  BOOST_TEST(got(2).seat.gpu == "GPU-a");
  BOOST_TEST(!got(2).seat.decodes);
  BOOST_TEST(leases.gpus_of(worker_id{1}).at(0).decode_sessions == 1u);
  auto first = got(1);
  leases.release(first.id, {}, now, 0);
  leases.process_gone(first.task, now);
  accept_all();
  ask(3, wanting(exhaustion_policy::fallback));
  BOOST_TEST(got(3).seat.decodes);
}

BOOST_AUTO_TEST_CASE(sessions_of_other_programs_count) {
  add_worker(1, 4, {card("GPU-a", 2)});
  auto busy = card("GPU-a", 2);
  busy.reading.encode_sessions = 1;
  leases.host_measures(worker_id{1}, {busy}, now);
  ask(1, wanting(exhaustion_policy::fallback));
  ask(2, wanting(exhaustion_policy::fallback));
  BOOST_TEST(got(1).seat.encoder == "h264_nvenc");
  BOOST_TEST(got(2).seat.encoder == "libx264");
}

BOOST_AUTO_TEST_CASE(what_lost_its_lease_is_not_confirmed) {
  add_worker(1, 4, {card("GPU-a", 2)});
  ask(1, wanting(exhaustion_policy::fallback));
  BOOST_TEST(leases.confirm(got(1).id, now));
  leases.release(got(1).id, {}, now, 0);
  BOOST_TEST(!leases.confirm(got(1).id, now));
  BOOST_TEST(!leases.confirm(lease_id{4711}, now));
}

BOOST_AUTO_TEST_CASE(an_encoder_that_nobody_proved_is_told_with_what_its_driver_said) {
  add_worker(1, 4, {card("GPU-a", 2)}, false);
  ask(1, wanting(exhaustion_policy::fallback));
  BOOST_TEST(got(1).seat.encoder == "libx264");
  BOOST_TEST(got(1).seat.warning.find("no worker has a working h264_nvenc") != std::string::npos);
  ask(2, wanting(exhaustion_policy::reject));
  BOOST_REQUIRE(effects.refused.contains(2));
  BOOST_TEST(effects.refused[2].find("unsupported device") != std::string::npos, effects.refused[2]);
}

BOOST_AUTO_TEST_CASE(a_codec_is_served_by_hardware_first_and_software_never_where_that_is_forbidden) {
  add_worker(1, 4, {card("GPU-a", 1)});
  ask(1, wanting(exhaustion_policy::fallback, "h264"));
  BOOST_TEST(got(1).seat.encoder == "h264_nvenc");
  BOOST_TEST(got(1).seat.warning.empty());
  ask(2, wanting(exhaustion_policy::fallback, "h264"));
  BOOST_TEST(got(2).seat.encoder == "libx264");
  auto never = wanting(exhaustion_policy::fallback, "h264");
  never.video.never_software = true;
  ask(3, never);
  BOOST_TEST(!effects.granted.contains(3));
  leases.tick(now += 5s);
  BOOST_TEST(effects.refused.contains(3));
}

BOOST_AUTO_TEST_CASE(a_lease_says_why_it_is_there_and_why_not_elsewhere) {
  add_worker(1, 4, {card("GPU-a", 2)});
  add_worker(2, 4, {});
  ask(1, wanting(exhaustion_policy::fallback));
  auto& looked = got(1).looked_at;
  BOOST_REQUIRE(looked.size() >= 2u);
  BOOST_TEST(looked[0].worker == "w1");
  BOOST_TEST(looked[0].gpu == "GPU-a");
  BOOST_TEST(looked[0].why_not.empty());
  for (size_t i = 1; i < looked.size(); ++i)
    BOOST_TEST(!looked[i].why_not.empty(), looked[i].worker);
}

BOOST_AUTO_TEST_CASE(file_work_whose_encoder_no_worker_has_any_more_is_refused_where_it_can_do_without) {
  add_worker(1, 1, {card("GPU-a", 1)});
  add_worker(2, 1, {});
  workers.lost(worker_id{1}, "its machine is gone", now);
  leases.host_lost(worker_id{1}, now);
  auto x = wanting(exhaustion_policy::queue);
  x.label.kind = work_kind::chunk;
  ask(7, x);
  x.replaceable = true;
  ask(8, x);
  auto wait = [this](std::chrono::seconds time) {
    for (auto end = now + time; now < end;)
      leases.tick(now += std::chrono::seconds{1});
  };
  wait(std::chrono::seconds{50});
  BOOST_TEST(effects.refused.empty()); // the worker may register again
  wait(std::chrono::seconds{15});
  BOOST_TEST(!effects.refused.contains(7));
  BOOST_REQUIRE(effects.refused.contains(8));
  BOOST_TEST(effects.refused.at(8).find("no worker has h264_nvenc any more") != std::string::npos,
             effects.refused.at(8));
  BOOST_TEST(leases.leases() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

// Several leases with one process: those of video take a slot and a session on the process's worker, those of sound
// take none. The process ends with the last of them, and sessions are free when their encoders are closed. Method: as
// in lease_table_gpu_test.
#include "test/core/lease_table_fixture.hpp"

#include <algorithm>
#include <random>

using namespace troupe;
using namespace troupe::core;

namespace {

const lease_end closed{.closed = true};

struct sharing_leases : lease_fixture {
  uint64_t next_task = 100;

  void add_host(uint64_t id, uint32_t slots) {
    add_worker(id, slots);
    add_processes(id, slots);
  }

  /// A worker with a card that accepts this many encode sessions, and decodes.
  void add_card(uint64_t id, uint32_t slots, uint32_t sessions) {
    auto x = worker_of(id, slots);
    auto& card = x.gpus.emplace_back().card;
    card.uuid = "GPU-" + std::to_string(id);
    card.device = "cuda:0";
    card.vendor = gpu_vendor::nvidia;
    card.for_gpu.encode = session_limit::of(sessions);
    x.can.encoders.push_back({"h264_nvenc", "h264", "video", "cuda:0", true, "", 0, gpu_key(card)});
    x.can.decoders.push_back({"h264_cuvid", "h264", "video", "cuda:0", true, "", 0, gpu_key(card)});
    add(x);
    add_processes(id, slots);
  }

  void add_processes(uint64_t host, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i)
      leases.task_joined(task_id{next_task++}, worker_id{host}, now);
  }

  static lease_request video() {
    auto x = transcode();
    x.video.encoder = "libx264";
    return x;
  }

  static lease_request sound() {
    auto x = transcode();
    x.encoders.clear();
    return x;
  }

  static lease_request on_card() {
    auto x = transcode();
    x.encoders = {"h264_nvenc"};
    x.video.encoder = "h264_nvenc";
    x.video.policy = exhaustion_policy::fallback;
    return x;
  }

  void ask(uint64_t ticket, lease_request x, lease_id beside = {}, uint64_t owner = 1) {
    x.beside = beside;
    x.label.attempt = attempt_id{ticket};
    leases.request(x, ticket, owner, now);
    accept_all();
  }

  const lease& got(uint64_t ticket) {
    BOOST_REQUIRE_MESSAGE(effects.granted.contains(ticket), "request " << ticket << " has no lease");
    return effects.granted[ticket];
  }

  uint32_t sessions(uint64_t worker) const {
    auto* card = leases.gpus().find("GPU-" + std::to_string(worker));
    return card == nullptr ? 0 : card->ours_encode;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(lease_table_sharing_test, sharing_leases)

BOOST_AUTO_TEST_CASE(a_request_beside_a_lease_gets_its_process_and_a_slot) {
  add_host(1, 3);
  add_host(2, 3);
  ask(1, video());
  auto first = got(1);
  ask(2, video(), first.id);
  ask(3, video(), first.id);
  for (uint64_t ticket : {2, 3}) {
    BOOST_TEST(got(ticket).task.value == first.task.value);
    BOOST_TEST(got(ticket).worker.value == first.worker.value);
    BOOST_TEST(got(ticket).worker_name == first.worker_name);
    BOOST_TEST(got(ticket).id.value != first.id.value);
  }
  BOOST_TEST(slots_used() == 3u);
  BOOST_TEST(leases.outputs_of(first.task) == 3u);
}

BOOST_AUTO_TEST_CASE(without_a_slot_there_it_is_refused_at_once) {
  add_host(1, 2);
  add_host(2, 2);
  ask(1, video());
  ask(2, video(), got(1).id);
  ask(3, video(), got(1).id);
  BOOST_TEST(effects.refused.contains(3));
  BOOST_TEST(slots_used() == 2u);
  ask(4, video());
  BOOST_TEST(got(4).worker.value != got(1).worker.value);
}

BOOST_AUTO_TEST_CASE(it_is_refused_beside_what_is_gone_or_of_another_owner_and_on_a_worker_that_failed_or_drains) {
  add_host(1, 8);
  ask(1, video());
  auto first = got(1);
  ask(2, video(), lease_id{77});
  ask(3, video(), first.id, 2);
  auto failed = video();
  failed.refused_by = {first.worker};
  ask(4, failed, first.id);
  workers.set_draining(first.worker, true);
  leases.tick(now);
  ask(5, video(), first.id);
  for (uint64_t ticket : {2, 3, 4, 5})
    BOOST_TEST(effects.refused.contains(ticket));
  BOOST_TEST(slots_used() == 1u);
}

BOOST_AUTO_TEST_CASE(a_worker_that_failed_at_all_of_them_is_taken_for_all_of_them_if_there_is_no_other) {
  add_host(1, 8);
  auto again = video();
  again.refused_by = {worker_id{1}};
  ask(1, again);
  ask(2, again, got(1).id);
  BOOST_TEST(got(2).task.value == got(1).task.value);
}

BOOST_AUTO_TEST_CASE(the_process_ends_with_the_last_of_its_leases) {
  add_host(1, 3);
  ask(1, video());
  auto task = got(1).task;
  ask(2, video(), got(1).id);
  leases.release(got(1).id, {}, now, 0);
  BOOST_TEST(!effects.ended.contains(task));
  BOOST_TEST(slots_used() == 1u);
  leases.release(got(2).id, {}, now, 0);
  BOOST_TEST(effects.ended.contains(task));
  BOOST_TEST(slots_used() == 0u);
}

BOOST_AUTO_TEST_CASE(the_loss_of_the_process_ends_all_of_its_leases) {
  add_host(1, 3);
  ask(1, video());
  auto task = got(1).task;
  ask(2, video(), got(1).id);
  BOOST_TEST(leases.task_lost(task, {"killed", true}, now, 0));
  BOOST_TEST(slots_used() == 0u);
  BOOST_TEST(leases.leases() == 0u);
}

BOOST_AUTO_TEST_CASE(each_lease_counts_a_session_of_the_card_and_only_the_first_decodes) {
  add_card(1, 4, 3);
  ask(1, on_card());
  BOOST_TEST(got(1).seat.decodes);
  ask(2, on_card(), got(1).id);
  BOOST_TEST(got(2).seat.gpu == "GPU-1");
  BOOST_TEST(!got(2).seat.decodes);
  BOOST_TEST(sessions(1) == 2u);
}

BOOST_AUTO_TEST_CASE(no_room_on_the_card_is_no_room_even_if_software_could_do_it) {
  add_card(1, 4, 1);
  add_card(2, 4, 1);
  ask(1, on_card());
  ask(2, on_card(), got(1).id);
  BOOST_TEST(effects.refused.contains(2));
  ask(3, on_card());
  BOOST_TEST(got(3).seat.encoder == "h264_nvenc");
  // With all cards in use the fallback is as good there as anywhere.
  ask(4, on_card(), got(1).id);
  BOOST_TEST(got(4).seat.gpu == "");
  BOOST_TEST(got(4).task.value == got(1).task.value);
}

BOOST_AUTO_TEST_CASE(a_session_is_free_with_its_lease_if_the_process_goes_on_and_has_closed_it) {
  add_card(1, 4, 4);
  ask(1, on_card());
  ask(2, on_card(), got(1).id);
  ask(3, on_card(), got(1).id);
  leases.release(got(2).id, closed, now, 0);
  BOOST_TEST(sessions(1) == 2u);
  leases.release(got(1).id, closed, now, 0); // it decodes for the other
  BOOST_TEST(sessions(1) == 2u);
  leases.release(got(3).id, {}, now, 0);
  BOOST_TEST(sessions(1) == 2u); // until the process is gone
  leases.process_gone(got(1).task, now);
  BOOST_TEST(sessions(1) == 0u);
}

BOOST_AUTO_TEST_CASE(without_word_from_the_process_a_session_is_in_use_until_the_process_is_gone) {
  add_card(1, 4, 4);
  ask(1, on_card());
  ask(2, on_card(), got(1).id);
  ask(3, on_card(), got(1).id);
  leases.release(got(3).id, {}, now, 0);
  leases.release(got(2).id, closed, now, 0);
  BOOST_TEST(sessions(1) == 2u);
  leases.release(got(1).id, {}, now, 0);
  BOOST_TEST(sessions(1) == 2u);
  leases.process_gone(got(1).task, now);
  BOOST_TEST(sessions(1) == 0u);
}

BOOST_AUTO_TEST_CASE(the_sessions_of_an_owner_that_is_gone_are_in_use_until_its_process_is_gone) {
  add_card(1, 4, 4);
  for (uint64_t ticket : {1, 2, 3})
    ask(ticket, on_card(), ticket == 1 ? lease_id{} : got(1).id);
  leases.owner_lost(1, now, 0);
  BOOST_TEST(slots_used() == 0u);
  BOOST_TEST(effects.ended.contains(got(1).task));
  BOOST_TEST(sessions(1) == 3u);
  leases.process_gone(got(1).task, now);
  BOOST_TEST(sessions(1) == 0u);
}

BOOST_AUTO_TEST_CASE(the_sessions_of_a_process_that_hangs_are_free_when_it_is_gone) {
  add_card(1, 4, 4);
  ask(1, on_card());
  ask(2, on_card(), got(1).id);
  auto task = got(1).task;
  for (uint64_t ticket : {2, 1})
    leases.release(got(ticket).id, {"it hangs", true}, now, 0);
  BOOST_TEST(sessions(1) == 2u);
  leases.process_gone(task, now);
  BOOST_TEST(sessions(1) == 0u);
}

BOOST_AUTO_TEST_CASE(sound_beside_a_video_takes_no_slot_even_if_none_is_free) {
  add_host(1, 2);
  ask(1, video());
  ask(2, video(), got(1).id);
  ask(3, sound(), got(1).id);
  BOOST_TEST(got(3).task.value == got(1).task.value);
  BOOST_TEST(got(3).worker_name == "w1");
  BOOST_TEST(slots_used() == 2u);
  leases.release(got(3).id, {}, now, 0);
  BOOST_TEST(slots_used() == 2u);
  leases.release(got(2).id, {}, now, 0);
  leases.release(got(1).id, {}, now, 0);
  BOOST_TEST(slots_used() == 0u);
}

BOOST_AUTO_TEST_CASE(sound_alone_takes_a_slot_and_further_sound_beside_it_takes_none) {
  add_host(1, 1);
  ask(1, sound());
  ask(2, sound(), got(1).id);
  ask(3, sound());
  BOOST_TEST(slots_used() == 1u);
  BOOST_TEST(!effects.granted.contains(3));
  leases.release(got(1).id, {}, now, 0);
  BOOST_TEST(slots_used() == 1u);
  BOOST_TEST(!effects.granted.contains(3));
}

BOOST_AUTO_TEST_CASE(sound_that_stays_alone_keeps_the_slot_of_the_last_video) {
  add_host(1, 2);
  ask(1, video());
  ask(2, video(), got(1).id);
  ask(3, sound(), got(1).id);
  ask(4, video());
  leases.release(got(1).id, {}, now, 0);
  accept_all();
  BOOST_TEST(effects.granted.contains(4)); // it has the slot of the first
  BOOST_TEST(slots_used() == 2u);
  ask(5, video());
  leases.release(got(2).id, {}, now, 0);
  BOOST_TEST(slots_used() == 2u); // one of them is that of the sound now
  BOOST_TEST(leases.waiting().size() == 1u);
  BOOST_TEST(!effects.ended.contains(got(3).task));
  leases.release(got(3).id, {}, now, 0);
  BOOST_TEST(effects.ended.contains(got(3).task));
  BOOST_TEST(leases.waiting().empty());
}

BOOST_AUTO_TEST_CASE(sound_has_its_slot_while_the_session_of_the_last_video_is_in_use_and_after) {
  for (auto is_closed : {true, false}) {
    auto host = is_closed ? 1u : 2u;
    auto ticket = host * 10;
    add_card(host, 1, 1);
    ask(ticket, on_card());
    ask(ticket + 1, sound(), got(ticket).id);
    auto task = got(ticket).task;
    leases.release(got(ticket).id, {.closed = is_closed}, now, 0);
    BOOST_TEST(sessions(host) == 1u); // it decoded for the sound
    ask(ticket + 2, sound());
    BOOST_TEST(!effects.granted.contains(ticket + 2));
    leases.release(got(ticket + 1).id, {}, now, 0);
    leases.process_gone(task, now);
    BOOST_TEST(sessions(host) == 0u);
    BOOST_TEST(leases.waiting().empty());
    BOOST_TEST(slots_used() == host);
  }
}

BOOST_AUTO_TEST_CASE(the_slot_of_a_lease_is_free_at_once_even_if_its_session_is_not) {
  add_card(1, 2, 4);
  ask(1, on_card());
  ask(2, on_card(), got(1).id);
  ask(3, sound(), got(1).id);
  leases.release(got(1).id, closed, now, 0); // it decodes for the others
  BOOST_TEST(sessions(1) == 2u);
  BOOST_TEST(slots_used() == 1u);
  ask(4, sound());
  BOOST_TEST(leases.waiting().empty());
  leases.release(got(2).id, closed, now, 0); // the sound has its slot now
  BOOST_TEST(sessions(1) == 1u);
  BOOST_TEST(slots_used() == 2u);
  ask(5, sound());
  BOOST_TEST(leases.waiting().size() == 1u);
}

BOOST_AUTO_TEST_CASE(sound_joins_no_worker_that_drains_and_moves_away_from_it_with_the_videos) {
  add_host(1, 2);
  ask(1, video());
  ask(2, sound(), got(1).id);
  workers.set_draining(worker_id{1}, true);
  leases.tick(now);
  BOOST_TEST(effects.moves.size() == 2u);
  ask(3, sound(), got(1).id);
  BOOST_TEST(effects.refused.contains(3));
  add_host(2, 1);
  ask(4, video());
  ask(5, sound(), got(4).id);
  BOOST_TEST(got(5).worker.value == 2u);
  leases.release(got(1).id, {}, now, 0);
  BOOST_TEST(!workers.status().front().drained);
  leases.release(got(2).id, {}, now, 0);
  BOOST_TEST(workers.status().front().drained);
}

BOOST_AUTO_TEST_CASE(the_slots_of_a_worker_that_comes_back_are_those_of_the_tasks_that_lived_on) {
  add_host(1, 1);
  ask(1, video());
  ask(2, sound(), got(1).id);
  workers.lost(worker_id{1}, "its connection broke", now);
  leases.host_lost(worker_id{1}, now);
  leases.release(got(1).id, {}, now, 0);
  add_worker(1, 1);
  ask(3, video());
  BOOST_TEST(leases.waiting().size() == 1u);
  BOOST_TEST(slots_used() == 1u);
  leases.task_lost(got(2).task, {"killed", true}, now, 0);
  BOOST_TEST(leases.waiting().empty());
}

BOOST_AUTO_TEST_CASE(whatever_happens_a_task_has_a_slot_for_each_video_and_at_least_one) {
  std::minstd_rand random{11};
  for (uint64_t w = 1; w <= 3; ++w)
    add_host(w, 2 + static_cast<uint32_t>(w));
  std::map<uint64_t, bool> is_video;
  uint64_t next_ticket = 1;
  auto chance = [&](uint32_t in) { return random() % in == 0; };
  auto some = [&] { return std::next(effects.granted.begin(), static_cast<long>(random() % effects.granted.size())); };
  for (int step = 0; step < 5'000; ++step) {
    now += 10ms;
    for (uint64_t w = 1; w <= 3; ++w)
      (void)workers.beat(heartbeat{worker_id{w}, 0, {}, {}}, now, 0);
    auto ticket = next_ticket++;
    is_video[ticket] = chance(2);
    auto request = is_video[ticket] ? video() : sound();
    if (effects.granted.empty() || chance(4))
      ask(ticket, request);
    else if (chance(3))
      ask(ticket, request, some()->second.id);
    else if (chance(20))
      leases.task_lost(some()->second.task, {"killed", true}, now, 0);
    else
      leases.release(some()->second.id, {}, now, 0);
    add_processes(1 + random() % 3, 1);
    accept_all();
    std::erase_if(effects.granted, [&](auto& x) { return !leases.task_of(x.second.id); });
    std::map<task_id, uint32_t> videos;
    for (auto& [of, x] : effects.granted)
      videos[x.task] += is_video[of] ? 1 : 0;
    uint32_t least = 0;
    for (auto& [task, count] : videos)
      least += std::max(count, 1u);
    auto most = least;
    for (auto& [task, count] : videos) // sound that was there before a video keeps its slot
      most += count > 0 && leases.outputs_of(task) > count ? 1 : 0;
    BOOST_REQUIRE(slots_used() >= least);
    BOOST_REQUIRE(slots_used() <= most + leases.leases() - effects.granted.size());
    for (auto& s : workers.status()) {
      BOOST_REQUIRE(s.slots_used <= s.slots);
      // The index has the same slots in use: otherwise it would have placed the request that waits.
      BOOST_REQUIRE(leases.waiting().empty() || s.slots_used == s.slots);
    }
  }
  leases.owner_lost(1, now, 0);
  BOOST_TEST(slots_used() == 0u);
}

BOOST_AUTO_TEST_CASE(a_task_reports_its_input_once_and_its_outputs_together) {
  add_host(1, 3);
  ask(1, video());
  auto task = got(1).task;
  ask(2, video(), got(1).id);
  heartbeat beat{worker_id{1}, 1, {}, {listed(task.value, "transcode")}, {}};
  workers.beat(beat, now, 0);
  work_statistics of_one;
  of_one.bytes_in = 100;
  of_one.bytes_out = 10;
  of_one.frames_decoded = 5;
  of_one.frames_encoded = 5;
  of_one.speed = 1;
  auto of_other = of_one;
  of_other.bytes_out = 20;
  workers.report(task, got(1).id, of_one);
  workers.report(task, got(2).id, of_other);
  workers.report(task, got(2).id, of_other);
  auto work = workers.status().front().tasks.front().work;
  BOOST_TEST(work.bytes_in == 100u);
  BOOST_TEST(work.bytes_out == 30u);
  BOOST_TEST(work.frames_decoded == 5u);
  BOOST_TEST(work.frames_encoded == 10u);
}

BOOST_AUTO_TEST_SUITE_END()

// One film at a time through the ledger: its states, scans, people's commands, restarts and a store that fails.
#include "core/library/ledger.hpp"

#include "test/core/library_fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace troupe::core;
using namespace troupe::core::library_test;

BOOST_FIXTURE_TEST_SUITE(ledger_test, fixture)

BOOST_AUTO_TEST_CASE(a_film_goes_from_found_to_done_and_its_original_is_kept) {
  put("a.mkv", 1);
  BOOST_TEST(scan() == 1);
  BOOST_TEST((state("a.mkv") == film_state::found));
  run(second);
  BOOST_TEST((state("a.mkv") == film_state::settling));
  BOOST_TEST(count["examine"] == 0);
  run(config.settle_ms + second);
  BOOST_TEST(count["examine"] == 1);
  examined("a.mkv");
  run(second);
  BOOST_TEST((state("a.mkv") == film_state::converting));
  converted("a.mkv");
  BOOST_TEST((state("a.mkv") == film_state::verifying));
  verified("a.mkv");
  BOOST_TEST((state("a.mkv") == film_state::replacing));
  BOOST_TEST(asked["replace"].kept == "/films/.a.mkv.1.original");
  replaced("a.mkv");
  BOOST_TEST((state("a.mkv") == film_state::done));
  BOOST_TEST(row("a.mkv").is_kept);
  BOOST_REQUIRE(account.size() == 1);
  BOOST_TEST((account[0] == film_replacement{1, now, film_change::replaced, 1'000'000, 500'000}));
}

BOOST_AUTO_TEST_CASE(a_known_file_is_not_opened_and_a_film_that_is_done_is_not_converted_again) {
  bring("a.mkv", film_state::done);
  BOOST_TEST(scan() == 0);
  run(10 * config.settle_ms);
  BOOST_TEST(count["examine"] == 1);
  start();
  BOOST_TEST(scan() == 0);
  run(10 * config.settle_ms);
  BOOST_TEST(count["examine"] == 1);
}

BOOST_AUTO_TEST_CASE(a_result_that_a_scan_finds_by_its_marker_is_done) {
  put("a.mkv", 1);
  scan();
  run(config.settle_ms + 2 * second);
  auto facts = good_facts();
  facts.has_marker = true;
  examined("a.mkv", facts);
  BOOST_TEST((state("a.mkv") == film_state::done));
  BOOST_TEST(account.empty());
}

BOOST_AUTO_TEST_CASE(a_file_that_still_grows_is_watched_from_the_beginning) {
  put("a.mkv", 1);
  scan();
  run(config.settle_ms + 2 * second);
  auto x = row("a.mkv");
  auto larger = x.identity;
  larger.bytes += 1;
  it().examined(x.number, x.attempt, larger, good_facts(), now);
  run(second);
  BOOST_TEST((state("a.mkv") == film_state::settling));
  BOOST_TEST(count["examine"] == 1);
  run(config.settle_ms + second);
  BOOST_TEST(count["examine"] == 2);
}

BOOST_AUTO_TEST_CASE(nothing_happens_before_it_is_durable) {
  bring("a.mkv", film_state::converting);
  is_store_up = false;
  converted("a.mkv");
  run(10 * second);
  BOOST_TEST(count["verify"] == 0);
  is_store_up = true;
  make_durable();
  BOOST_TEST(count["verify"] == 1);
  is_store_up = false;
  verified("a.mkv");
  BOOST_TEST(count["replace"] == 0);
  is_store_up = true;
  make_durable();
  BOOST_TEST(count["replace"] == 1);
}

BOOST_AUTO_TEST_CASE(while_the_store_fails_nothing_begins_and_no_scan_counts) {
  put("a.mkv", 1);
  scan();
  it().store_works(false);
  run(10 * second);
  BOOST_TEST((state("a.mkv") == film_state::found));
  BOOST_TEST(scan() == -1);
  it().store_works(true);
  BOOST_REQUIRE(it().begin_scan(root));
  it().store_works(false);
  it().store_works(true);
  it().end_scan(root, true, now);
  BOOST_TEST(row("a.mkv").missing_ms == 0);
  run(second);
  BOOST_TEST((state("a.mkv") == film_state::settling));
}

BOOST_AUTO_TEST_CASE(after_a_restart_work_continues_under_its_attempt) {
  for (auto to : {film_state::converting, film_state::verifying}) {
    auto name = std::string{to_string_view(to)} + ".mkv";
    bring(name, to);
    auto what = to == film_state::converting ? "convert" : "verify";
    auto before = asked[what];
    start();
    make_durable();
    BOOST_TEST((asked[what] == before));
    it().skip(row(name).number, now);
    make_durable();
  }
}

BOOST_AUTO_TEST_CASE(an_examination_is_repeated_after_a_restart) {
  bring("a.mkv", film_state::settling);
  is_store_up = false;
  auto x = row("a.mkv");
  it().examined(x.number, x.attempt, x.identity, good_facts(), now);
  is_store_up = true;
  start();
  BOOST_TEST((state("a.mkv") == film_state::found));
  run(config.settle_ms + 3 * second);
  BOOST_TEST(count["examine"] == 2);
}

BOOST_AUTO_TEST_CASE(open_replacements_are_repaired_before_any_scan_or_conversion) {
  bring("a.mkv", film_state::replacing);
  put("b.mkv", 50);
  count.clear();
  start();
  make_durable();
  BOOST_TEST(count["replace"] == 1);
  BOOST_TEST(scan() == -1);
  run(5 * second);
  BOOST_TEST(!may_work);
  replaced("a.mkv");
  BOOST_TEST(scan() == 1);
  run(second);
  BOOST_TEST(may_work);
}

BOOST_AUTO_TEST_CASE(a_repair_in_a_folder_that_is_offline_waits_and_lets_the_others_work) {
  bring("a.mkv", film_state::replacing);
  start();
  make_durable();
  replaced("a.mkv", replacing_step::absent);
  BOOST_TEST((state("a.mkv") == film_state::replacing));
  BOOST_TEST(scan() == 0);
  run(config.retry_first_ms + 2 * second);
  BOOST_TEST(count["replace"] == 3);
  replaced("a.mkv");
  BOOST_TEST((state("a.mkv") == film_state::done));
}

BOOST_AUTO_TEST_CASE(a_late_answer_of_an_older_attempt_changes_nothing) {
  bring("a.mkv", film_state::converting);
  auto old = row("a.mkv");
  it().failed(old.number, old.attempt, film_fault::passing, "no worker", now);
  make_durable();
  BOOST_TEST((state("a.mkv") == film_state::queued));
  it().converted(old.number, old.attempt, {}, now);
  BOOST_TEST((state("a.mkv") == film_state::queued));
  run(config.retry_first_ms + 2 * second);
  BOOST_TEST((state("a.mkv") == film_state::converting));
  it().converted(old.number, old.attempt, {}, now);
  BOOST_TEST((state("a.mkv") == film_state::converting));
}

BOOST_AUTO_TEST_CASE(a_failure_that_may_pass_is_tried_again_a_few_times) {
  bring("a.mkv", film_state::converting);
  for (uint32_t i = 0; i < config.tries_max; ++i) {
    auto x = row("a.mkv");
    BOOST_TEST((x.state == film_state::converting));
    it().failed(x.number, x.attempt, film_fault::passing, "no worker", now);
    run(config.retry_longest_ms);
  }
  BOOST_TEST((state("a.mkv") == film_state::failed));
  BOOST_TEST(row("a.mkv").reason == "no worker");
  BOOST_TEST(it().retry(row("a.mkv").number, now) == "");
  run(config.settle_ms + 3 * second);
  BOOST_TEST(row("a.mkv").failures == 0);
}

BOOST_AUTO_TEST_CASE(a_result_that_breaks_its_contract_or_saves_too_little_is_deleted) {
  bring("a.mkv", film_state::verifying);
  verified("a.mkv", {"stream 2 is missing"});
  BOOST_TEST((state("a.mkv") == film_state::failed));
  BOOST_TEST(count["stop"] == 1);
  bring("b.mkv", film_state::converting);
  converted("b.mkv", 951'000);
  verified("b.mkv");
  BOOST_TEST((state("b.mkv") == film_state::kept_original));
  BOOST_TEST(row("b.mkv").reason == "the result would save only 4.9 %");
  bring("c.mkv", film_state::converting);
  converted("c.mkv", 949'000);
  verified("c.mkv");
  BOOST_TEST((state("c.mkv") == film_state::replacing));
}

// -- scans

BOOST_AUTO_TEST_CASE(a_renamed_film_is_the_same_and_is_not_opened) {
  bring("a.mkv", film_state::done);
  auto number = row("a.mkv").number;
  disk["b/c.mkv"] = disk["a.mkv"];
  disk.erase("a.mkv");
  BOOST_TEST(scan() == 0);
  BOOST_TEST(row("b/c.mkv").number == number);
  BOOST_TEST((state("b/c.mkv") == film_state::done));
  BOOST_TEST(row("b/c.mkv").kept_as == "/films/b/c.mkv");
  BOOST_TEST(it().find("/films/a.mkv") == nullptr);
}

BOOST_AUTO_TEST_CASE(a_film_that_moved_to_another_file_system_is_the_same) {
  put("there.mkv", 90); // so that the root is not offline
  bring("m.mkv", film_state::done);
  auto number = row("m.mkv").number;
  auto move = [&](const char* from, const char* to) {
    auto file = disk[from];
    file.second.device += 1;
    file.second.inode += 1000;
    disk.erase(from);
    return disk[to] = file;
  };
  // In one scan, its new place is seen, and its old one is not.
  move("m.mkv", "a.mkv");
  BOOST_TEST(scan() == 1);
  BOOST_TEST(row("a.mkv").number == number);
  BOOST_TEST((state("a.mkv") == film_state::done));
  // A scan between finds it in neither place, but another film of its file system.
  put("other.mkv", 95);
  disk["other.mkv"].second.device = 2;
  auto file = move("a.mkv", "z.mkv");
  disk.erase("z.mkv");
  scan();
  BOOST_TEST(row("a.mkv").missing_ms == now);
  disk["z.mkv"] = file;
  BOOST_TEST(scan() == 1);
  BOOST_TEST(row("z.mkv").number == number);
  BOOST_TEST((state("z.mkv") == film_state::done));
  BOOST_TEST(row("z.mkv").missing_ms == 0);
}

BOOST_AUTO_TEST_CASE(a_changed_file_is_found_anew_and_work_on_it_stops) {
  for (auto to : {film_state::converting, film_state::verifying, film_state::done}) {
    auto name = std::string{to_string_view(to)} + ".mkv";
    bring(name, to);
    count.clear();
    auto inode = disk[name].second.inode;
    put(name, inode, 2'000'000, "another");
    BOOST_TEST(scan() == 1);
    BOOST_TEST((state(name) == film_state::found));
    BOOST_TEST(!row(name).is_result);
    BOOST_TEST(count["stop"] == (to == film_state::done ? 0 : 1));
    it().skip(row(name).number, now);
    make_durable();
  }
}

BOOST_AUTO_TEST_CASE(a_restart_that_renumbers_devices_changes_nothing) {
  bring("a.mkv", film_state::done);
  disk["a.mkv"].second.device = 77;
  BOOST_TEST(scan() == 0);
  BOOST_TEST((state("a.mkv") == film_state::done));
}

BOOST_AUTO_TEST_CASE(an_empty_or_unreadable_root_deletes_nothing_and_waits) {
  bring("a.mkv", film_state::done);
  bring("b.mkv", film_state::done);
  auto before = disk;
  disk.erase("a.mkv");
  scan(false); // some folder could not be read
  BOOST_TEST(row("a.mkv").missing_ms == 0);
  disk.clear();
  scan();
  BOOST_TEST(row("a.mkv").missing_ms == 0);
  BOOST_TEST(stored_root->offline != "");
  run(second);
  BOOST_TEST(!may_work);
  disk = before;
  BOOST_TEST(scan() == 0);
  BOOST_TEST(stored_root->offline == "");
  run(second);
  BOOST_TEST(may_work);
}

BOOST_AUTO_TEST_CASE(a_root_whose_films_were_all_replaced_by_others_is_not_offline) {
  bring("a.mkv", film_state::done);
  disk.clear();
  put("b.mkv", 200);
  scan();
  BOOST_TEST(!stored_root);
  BOOST_TEST(row("a.mkv").missing_ms == now);
}

BOOST_AUTO_TEST_CASE(a_folder_of_another_file_system_may_be_offline_alone) {
  bring("a.mkv", film_state::done);
  put("mounted/b.mkv", 200);
  disk["mounted/b.mkv"].second.device = 2;
  scan();
  disk.erase("mounted/b.mkv");
  scan();
  BOOST_TEST(row("mounted/b.mkv").missing_ms == 0);
}

BOOST_AUTO_TEST_CASE(a_person_may_say_that_all_films_are_really_gone) {
  bring("a.mkv", film_state::done);
  disk.clear();
  scan();
  BOOST_TEST(it().resume(root, now) == "");
  scan();
  BOOST_TEST(row("a.mkv").missing_ms == now);
}

BOOST_AUTO_TEST_CASE(a_missing_film_keeps_its_row_for_a_time_and_longer_if_its_original_is_kept) {
  bring("kept.mkv", film_state::done);
  bring("there.mkv", film_state::done);
  put("plain.mkv", 80);
  scan();
  run(second);
  disk.erase("kept.mkv");
  disk.erase("plain.mkv");
  scan();
  BOOST_TEST(count["erase"] == 0);
  now += config.forget_ms;
  scan();
  BOOST_TEST(count["erase"] == 1);
  BOOST_TEST(it().find("/films/plain.mkv") == nullptr);
  BOOST_TEST(it().find("/films/kept.mkv") != nullptr);
}

BOOST_AUTO_TEST_CASE(a_reason_of_the_directory_entry_is_looked_at_with_each_scan) {
  put("a.mkv", 1);
  disk["a.mkv"].first.links = 2;
  scan();
  BOOST_TEST((state("a.mkv") == film_state::skipped));
  disk["a.mkv"].first.links = 1;
  BOOST_TEST(scan() == 0);
  BOOST_TEST((state("a.mkv") == film_state::found));
  it().skip(row("a.mkv").number, now);
  scan();
  BOOST_TEST((state("a.mkv") == film_state::skipped)); // a person's word stays
}

BOOST_AUTO_TEST_CASE(a_files_companions_and_troupes_own_files_get_no_row) {
  put("a.srt", 1);
  put(".a.mkv.1.original", 2);
  put(".a.mkv.job.part", 3);
  BOOST_TEST(scan() == 0);
  BOOST_TEST(it().size() == 0);
}

// -- people

BOOST_AUTO_TEST_CASE(a_film_that_is_made_again_is_made_from_its_first_original) {
  bring("a.mkv", film_state::done);
  auto original = row("a.mkv").original;
  BOOST_TEST(it().again(row("a.mkv").number, now) == "");
  run(config.settle_ms + 3 * second);
  BOOST_TEST(source_path(asked["examine"]) == "/films/.a.mkv.1.original");
  examined("a.mkv");
  run(2 * second);
  converted("a.mkv", 400'000);
  verified("a.mkv");
  auto order = order_of(asked["replace"]);
  BOOST_TEST(!order.keeps);
  BOOST_TEST((order.original == row("a.mkv").identity));
  replaced("a.mkv");
  BOOST_TEST((row("a.mkv").original == original));
  BOOST_TEST((account.back().what == film_change::replaced_again));
}

BOOST_AUTO_TEST_CASE(an_attempt_that_comes_to_nothing_leaves_a_result_done) {
  bring("a.mkv", film_state::done);
  it().again(row("a.mkv").number, now);
  run(config.settle_ms + 3 * second);
  examined("a.mkv");
  run(2 * second);
  auto x = row("a.mkv");
  it().not_worth_it(x.number, x.attempt, "it would grow", now);
  BOOST_TEST((state("a.mkv") == film_state::done));
  BOOST_TEST(row("a.mkv").is_kept);
}

BOOST_AUTO_TEST_CASE(an_undo_puts_the_original_back_and_takes_back_what_was_saved) {
  bring("a.mkv", film_state::done);
  auto original = row("a.mkv").original;
  BOOST_TEST(it().undo(row("a.mkv").number, now) == "");
  make_durable();
  auto order = order_of(asked["replace"]);
  BOOST_TEST((order.goal == replacing_goal::original));
  BOOST_TEST((order.original == original));
  replaced("a.mkv", replacing_step::restored);
  BOOST_TEST((state("a.mkv") == film_state::kept_original));
  BOOST_TEST(!row("a.mkv").is_kept);
  library_totals totals;
  for (const auto& x : account)
    totals.add(x);
  BOOST_TEST((totals == library_totals{}));
  BOOST_TEST(scan() == 0);
  run(10 * config.settle_ms);
  BOOST_TEST((state("a.mkv") == film_state::kept_original));
  BOOST_TEST(it().undo(row("a.mkv").number, now) != "");
}

BOOST_AUTO_TEST_CASE(a_kept_original_is_deleted_after_its_time_and_then_cannot_come_back) {
  films.keep_ms = 100 * second;
  stored.clear();
  start();
  bring("a.mkv", film_state::done);
  run(90 * second);
  BOOST_TEST(count["drop_kept"] == 0);
  run(20 * second);
  BOOST_TEST(count["drop_kept"] == 1);
  BOOST_TEST(it().undo(1, now) != "");
  start(); // it is not known whether it was deleted
  make_durable();
  BOOST_TEST(count["drop_kept"] == 2);
  it().dropped(1, now);
  make_durable();
  BOOST_TEST(!row("a.mkv").is_kept);
  BOOST_TEST(it().again(1, now) != "");
}

BOOST_AUTO_TEST_CASE(the_original_of_a_film_that_its_owner_replaced_gives_way_to_the_new_original) {
  bring("a.mkv", film_state::done);
  put("a.mkv", 70, 3'000'000);
  scan();
  run(config.settle_ms + 3 * second);
  examined("a.mkv");
  run(2 * second);
  converted("a.mkv");
  verified("a.mkv");
  BOOST_TEST((state("a.mkv") == film_state::verifying));
  BOOST_TEST(count["drop_kept"] == 1);
  it().dropped(1, now);
  make_durable();
  BOOST_TEST((state("a.mkv") == film_state::replacing));
  BOOST_TEST(order_of(asked["replace"]).keeps);
}

BOOST_AUTO_TEST_CASE(a_skip_stops_the_work) {
  bring("a.mkv", film_state::converting);
  BOOST_TEST(it().skip(1, now) == "");
  BOOST_TEST(count["stop"] == 1);
  BOOST_TEST((state("a.mkv") == film_state::skipped));
  bring("b.mkv", film_state::replacing);
  BOOST_TEST(it().skip(row("b.mkv").number, now) != "");
  BOOST_TEST(it().skip(99, now) == "there is no such film");
}

BOOST_AUTO_TEST_CASE(the_most_urgent_film_is_next_and_of_equals_the_largest) {
  config.converted_max = 0;
  start();
  put("small.mkv", 1, 100);
  put("large.mkv", 2, 300);
  put("urgent.mkv", 3, 200);
  scan();
  run(config.settle_ms + 2 * second);
  for (auto name : {"small.mkv", "large.mkv", "urgent.mkv"})
    examined(name);
  it().prioritise(row("urgent.mkv").number, 5, now);
  make_durable();
  config.converted_max = 1;
  start();
  make_durable();
  for (auto name : {"urgent.mkv", "large.mkv", "small.mkv"}) {
    run(second);
    BOOST_TEST(asked["convert"].path == std::string{"/films/"} + name);
    it().skip(row(name).number, now);
    make_durable();
  }
}

BOOST_AUTO_TEST_CASE(a_paused_root_begins_nothing_and_finishes_what_it_has) {
  bring("a.mkv", film_state::converting);
  put("b.mkv", 60);
  scan();
  BOOST_TEST(it().pause(root, now) == "");
  BOOST_TEST(!may_work);
  run(10 * config.settle_ms);
  BOOST_TEST((state("b.mkv") == film_state::found));
  converted("a.mkv");
  BOOST_TEST((state("a.mkv") == film_state::verifying));
  BOOST_TEST(it().resume(root, now) == "");
  BOOST_TEST(may_work);
  BOOST_TEST(it().pause(9, now) == "there is no such library");
}

BOOST_AUTO_TEST_CASE(outside_of_its_hours_a_root_begins_no_conversion) {
  using namespace std::chrono_literals;
  for (auto& day : films.hours.days)
    day = {{0h, 1h}};
  stored.clear();
  now = int64_t{86'400'000} * 100 + 3'600'000; // 1:00
  start();
  put("a.mkv", 1);
  scan();
  run(config.settle_ms + 2 * second);
  examined("a.mkv");
  run(5 * second);
  BOOST_TEST((state("a.mkv") == film_state::queued));
  now += 23 * 3'600'000;
  run(2 * second);
  BOOST_TEST((state("a.mkv") == film_state::converting));
}

BOOST_AUTO_TEST_CASE(a_film_takes_less_than_a_kilobyte) {
  // Its row, with a long path and two prints, and its places in the indices.
  BOOST_TEST(sizeof(film_row) + 2 * 120 + 2 * 40 + 3 * 48 < 1024);
}

BOOST_AUTO_TEST_SUITE_END()

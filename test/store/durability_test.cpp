// No partial data: a writer killed in mid-write, two writers at once, a full disk, a damaged file, a server that drops
// the connection. Writers are child processes, so that a kill removes everything that a crash removes.
#include "test/store/databases.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <random>

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace troupe;
using namespace troupe::test;
using store::error_kind;
namespace data = boost::unit_test::data;
namespace fs = std::filesystem;

BOOST_AUTO_TEST_SUITE(durability_test)

namespace {

constexpr uint64_t batch_size = 16; // divides 2^32, where the jobs of each writer begin

/// Submits, begins and cancels jobs in `batches` batches, and waits to be killed; writes a byte to `done` after each
/// batch that the store has confirmed. If the store is busy, it tries again, because SQLite's lock is not fair.
[[noreturn]] void write_batches(const store::settings& settings, uint64_t writer, int done,
                                uint64_t batches = 100'000) {
  auto jobs = store::job_store::open(settings);
  while (!jobs && jobs.error().kind == error_kind::busy)
    jobs = store::job_store::open(settings);
  if (!jobs)
    std::cerr << "a writer cannot begin: " << jobs.error().text << "\n";
  for (uint64_t i = 0; jobs && i < batches;) {
    std::vector<store::operation> batch;
    for (uint64_t k = (writer << 32) + i * batch_size; batch.empty() || k % batch_size != 0; ++k) {
      batch.emplace_back(a_job(k));
      batch.emplace_back(store::move_job{nth(k), job_state::assigned, {}, {}, "", "w"});
      batch.emplace_back(store::add_chunks{nth(k), 1, {{0, chunk_kind::video, 0, 1}, {1, chunk_kind::video, 1, 2}}});
      if (k % 2)
        batch.emplace_back(store::move_job{nth(k), job_state::cancelled, {}, 1, "", "w"});
    }
    const auto written = jobs->apply(batch, test_time_ms);
    if (!written && written.error().kind == error_kind::busy)
      continue;
    if (!written)
      std::cerr << "a writer ends: " << written.error().text << "\n";
    if (!written || ::write(done, "x", 1) != 1)
      ::_exit(1);
    ++i;
  }
  ::pause();
  ::_exit(1);
}

/// A child that runs `body`, and the end of the pipe that it writes to.
struct child {
  pid_t pid = 0;
  int done = -1;

  explicit child(const std::function<void(int)>& body) {
    int ends[2];
    BOOST_REQUIRE(::pipe(ends) == 0);
    pid = ::fork();
    if (pid == 0) {
      ::close(ends[0]);
      body(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
    done = ends[0];
  }

  /// Waits for that many bytes, kills the child, and returns how many bytes it has written in the end.
  uint64_t kill_after(uint64_t bytes) const {
    uint64_t result = 0;
    char byte = 0;
    while (result < bytes && ::read(done, &byte, 1) == 1)
      ++result;
    ::kill(pid, SIGKILL);
    while (::read(done, &byte, 1) == 1)
      ++result;
    ::close(done);
    ::waitpid(pid, nullptr, 0);
    return result;
  }
};

void check_whole_batches(const scratch_database& database) {
  check_consistent(database);
  const auto jobs = database.ask("SELECT count(*) FROM jobs");
  BOOST_TEST(jobs % static_cast<long long>(batch_size) == 0);
  BOOST_TEST(database.ask("SELECT count(*) FROM chunks") == 2 * jobs);
  BOOST_TEST(database.ask("SELECT count(*) FROM jobs WHERE state = 'queued' OR attempt <> 1") == 0);
  BOOST_TEST(database.ask("SELECT count(*) FROM history") == jobs * 5 / 2);
}

} // namespace

BOOST_DATA_TEST_CASE(a_killed_writer_leaves_whole_transactions_and_all_it_was_promised, data::make(database_kinds()),
                     kind) {
  scratch_database database{kind};
  database.open();
  std::mt19937 random{7};
  uint64_t confirmed = 0;
  for (uint64_t life = 1; life <= 6; ++life) {
    const child writer{[&](int done) { write_batches(database.settings(), life, done); }};
    confirmed += writer.kill_after(1 + random() % 8);
    auto jobs = database.open();
    // The server may still execute the last statement of the dead writer; taking its locks waits for that.
    must(jobs, a_job(1));
    bring(jobs, nth(1), job_state::cancelled);
    must(jobs, store::remove_job{nth(1)});
    check_whole_batches(database);
    BOOST_TEST(database.ask("SELECT count(*) FROM jobs") >= static_cast<long long>(confirmed * batch_size));
  }
}

BOOST_DATA_TEST_CASE(two_processes_write_to_the_same_database, data::make(database_kinds()), kind) {
  scratch_database database{kind};
  const child first{[&](int done) { write_batches(database.settings(), 1, done, 10); }};
  const child second{[&](int done) { write_batches(database.settings(), 2, done, 10); }};
  const auto a = first.kill_after(10);
  const auto b = second.kill_after(10);
  BOOST_TEST(a == 10);
  BOOST_TEST(b == 10);
  auto jobs = database.open();
  must(jobs, a_job(1));
  bring(jobs, nth(1), job_state::cancelled);
  must(jobs, store::remove_job{nth(1)});
  check_whole_batches(database);
}

BOOST_AUTO_TEST_CASE(a_lock_that_is_held_too_long_is_busy_and_passes) {
  scratch_database database{"sqlite"};
  auto settings = database.settings();
  settings.busy_timeout = milliseconds{20};
  auto jobs = store::job_store::open(settings).value();
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  const child holder{[&](int done) {
    auto other = database.open();
    // Takes SQLite's own lock directly: the last byte before the shared range of the database's "-shm" file guards the
    // writer.
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 120;
    lock.l_len = 1;
    const auto file = ::open((database.url() + "-shm").c_str(), O_RDWR);
    const char answer = ::fcntl(file, F_SETLK, &lock) == 0 ? 'x' : '-';
    char byte = 0;
    if (::write(done, &answer, 1) == 1)
      (void)!::read(ends[0], &byte, 1);
  }};
  char answer = 0;
  BOOST_REQUIRE(::read(holder.done, &answer, 1) == 1);
  BOOST_REQUIRE(answer == 'x');
  const auto refused = jobs.apply(a_job(1), test_time_ms);
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().kind == error_kind::busy));
  BOOST_TEST(refused.error().transient());
  BOOST_TEST(jobs.list({}, {}, 10).has_value()); // readers do not wait for a writer
  holder.kill_after(0);
  ::close(ends[0]);
  ::close(ends[1]);
  must(jobs, a_job(1));
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_said_and_what_was_stored_stays) {
  temporary_folder folder;
  const bool mounted = ::geteuid() == 0 && ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, "size=2m") == 0;
  store::settings settings;
  settings.url = folder.path("jobs.db");
  auto fill = [&] {
    auto jobs = store::job_store::open(settings).value();
    uint64_t stored = 0;
    store::error why;
    for (uint64_t n = 1; n < 10'000 && why.text.empty(); ++n) {
      auto job = a_job(n);
      job.request = std::string(20'000, 'x');
      auto result = jobs.apply(job, test_time_ms);
      if (result)
        ++stored;
      else
        why = result.error();
    }
    BOOST_TEST(stored > 10);
    BOOST_TEST((why.kind == error_kind::disk_full || (!mounted && why.kind == error_kind::io_failed)), why.text);
    BOOST_TEST(why.transient());
    BOOST_TEST(jobs.list({}, {}, 1'000)->rows.size() == std::min<uint64_t>(stored, 1'000));
    BOOST_TEST(jobs.counts()->front().jobs == stored);
    return std::pair{std::move(jobs), stored};
  };
  auto go_on = [&](auto& jobs, uint64_t stored) {
    must(jobs, a_job(100'000));
    BOOST_TEST(jobs.counts()->front().jobs == stored + 1);
  };
  if (mounted) {
    auto [jobs, stored] = fill();
    BOOST_REQUIRE(::mount("tmpfs", folder.path().c_str(), "tmpfs", MS_REMOUNT, "size=20m") == 0);
    go_on(jobs, stored);
    jobs = store::job_store::open(settings).value();
    BOOST_TEST(jobs.counts()->front().jobs == stored + 1);
    { auto closed = std::move(jobs); }
    ::umount2(folder.path().c_str(), MNT_DETACH);
    return;
  }
  std::cout << "no tmpfs without root: the disk is a limit on the size of files\n";
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{2 * 1024 * 1024, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  auto [jobs, stored] = fill();
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, ignored);
  go_on(jobs, stored);
}

BOOST_AUTO_TEST_CASE(a_damaged_or_foreign_file_is_refused_with_the_reason) {
  scratch_database database{"sqlite"};
  {
    auto jobs = database.open();
    for (uint64_t n = 1; n <= 50; ++n) {
      auto job = a_job(n);
      job.request = std::string(5'000, 'x');
      must(jobs, job);
    }
  }
  const auto size = fs::file_size(database.url());
  BOOST_REQUIRE(size > 100'000);
  auto refused = [&](const char* what) {
    const auto opened = store::job_store::open(database.settings());
    BOOST_REQUIRE_MESSAGE(!opened, what);
    BOOST_TEST((opened.error().kind == error_kind::not_a_store), what << ": " << opened.error().text);
    BOOST_TEST(opened.error().text.find(database.url()) != std::string::npos);
  };
  const auto copy = database.url() + ".copy";
  fs::copy_file(database.url(), copy);
  fs::resize_file(database.url(), size / 2);
  refused("half of it");
  fs::copy_file(copy, database.url(), fs::copy_options::overwrite_existing);
  {
    std::fstream file{database.url(), std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(8'192);
    file << std::string(16'384, '\xff');
  }
  refused("a hole in it");
  std::ofstream{database.url(), std::ios::trunc} << std::string(10'000, 'n');
  refused("something else");
  fs::remove(database.url());
  database.tell("CREATE TABLE songs (id INTEGER)");
  refused("another program's");
  fs::copy_file(copy, database.url(), fs::copy_options::overwrite_existing);
  BOOST_TEST(database.open().counts()->front().jobs == 50);
}

BOOST_AUTO_TEST_CASE(a_log_that_is_cut_anywhere_loses_its_last_transactions_and_no_part_of_one) {
  scratch_database database{"sqlite"};
  const auto log = database.url() + "-wal";
  const auto copy = database.url() + ".copy";
  // Copies both files as a killed writer has left them on the disk.
  const child writer{[&](int done) { write_batches(database.settings(), 1, done); }};
  const auto confirmed = writer.kill_after(8);
  fs::copy_file(database.url(), copy);
  fs::copy_file(log, copy + "-wal");
  const auto size = fs::file_size(copy + "-wal");
  BOOST_REQUIRE(size > 100'000);
  long long before = -1;
  for (int tenth = 1; tenth <= 10; ++tenth) {
    for (const auto& left : {database.url(), log, database.url() + "-shm"})
      fs::remove(left);
    fs::copy_file(copy, database.url());
    fs::copy_file(copy + "-wal", log);
    fs::resize_file(log, size * tenth / 10 - (tenth < 10 ? 7 : 0));
    auto jobs = database.open();
    check_whole_batches(database);
    const auto now = database.ask("SELECT count(*) FROM jobs");
    BOOST_TEST(now >= before);
    before = now;
  }
  BOOST_TEST(before >= static_cast<long long>(confirmed * batch_size));
}

BOOST_AUTO_TEST_CASE(a_lost_connection_is_said_and_the_next_call_has_another) {
  if (database_kinds().size() < 2)
    return;
  scratch_database database{"postgresql"};
  auto jobs = database.open();
  must(jobs, a_job(1));
  for (uint64_t n = 2; n <= 3; ++n) {
    database.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                 " AND backend_type = 'client backend'");
    const auto lost = jobs.apply(a_job(n), test_time_ms);
    BOOST_REQUIRE(!lost);
    BOOST_TEST((lost.error().kind == error_kind::connection_lost), lost.error().text);
    BOOST_TEST(lost.error().transient());
    must(jobs, a_job(n));
  }
  database.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
               " AND backend_type = 'client backend'");
  BOOST_TEST((jobs.find(nth(3)).error().kind == error_kind::connection_lost));
  BOOST_TEST(jobs.find(nth(3)).has_value());
  check_consistent(database);
}

BOOST_AUTO_TEST_CASE(a_server_that_is_not_there_is_a_lost_connection_too) {
  temporary_folder folder;
  store::settings settings;
  settings.url = "postgresql://troupe:secret@/postgres?host=" + folder.path();
  const auto opened = store::job_store::open(settings);
  BOOST_REQUIRE(!opened);
  BOOST_TEST((opened.error().kind == error_kind::connection_lost), opened.error().text);
  BOOST_TEST(opened.error().text.find("secret") == std::string::npos);
  for (auto url :
       {"postgresql://troupe:se%zzcret@host/postgres", "postgresql://host:none/postgres?password=se%zzcret"}) {
    settings.url = url;
    const auto refused = store::job_store::open(settings);
    BOOST_REQUIRE(!refused);
    BOOST_TEST(refused.error().text.find("zzcret") == std::string::npos, refused.error().text);
  }
}

BOOST_AUTO_TEST_CASE(a_place_that_makes_no_sense_is_refused) {
  for (auto url : {"", "sqlite:", ":memory:", "file:x?mode=memory", "mysql://host/db", "/tmp/a =b"}) {
    store::settings settings;
    settings.url = url;
    const auto opened = store::job_store::open(settings);
    BOOST_REQUIRE(!opened);
    BOOST_TEST((opened.error().kind == error_kind::invalid_argument), opened.error().text);
  }
  temporary_folder folder;
  store::settings settings;
  settings.url = folder.path("no/such/folder.db");
  const auto opened = store::job_store::open(settings);
  BOOST_REQUIRE(!opened);
  BOOST_TEST((opened.error().kind == error_kind::io_failed), opened.error().text);
  for (auto name : {"with blank.db", "with=equals.db", "with'quote.db"}) {
    settings.url = folder.path(name);
    BOOST_TEST(store::job_store::open(settings).has_value(), name);
    BOOST_TEST(fs::exists(folder.path(name)), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()

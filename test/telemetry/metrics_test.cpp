// Goal: Prometheus accepts the metrics page without a complaint, the page shows the snapshots' numbers, and names of
// workers and channels cannot break it.
// Method: snapshots with a known number in each field are rendered and read back by a small parser of the text format;
// the real `promtool check metrics` judges the page if it is installed.
#include "telemetry/metrics.hpp"

#include "telemetry/exposition.hpp"
#include "test/telemetry/fed_proc.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <sstream>

using namespace troupe;
using namespace troupe::telemetry;

BOOST_AUTO_TEST_SUITE(metrics_test)

namespace {

task_statistics make_task(uint64_t id, std::string kind, uint64_t attempt) {
  task_statistics x;
  x.task.value = id;
  x.kind = std::move(kind);
  x.channel = "news";
  x.profile = "hd";
  x.session.value = 5;
  x.attempt.value = attempt;
  x.process = {4711, 87.5, 123'456'789, 61'500};
  x.work = {1000, 900, 5'000'000, 2'000'000, 990, 880, 3, 2, 1.25};
  return x;
}

daemon_status make_daemon(uint64_t id, std::string name) {
  daemon_status x;
  x.id.value = id;
  x.name = std::move(name);
  x.version = "0.1.0";
  x.registered_at_ms = 1'700'000'000'500;
  x.last_heartbeat_at_ms = 1'700'000'100'250;
  x.heartbeats = 100;
  x.heartbeats_missed = 2;
  x.slots = 4;
  x.slots_used = 1;
  x.tasks_completed = 11;
  x.tasks_failed = 3;
  x.can.libav_version = "59.37.100";
  x.can.encoders = {{"libx264", "h264", "video", "", true, "", 100},
                    {"h264_vaapi", "h264", "video", "/dev/dri/renderD128", false, "no device", 0}};
  x.can.speed_fps = 55.5;
  auto& m = x.machine;
  m.hostname = "host";
  m.os = "Linux 6.1";
  m.arch = "x86_64";
  m.uptime_s = 86'400;
  m.cpu_cores = 2;
  m.cpu_percent = 42.5;
  m.cpu_per_core = {60, 25};
  m.load_1m = 0.5;
  m.load_5m = 0.75;
  m.load_15m = 1.25;
  m.memory_total_bytes = 8'000'000'000;
  m.memory_used_bytes = 2'000'000'000;
  m.memory_available_bytes = 6'000'000'000;
  m.memory_percent = 25;
  m.disk_total_bytes = 100'000'000'000;
  m.disk_percent = 33;
  m.network_sent_bytes = 777;
  m.network_received_bytes = 888;
  m.cpu_pressure = {1.5, 2.5, 3.5, 4'500'000};
  m.io_pressure = {0.1, 0.2, 0.3, 40};
  x.tasks = {make_task(900 + id, "transcode", 31), make_task(800 + id, "warm", 0)};
  return x;
}

session_status make_session(std::string channel, std::string worker) {
  session_status x;
  x.id.value = 5;
  x.channel = std::move(channel);
  x.state = "running";
  x.started_at_ms = 1'700'000'050'000;
  x.buffered_bytes = 4'000'000;
  x.buffered_ms = 6'500;
  x.samples_in = 5000;
  x.bytes_in = 9'000'000;
  x.ingest.corrupt_packets = 4;
  variant_status v;
  v.profile = "hd";
  v.state = "running";
  v.mode = "transcode";
  v.worker = std::move(worker);
  v.attempt.value = 31;
  v.clients = 20;
  v.clients_total = 35;
  v.skips = 6;
  v.lag_bytes = 70'000;
  v.lag_ms = 125;
  v.buffered_bytes = 1'500'000;
  v.bytes_out = 33'000'000;
  track_format audio;
  audio.kind = track_kind::audio;
  audio.codec = "aac";
  track_format video;
  video.codec = "hevc";
  v.output.tracks = {audio, video};
  v.work.speed = 1.25;
  x.variants = {v};
  return x;
}

coordinator_counters make_counters() {
  coordinator_counters x;
  x.version = "0.1.0";
  x.started_at_ms = 1'700'000'000'000;
  x.http_connections = 3;
  x.http_sent_bytes = 123'456;
  return x;
}

/// The page as "name{labels}" → value, comments left out. A series that appears twice fails the test.
std::map<std::string, double> read_back(const std::string& page) {
  std::map<std::string, double> result;
  std::istringstream in{page};
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.starts_with('#'))
      continue;
    auto end = line.rfind(' ');
    BOOST_REQUIRE(end != std::string::npos);
    auto fresh = result.emplace(line.substr(0, end), std::strtod(line.c_str() + end + 1, nullptr)).second;
    BOOST_TEST(fresh, "twice: " << line);
  }
  return result;
}

/// The output of `promtool check metrics` for a page: empty if all is well.
std::string promtool_says(const std::string& page) {
  test::fed_proc folder;
  folder.write("page", page);
  auto command = "promtool check metrics < " + folder.root() + "/page 2>&1";
  auto* pipe = ::popen(command.c_str(), "r");
  BOOST_REQUIRE(pipe != nullptr);
  std::string result;
  std::array<char, 4096> buffer;
  while (auto count = std::fread(buffer.data(), 1, buffer.size(), pipe))
    result.append(buffer.data(), count);
  if (auto status = ::pclose(pipe); status != 0)
    result += "exit status " + std::to_string(status);
  return result;
}

bool has_promtool() {
  if (std::system("promtool --version >/dev/null 2>&1") == 0)
    return true;
  BOOST_TEST_MESSAGE("skipped: promtool is not installed (package prometheus)");
  return false;
}

} // namespace

BOOST_AUTO_TEST_CASE(promtool_has_nothing_to_say) {
  if (!has_promtool())
    return;
  auto full = render_metrics({make_daemon(1, "one"), make_daemon(2, "two")},
                             {make_session("news", "one"), make_session("sport", "two")}, make_counters());
  BOOST_TEST(promtool_says(full) == "");
  BOOST_TEST(promtool_says(render_metrics({}, {}, {})) == "");
}

BOOST_AUTO_TEST_CASE(every_family_explains_itself) {
  auto page = render_metrics({make_daemon(1, "one")}, {make_session("news", "one")}, make_counters());
  std::istringstream in{page};
  std::string helped;
  size_t count = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# HELP ")) {
      auto end = line.find(' ', 7);
      BOOST_REQUIRE(end != std::string::npos);
      helped = line.substr(7, end - 7);
      BOOST_TEST(line.size() > end + 10, line);
    } else if (line.starts_with("# TYPE ")) {
      BOOST_TEST(line.starts_with("# TYPE " + helped + ' '), line);
      ++count;
    } else {
      BOOST_TEST(line.starts_with(helped), line);
    }
  }
  BOOST_TEST(count > 60u);
}

BOOST_AUTO_TEST_CASE(the_numbers_of_workers_and_hosts_are_read_back) {
  auto x = read_back(render_metrics({make_daemon(1, "one")}, {make_session("news", "one")}, make_counters()));
  BOOST_TEST(x.at("troupe_daemons{status=\"healthy\"}") == 1);
  BOOST_TEST(x.at("troupe_daemons{status=\"gone\"}") == 0);
  BOOST_TEST(x.at("troupe_daemon_info{daemon_id=\"1\",name=\"one\",version=\"0.1.0\",hw_accel=\"none\","
                  "libav_version=\"59.37.100\",hostname=\"host\",os=\"Linux 6.1\",arch=\"x86_64\"}")
             == 1);
  BOOST_TEST(x.at("troupe_daemon_status{daemon_id=\"1\",status=\"healthy\"}") == 1);
  BOOST_TEST(x.at("troupe_daemon_status{daemon_id=\"1\",status=\"draining\"}") == 0);
  BOOST_TEST(x.at("troupe_daemon_slots{daemon_id=\"1\"}") == 4);
  BOOST_TEST(x.at("troupe_daemon_slots_used{daemon_id=\"1\"}") == 1);
  BOOST_TEST(x.at("troupe_daemon_heartbeats_missed_total{daemon_id=\"1\"}") == 2);
  BOOST_TEST(x.at("troupe_daemon_last_heartbeat_timestamp_seconds{daemon_id=\"1\"}") == 1'700'000'100.25);
  BOOST_TEST(x.at("troupe_jobs_running{daemon_id=\"1\"}") == 1);
  BOOST_TEST(x.at("troupe_jobs_total{daemon_id=\"1\",status=\"completed\"}") == 11);
  BOOST_TEST(x.at("troupe_jobs_total{daemon_id=\"1\",status=\"failed\"}") == 3);
  BOOST_TEST(x.at("troupe_samples_transferred_total{daemon_id=\"1\",direction=\"in\"}") == 2000);
  BOOST_TEST(x.at("troupe_bytes_transferred_total{daemon_id=\"1\",direction=\"out\"}") == 4'000'000);
  BOOST_TEST(x.at("troupe_latency_seconds{daemon_id=\"1\",quantile=\"0.5\"}") == 0.125);
  BOOST_TEST(x.at("troupe_latency_seconds_count{daemon_id=\"1\"}") == 1);
  BOOST_TEST(x.at("troupe_host_cpu_percent{daemon_id=\"1\"}") == 42.5);
  BOOST_TEST(x.at("troupe_host_cpu_core_percent{daemon_id=\"1\",core=\"1\"}") == 25);
  BOOST_TEST(x.at("troupe_host_memory_percent{daemon_id=\"1\"}") == 25);
  BOOST_TEST(x.at("troupe_host_memory_used_bytes{daemon_id=\"1\"}") == 2e9);
  BOOST_TEST(x.at("troupe_host_disk_percent{daemon_id=\"1\"}") == 33);
  BOOST_TEST(x.at("troupe_host_load_avg{daemon_id=\"1\",window=\"15m\"}") == 1.25);
  BOOST_TEST(x.at("troupe_host_network_bytes_total{daemon_id=\"1\",direction=\"received\"}") == 888);
  BOOST_TEST(x.at("troupe_host_pressure{daemon_id=\"1\",resource=\"cpu\",window=\"60\"}") == 2.5);
  BOOST_TEST(x.at("troupe_host_pressure{daemon_id=\"1\",resource=\"memory\",window=\"10\"}") == 0);
  BOOST_TEST(x.at("troupe_host_pressure_seconds_total{daemon_id=\"1\",resource=\"cpu\"}") == 4.5);
}

BOOST_AUTO_TEST_CASE(the_numbers_of_tasks_are_read_back_and_warm_ones_are_left_out) {
  auto page = render_metrics({make_daemon(1, "one")}, {make_session("news", "one")}, make_counters());
  auto x = read_back(page);
  BOOST_TEST(x.at("troupe_job_info{daemon_id=\"1\",job_id=\"901\",kind=\"transcode\",channel=\"news\","
                  "profile=\"hd\"}")
             == 1);
  BOOST_TEST(x.at("troupe_job_encoding_speed{daemon_id=\"1\",job_id=\"901\",codec=\"hevc\"}") == 1.25);
  BOOST_TEST(x.at("troupe_job_cpu_percent{daemon_id=\"1\",job_id=\"901\"}") == 87.5);
  BOOST_TEST(x.at("troupe_job_memory_bytes{daemon_id=\"1\",job_id=\"901\"}") == 123'456'789);
  BOOST_TEST(x.at("troupe_job_running_seconds{daemon_id=\"1\",job_id=\"901\"}") == 61.5);
  BOOST_TEST(x.at("troupe_job_samples_total{daemon_id=\"1\",job_id=\"901\",direction=\"out\"}") == 900);
  BOOST_TEST(x.at("troupe_job_frames_encoded_total{daemon_id=\"1\",job_id=\"901\"}") == 880);
  BOOST_TEST(page.find("801") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_numbers_of_channels_clients_and_coordinator_are_read_back) {
  auto counters = make_counters();
  for (int status : {200, 206, 404, 503, 0, 99, 600, -1})
    counters.count_response(status);
  auto x = read_back(render_metrics({make_daemon(1, "one")}, {make_session("news", "one")}, counters));
  BOOST_TEST(x.at("troupe_sessions{status=\"running\"}") == 1);
  BOOST_TEST(x.at("troupe_sessions{status=\"failed\"}") == 0);
  BOOST_TEST(x.at("troupe_variants{status=\"running\"}") == 1);
  BOOST_TEST(x.at("troupe_clients") == 20);
  BOOST_TEST(x.at("troupe_session_buffer_bytes{channel=\"news\"}") == 4'000'000);
  BOOST_TEST(x.at("troupe_session_buffer_seconds{channel=\"news\"}") == 6.5);
  BOOST_TEST(x.at("troupe_session_corrupt_packets_total{channel=\"news\"}") == 4);
  BOOST_TEST(x.at("troupe_variant_clients{channel=\"news\",profile=\"hd\"}") == 20);
  BOOST_TEST(x.at("troupe_variant_client_joins_total{channel=\"news\",profile=\"hd\"}") == 35);
  BOOST_TEST(x.at("troupe_variant_client_skips_total{channel=\"news\",profile=\"hd\"}") == 6);
  BOOST_TEST(x.at("troupe_variant_lag_bytes{channel=\"news\",profile=\"hd\"}") == 70'000);
  BOOST_TEST(x.at("troupe_variant_lag_seconds{channel=\"news\",profile=\"hd\"}") == 0.125);
  BOOST_TEST(x.at("troupe_variant_buffer_bytes{channel=\"news\",profile=\"hd\"}") == 1'500'000);
  BOOST_TEST(x.at("troupe_build_info{version=\"0.1.0\"}") == 1);
  BOOST_TEST(x.at("process_start_time_seconds") == 1'700'000'000);
  BOOST_TEST(x.at("troupe_http_responses_total{code=\"2xx\"}") == 2);
  BOOST_TEST(x.at("troupe_http_responses_total{code=\"4xx\"}") == 1);
  BOOST_TEST(x.at("troupe_http_responses_total{code=\"5xx\"}") == 5);
  BOOST_TEST(x.at("troupe_http_responses_total{code=\"1xx\"}") == 0);
  BOOST_TEST(x.at("troupe_http_connections") == 3);
}

BOOST_AUTO_TEST_CASE(the_audit_log_is_counted_if_there_is_one) {
  auto counters = make_counters();
  BOOST_TEST(!read_back(render_metrics({}, {}, counters)).contains("troupe_audit_lost_total"));
  counters.audit = {.written = 7, .waiting = 2, .lost = 3, .left_out = 4};
  auto page = render_metrics({}, {}, counters);
  auto x = read_back(page);
  BOOST_TEST(x.at("troupe_audit_entries_total") == 7);
  BOOST_TEST(x.at("troupe_audit_waiting") == 2);
  BOOST_TEST(x.at("troupe_audit_lost_total") == 3);
  BOOST_TEST(x.at("troupe_audit_left_out_total") == 4);
}

BOOST_AUTO_TEST_CASE(the_breaker_and_the_drain_of_a_worker_are_read_back) {
  auto daemon = make_daemon(1, "one");
  daemon.breaker = {"half-open", no_timestamp, "3 tasks failed lately", 3};
  daemon.drained = true;
  auto x = read_back(render_metrics({daemon, make_daemon(2, "two")}, {}, make_counters()));
  BOOST_TEST(x.at("troupe_daemon_breaker{daemon_id=\"1\",state=\"half-open\"}") == 1);
  BOOST_TEST(x.at("troupe_daemon_breaker{daemon_id=\"1\",state=\"closed\"}") == 0);
  BOOST_TEST(x.at("troupe_daemon_breaker{daemon_id=\"2\",state=\"closed\"}") == 1);
  BOOST_TEST(x.at("troupe_daemon_breaker{daemon_id=\"2\",state=\"open\"}") == 0);
  BOOST_TEST(x.at("troupe_daemon_recent_failures{daemon_id=\"1\"}") == 3);
  BOOST_TEST(x.at("troupe_daemon_drained{daemon_id=\"1\"}") == 1);
  BOOST_TEST(x.at("troupe_daemon_drained{daemon_id=\"2\"}") == 0);
}

BOOST_AUTO_TEST_CASE(failovers_are_counted_by_cause_and_their_gaps_fall_into_buckets) {
  failover_log log;
  using std::chrono::milliseconds;
  log.failed_over("lost", milliseconds{180}, 1000);
  log.failed_over("lost", milliseconds{200}, 500);
  log.failed_over("drain", milliseconds{0}, 0);
  log.failed_over("stalled", milliseconds{60'000}, 10);
  log.failed_over("{\"a reason of nobody", milliseconds{-5}, 0);
  log.source_restarted();
  log.lost_frames(25);
  log.gave_up();
  auto counters = make_counters();
  counters.failovers = log.totals();
  auto page = render_metrics({}, {make_session("news", "one")}, counters);
  auto x = read_back(page);
  BOOST_TEST(x.at("troupe_failovers_total{reason=\"lost\"}") == 2);
  BOOST_TEST(x.at("troupe_failovers_total{reason=\"drain\"}") == 1);
  BOOST_TEST(x.at("troupe_failovers_total{reason=\"slow\"}") == 0);
  BOOST_TEST(x.at("troupe_failovers_total{reason=\"other\"}") == 1);
  BOOST_TEST(x.at("troupe_failover_gap_seconds_bucket{le=\"0.04\"}") == 2);
  BOOST_TEST(x.at("troupe_failover_gap_seconds_bucket{le=\"0.1\"}") == 2);
  BOOST_TEST(x.at("troupe_failover_gap_seconds_bucket{le=\"0.2\"}") == 4);
  BOOST_TEST(x.at("troupe_failover_gap_seconds_bucket{le=\"30\"}") == 4);
  BOOST_TEST(x.at("troupe_failover_gap_seconds_bucket{le=\"+Inf\"}") == 5);
  BOOST_TEST(x.at("troupe_failover_gap_seconds_count") == 5);
  BOOST_TEST(x.at("troupe_failover_gap_seconds_sum") == 60.38, boost::test_tools::tolerance(1e-9));
  BOOST_TEST(x.at("troupe_replayed_bytes_total") == 1510);
  BOOST_TEST(x.at("troupe_source_restarts_total") == 1);
  BOOST_TEST(x.at("troupe_lost_frames_total") == 25);
  BOOST_TEST(x.at("troupe_given_up_total") == 1);
  if (has_promtool())
    BOOST_TEST(promtool_says(page) == "");
}

BOOST_AUTO_TEST_CASE(file_jobs_are_counted_by_what_became_of_them) {
  file_job_log log;
  for (int i = 0; i < 4; ++i)
    log.submitted();
  log.present(1, 2);
  log.completed();
  log.failed();
  log.cancelled();
  log.chunk_encoded(250);
  log.chunk_encoded(50);
  log.chunks_given_back(2);
  log.retried(3);
  auto counters = make_counters();
  counters.file_jobs = log.totals();
  auto page = render_metrics({}, {}, counters);
  auto x = read_back(page);
  BOOST_TEST(x.at("troupe_file_jobs{state=\"waiting\"}") == 1);
  BOOST_TEST(x.at("troupe_file_jobs{state=\"running\"}") == 2);
  BOOST_TEST(x.at("troupe_file_jobs_submitted_total") == 4);
  BOOST_TEST(x.at("troupe_file_jobs_ended_total{outcome=\"completed\"}") == 1);
  BOOST_TEST(x.at("troupe_file_jobs_ended_total{outcome=\"failed\"}") == 1);
  BOOST_TEST(x.at("troupe_file_jobs_ended_total{outcome=\"cancelled\"}") == 1);
  BOOST_TEST(x.at("troupe_file_chunks_encoded_total") == 2);
  BOOST_TEST(x.at("troupe_file_frames_encoded_total") == 300);
  BOOST_TEST(x.at("troupe_file_chunks_given_back_total") == 2);
  BOOST_TEST(x.at("troupe_file_retries_total") == 3);
  if (has_promtool())
    BOOST_TEST(promtool_says(page) == "");
}

BOOST_AUTO_TEST_CASE(what_failed_over_is_not_forgotten_when_its_session_ends) {
  failover_log log;
  log.failed_over("lost", std::chrono::milliseconds{100}, 7);
  auto session = make_session("news", "one");
  session.source_restarts = 2;
  session.outages = 3;
  session.slate_since_ms = 1'700'000'000'000;
  session.variants[0].failovers = 1;
  session.variants[0].last_gap_ms = 100;
  session.variants[0].replayed_bytes = 7;
  session.variants[0].frames_lost = 3;
  auto counters = make_counters();
  counters.failovers = log.totals();
  auto x = read_back(render_metrics({}, {session}, counters));
  BOOST_TEST(x.at("troupe_variant_failovers_total{channel=\"news\",profile=\"hd\"}") == 1);
  BOOST_TEST(x.at("troupe_variant_last_gap_seconds{channel=\"news\",profile=\"hd\"}") == 0.1);
  BOOST_TEST(x.at("troupe_variant_replayed_bytes_total{channel=\"news\",profile=\"hd\"}") == 7);
  BOOST_TEST(x.at("troupe_variant_lost_frames_total{channel=\"news\",profile=\"hd\"}") == 3);
  BOOST_TEST(x.at("troupe_session_source_restarts_total{channel=\"news\"}") == 2);
  BOOST_TEST(x.at("troupe_session_outages_total{channel=\"news\"}") == 3);
  BOOST_TEST(x.at("troupe_session_slate{channel=\"news\"}") == 1);
  auto after = read_back(render_metrics({}, {}, counters));
  BOOST_TEST(after.at("troupe_failovers_total{reason=\"lost\"}") == 1);
  BOOST_TEST(after.at("troupe_replayed_bytes_total") == 7);
}

BOOST_AUTO_TEST_CASE(names_from_outside_cannot_break_the_page) {
  std::string evil = "a\"b\\c\nd\te\x01\x7f\xff\xc0\x80\xed\xa0\x80 \xf4\x90\x80\x80";
  auto daemon = make_daemon(1, evil);
  daemon.machine.hostname = std::string(100'000, 'x');
  daemon.tasks.front().channel = "{}=,\"\n";
  daemon.tasks.front().work.speed = std::numeric_limits<double>::quiet_NaN();
  daemon.tasks.front().process.cpu_percent = std::numeric_limits<double>::infinity();
  auto page = render_metrics({daemon, daemon}, {make_session(evil, evil), make_session(evil, evil)}, make_counters());
  auto x = read_back(page);
  BOOST_TEST(x.at("troupe_job_encoding_speed{daemon_id=\"1\",job_id=\"901\",codec=\"hevc\"}") == 0);
  BOOST_TEST(x.at("troupe_job_cpu_percent{daemon_id=\"1\",job_id=\"901\"}") == 0);
  BOOST_TEST(page.size() < 30'000u);
  if (has_promtool())
    BOOST_TEST(promtool_says(page) == "");
}

BOOST_AUTO_TEST_CASE(label_values_are_valid_bounded_text) {
  BOOST_TEST(label_value("caf\xc3\xa9 \xf0\x9f\x8e\xac") == "caf\xc3\xa9 \xf0\x9f\x8e\xac");
  BOOST_TEST(label_value("a\xff\nb") == "a??b");
  BOOST_TEST(label_value("\xe2\x82") == "??");
  BOOST_TEST(label_value("\xed\xa0\x80") == "???");
  BOOST_TEST(label_value("").empty());
  std::string accents;
  for (int i = 0; i < 1000; ++i)
    accents += "\xe2\x82\xac";
  auto cut = label_value(accents);
  BOOST_TEST(cut.size() <= label_bytes_max);
  BOOST_TEST(cut.size() % 3 == 0u);
}

BOOST_AUTO_TEST_CASE(a_family_holds_a_bounded_number_of_series) {
  auto daemon = make_daemon(1, "one");
  daemon.machine.cpu_per_core.assign(100'000, 1);
  daemon.tasks.clear();
  for (uint64_t i = 0; i < series_max + 5'000; ++i)
    daemon.tasks.push_back(make_task(10'000 + i, "transcode", i));
  auto x = read_back(render_metrics({daemon}, {}, {}));
  auto count = [&x](const std::string& name) {
    return std::ranges::count_if(x, [&name](auto& entry) { return entry.first.starts_with(name + '{'); });
  };
  BOOST_TEST(count("troupe_job_cpu_percent") == static_cast<ptrdiff_t>(series_max));
  BOOST_TEST(count("troupe_host_cpu_core_percent") == 256);
}

BOOST_AUTO_TEST_CASE(transfers_of_a_worker_never_fall_when_tasks_end) {
  auto daemon = make_daemon(1, "one");
  transfer_totals totals;
  totals.observe({daemon}, {});
  BOOST_TEST(totals.of(daemon.id).bytes_in == 10'000'000u);
  daemon.tasks.erase(daemon.tasks.begin());
  daemon.tasks.front().work.bytes_in += 500;
  totals.observe({daemon}, {});
  BOOST_TEST(totals.of(daemon.id).bytes_in == 10'000'500u);
  daemon.tasks.front().work.bytes_in = 3;
  totals.observe({daemon}, {});
  BOOST_TEST(totals.of(daemon.id).bytes_in == 10'000'500u);
  totals.observe({}, {});
  BOOST_TEST(totals.of(daemon.id).bytes_in == 0u);
}

BOOST_AUTO_TEST_CASE(latency_quantiles_are_those_of_the_latest_observations) {
  auto daemon = make_daemon(1, "one");
  auto session = make_session("news", "one");
  transfer_totals totals;
  for (int i = 0; i < 3000; ++i) {
    session.variants.front().lag_ms = i < 1000 ? 90'000 : i % 100 + 1;
    totals.observe({daemon}, {session});
  }
  auto& x = totals.of(daemon.id);
  BOOST_TEST(x.latency_count == 3000u);
  BOOST_TEST(x.latencies_s.size() == transfer_totals::latencies_max);
  BOOST_TEST(x.latency_quantile_s(0.5) == 0.05, boost::test_tools::tolerance(0.1));
  BOOST_TEST(x.latency_quantile_s(0.99) == 0.099, boost::test_tools::tolerance(0.02));
  BOOST_TEST(x.latency_quantile_s(1) == 0.1);
  BOOST_TEST(x.latency_quantile_s(0) == 0.001);
  BOOST_TEST(transfer_totals::totals{}.latency_quantile_s(0.5) == 0.0);
}

BOOST_AUTO_TEST_CASE(only_transcodes_of_known_workers_have_a_latency) {
  auto daemon = make_daemon(1, "one");
  auto session = make_session("news", "elsewhere");
  transfer_totals totals;
  totals.observe({daemon}, {session});
  session.variants.front().worker = "one";
  session.variants.front().mode = "passthrough";
  totals.observe({daemon}, {session});
  session.variants.front().mode = "transcode";
  session.variants.front().lag_ms = -1;
  totals.observe({daemon}, {session});
  BOOST_TEST(totals.of(daemon.id).latency_count == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

#include "bench/fanout_node.hpp"

#include "actors/gateway.hpp"
#include "bench/command.hpp"
#include "bench/fanout_feed.hpp"
#include "http/server.hpp"
#include "rig/live_socket.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto start_limit = std::chrono::seconds{30};
constexpr uint32_t connections_max = 100'000;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

/// Answers the one question of the HTTP server; the rendition runs already.
gateway_actor spawn_gateway(caf::actor_system& system, rendition_ptr running) {
  auto answer = [running = std::move(running)](watch_atom, const std::string& channel,
                                               const std::string& profile) -> caf::result<rendition_ptr> {
    if (channel != fanout_channel || profile != fanout_profile)
      return caf::make_error(ec::unknown_channel, "this server has one channel");
    return running;
  };
  return caf::actor_cast<gateway_actor>(
    system.spawn([answer](caf::event_based_actor*) -> caf::behavior { return {answer}; }));
}

[[noreturn]] void serve_product(const rendition_ptr& running, const shared_board& board) {
  register_node_types();
  caf::actor_system_config config;
  caf::actor_system system{config};
  http::server_config page;
  page.listen.port = 0;
  page.connections_max = connections_max;
  page.connections_per_client = connections_max;
  page.log = [](const http::access_record&) {}; // as of the servers that this one is compared with
  auto server = http::server::start(page, system, spawn_gateway(system, running));
  if (!server)
    throw std::runtime_error(server.error());
  board->port = (*server)->port();
  for (;;)
    std::this_thread::sleep_for(std::chrono::hours{1});
}

} // namespace

shared_board::shared_board(const std::string& file, state is) {
  auto made = is == state::fresh ? O_CREAT | O_TRUNC : 0;
  base::descriptor opened{::open(file.c_str(), O_RDWR | O_CLOEXEC | made, 0600)};
  if (!opened || ::ftruncate(opened.get(), sizeof(fanout_board)) != 0)
    fail("cannot make " + file);
  auto* at = ::mmap(nullptr, sizeof(fanout_board), PROT_READ | PROT_WRITE, MAP_SHARED, opened.get(), 0);
  if (at == MAP_FAILED)
    fail("cannot map " + file);
  board_ = static_cast<fanout_board*>(at);
}

shared_board::~shared_board() {
  ::munmap(board_, sizeof(fanout_board));
}

fanout_node::fanout_node(kind what, const std::string& file, const scratch_folder& folder)
  : board_(folder.path(what == kind::bare ? "bare.board" : "product.board"), shared_board::state::fresh),
    child_(own_program(),
           {"fanout-node", what == kind::bare ? "bare" : "product", file,
            folder.path(what == kind::bare ? "bare.board" : "product.board")},
           folder.path(what == kind::bare ? "bare.log" : "product.log")) {
  auto deadline = clock::now() + start_limit;
  while (board_->port == 0 || board_->first_time == 0) {
    if (!child_.running() || clock::now() > deadline)
      throw std::runtime_error("the server does not start:\n" + child_.output());
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

double fanout_node::cpu_s() const {
  return std::chrono::duration<double>(cpu_time_of(child_.pid())).count();
}

clock::time_point fanout_node::written(int64_t dts) const {
  std::chrono::microseconds since{(dts - board_->first_dts) * 100 / 9};
  return clock::time_point{std::chrono::nanoseconds{board_->first_time}} + since;
}

uint64_t raise_descriptors(uint64_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  auto wanted = rlimit{std::max<rlim_t>(limit.rlim_cur, count), std::max<rlim_t>(limit.rlim_max, count)};
  if (::setrlimit(RLIMIT_NOFILE, &wanted) == 0)
    return wanted.rlim_cur;
  limit.rlim_cur = std::min(limit.rlim_max, wanted.rlim_cur);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

int run_fanout_node(const arguments& given) {
  if (given.size() != 3)
    return 2;
  shared_board board{given[2], shared_board::state::shared};
  fanout_feed feed{given[1], fanout_profile, [&](const fanout_feed::origin& from) {
                     board->ts_bytes = feed.shared()->stream()->count().bytes_total;
                     board->first_dts = from.dts;
                     board->first_time = std::chrono::nanoseconds{from.at.time_since_epoch()}.count();
                   }};
  if (given[0] == "product")
    serve_product(feed.shared(), board);
  auto listener = listen_on_loopback();
  board->port = listener.port;
  serve_bare(feed.shared()->stream(), base::descriptor{listener.socket});
}

} // namespace troupe::bench

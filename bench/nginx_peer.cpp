#include "bench/nginx_peer.hpp"

#include "rig/live_socket.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace troupe::bench {

namespace {

namespace fs = std::filesystem;
using clock = std::chrono::steady_clock;

constexpr auto nginx_start_limit = std::chrono::seconds{10};

/// Debian keeps it where only root's PATH goes.
std::string program() {
  for (auto* x : {"/usr/sbin/nginx", "/usr/bin/nginx"})
    if (fs::exists(x))
      return x;
  throw std::runtime_error("nginx, which this is compared with, is not installed: run scripts/setup");
}

/// Free a moment ago: nginx cannot listen on any port and say which.
uint16_t free_port() {
  auto listener = listen_on_loopback();
  base::descriptor closed{listener.socket};
  return listener.port;
}

std::string write_config(const std::string& folder, const std::string& root, uint16_t port) {
  fs::create_directories(folder);
  auto result = folder + "/nginx.conf";
  std::ofstream out{result};
  // Its worker may not become another user, who could not read the folder.
  out << (::getuid() == 0 ? "user root;\n" : "") << "daemon off;\nworker_processes 1;\npid " << folder
      << "/nginx.pid;\nerror_log stderr;\nevents { worker_connections 4096; }\nhttp {\n"
      << "  access_log off;\n  sendfile on;\n  tcp_nodelay on;\n  keepalive_requests 1000000000;\n"
      << "  default_type video/mp4;\n  types { }\n";
  for (auto* what : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    out << "  " << what << "_temp_path " << folder << "/" << what << ";\n";
  out << "  server {\n    listen 127.0.0.1:" << port << ";\n    root " << root
      << ";\n    add_header Cache-Control max-age=12;\n    add_header Access-Control-Allow-Origin *;\n  }\n}\n";
  if (!out.flush())
    throw std::runtime_error("cannot write " + result);
  return result;
}

} // namespace

nginx_peer::nginx_peer(const std::string& folder, const std::string& root)
  : port_(free_port()), child_(program(), {"-c", write_config(folder, root, port_), "-e", "stderr"}, folder + ".log") {
  auto deadline = clock::now() + nginx_start_limit;
  for (;;) {
    try {
      auto connected = connect_to_loopback(port_);
      return;
    } catch (const std::runtime_error&) {
      if (!child_.running() || clock::now() > deadline)
        throw std::runtime_error("nginx does not start:\n" + child_.output());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
}

double nginx_peer::cpu_s() const {
  auto result = cpu_time_of(child_.pid());
  for (auto& x : descendants(child_.pid()))
    result += cpu_time_of(x.pid);
  return std::chrono::duration<double>(result).count();
}

} // namespace troupe::bench

// Each reader has a thread: there are few readers, and a thread that sleeps until a picture is due is the most precise
// clock.
#include "rig/live_source.hpp"

#include "rig/live_socket.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <stdexcept>

#include <sys/socket.h>
#include <unistd.h>

namespace troupe::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr size_t request_bytes_max = 16 * 1024;
constexpr std::string_view head = "HTTP/1.0 200 OK\r\nContent-Type: video/mp2t\r\nCache-Control: no-store\r\n\r\n";

std::chrono::microseconds from_ticks(int64_t ticks) {
  return std::chrono::microseconds{ticks * 100 / 9};
}

/// The path in a request's first line; empty if there is none.
std::string path_of(const std::string& request) {
  auto from = request.find(' ');
  auto to = from == std::string::npos ? from : request.find(' ', from + 1);
  return to == std::string::npos ? std::string{} : request.substr(from + 1, to - from - 1);
}

} // namespace

live_source::live_source(const std::string& file, std::map<std::string, stream> streams, uint16_t port)
  : streams_(std::move(streams)) {
  load(file);
  auto made = listen_on_loopback(port);
  listener_ = made.socket;
  port_ = made.port;
  acceptor_ = std::thread{[this] { accept_all(); }};
}

live_source::~live_source() {
  {
    std::lock_guard guard{mutex_};
    stop_ = true;
  }
  changed_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  for (auto& x : readers_) {
    ::shutdown(x->socket, SHUT_RDWR);
    x->thread.join();
    ::close(x->socket);
  }
}

/// Cuts the stream into portions that are sent together. Tables go with the unit that follows them.
void live_source::load(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  std::vector<char> all{std::istreambuf_iterator<char>{in}, {}};
  auto* data = reinterpret_cast<const std::byte*>(all.data());
  bytes_.assign(data, data + all.size());
  std::vector<ts_unit> units;
  ts_scanner scanner{[&units](const ts_unit& x) { units.push_back(x); }};
  scanner.take(bytes_, {});
  scanner.finish();
  std::sort(units.begin(), units.end(), [](const ts_unit& a, const ts_unit& b) { return a.begin < b.begin; });
  std::set<int64_t> times;
  int64_t newest = -1;
  int64_t first = -1;
  for (auto& x : units) {
    if (first < 0)
      first = x.dts;
    newest = std::max(newest, x.dts);
    if (x.video)
      times.insert(x.dts);
    portion p;
    p.begin = portions_.empty() ? 0 : portions_.back().end;
    p.end = std::max(x.end, p.begin);
    p.due = from_ticks(newest - first);
    p.video = x.video;
    p.random_access = x.video && x.random_access;
    p.pts = x.pts;
    portions_.push_back(p);
  }
  if (times.size() < 2)
    throw std::runtime_error(file + " is no transport stream with pictures");
  picture_distance_ = from_ticks((*times.rbegin() - *times.begin()) / static_cast<int64_t>(times.size() - 1));
}

std::string live_source::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

std::optional<sending> live_source::latest(const std::string& path) const {
  std::lock_guard guard{mutex_};
  for (auto i = readers_.rbegin(); i != readers_.rend(); ++i)
    if ((*i)->path == path)
      return (*i)->got;
  return std::nullopt;
}

void live_source::accept_all() {
  for (;;) {
    auto socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    std::lock_guard guard{mutex_};
    if (stop_ || socket < 0) {
      if (socket >= 0)
        ::close(socket);
      return;
    }
    readers_.push_back(std::make_unique<reader>());
    auto& added = *readers_.back();
    added.socket = socket;
    added.thread = std::thread{[this, &added] { serve(added); }};
  }
}

void live_source::serve(reader& to) {
  std::string request;
  char some[2048];
  while (request.find("\r\n\r\n") == std::string::npos && request.size() < request_bytes_max) {
    auto got = ::recv(to.socket, some, sizeof some, 0);
    if (got <= 0)
      return;
    request.append(some, static_cast<size_t>(got));
  }
  auto found = streams_.find(path_of(request));
  if (found == streams_.end()) {
    (void)send_all(to.socket, std::as_bytes(std::span{std::string_view{"HTTP/1.0 404 Not Found\r\n\r\n"}}));
  } else {
    {
      std::lock_guard guard{mutex_};
      to.path = found->first;
      to.got.accepted = clock::now();
    }
    no_delay(to.socket);
    if (send_all(to.socket, std::as_bytes(std::span{head})))
      send_stream(to, found->second);
  }
  ::shutdown(to.socket, SHUT_RDWR);
}

/// The first portion for a reader that joins before the picture with this number.
size_t live_source::portion_at(size_t picture) const {
  for (size_t i = 0; i < portions_.size(); ++i)
    if (portions_[i].video && picture-- == 0)
      return i;
  return portions_.size();
}

bool live_source::wait_until(clock::time_point due) {
  std::unique_lock lock{mutex_};
  return !changed_.wait_until(lock, due, [this] { return stop_; });
}

void live_source::send_stream(reader& to, const stream& as) {
  auto first = portion_at(as.skip_pictures);
  if (first == portions_.size())
    return;
  auto now = clock::now().time_since_epoch();
  auto distance = std::chrono::duration_cast<clock::duration>(picture_distance_);
  clock::time_point start{(now / distance + 1) * distance + as.phase};
  for (auto i = first; i < portions_.size(); ++i) {
    auto& p = portions_[i];
    if (!wait_until(start + (p.due - portions_[first].due)))
      return;
    auto before = clock::now();
    if (!send_all(to.socket, std::span{bytes_}.subspan(p.begin, p.end - p.begin)))
      return;
    auto after = clock::now();
    std::lock_guard guard{mutex_};
    if (p.random_access && !to.got.random_access)
      to.got.random_access = before;
    if (p.video)
      to.got.pictures[p.pts] = after;
  }
}

} // namespace troupe::bench

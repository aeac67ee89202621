#include "http/loop.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

namespace troupe::http {

namespace {

constexpr std::chrono::milliseconds sweep_interval{250};

} // namespace

void statistics::count_response(unsigned status_code) noexcept {
  auto index = status_code / 100 - 1;
  if (index < responses.size())
    ++responses[index];
}

std::optional<share> share::take(const std::shared_ptr<statistics>& counters, std::atomic<uint64_t> statistics::*of,
                                 uint64_t size, uint64_t most) {
  share result;
  result.of_ = {counters, &((*counters).*of)};
  result.size_ = size;
  if ((*result.of_ += size) > most)
    return std::nullopt;
  return result;
}

void inbox::post(std::function<void()> call) {
  std::lock_guard guard{mutex_};
  if (context_ == nullptr)
    return;
  calls_.push_back(std::move(call));
  if (calls_.size() == 1)
    boost::asio::post(*context_, [this] { run(); });
}

void inbox::run() {
  std::vector<std::function<void()>> calls;
  {
    std::lock_guard guard{mutex_};
    calls.swap(calls_);
  }
  for (auto& call : calls)
    call();
}

void inbox::close() {
  std::vector<std::function<void()>> dropped;
  std::lock_guard guard{mutex_};
  context_ = nullptr;
  dropped.swap(calls_);
}

loop::loop(std::shared_ptr<statistics> counters)
  : counters_(std::move(counters)), context_(1), timer_(context_), mail_(std::make_shared<inbox>(context_)) {}

loop::~loop() {
  mail_->close();
  counters_->connections -= peers_.size();
  peers_.clear();
}

void loop::run() {
  sweep();
  context_.run();
}

void loop::stop(std::chrono::milliseconds timeout) {
  stopping_ = true;
  stop_deadline_ = clock::now() + timeout;
  auto peers = std::vector(peers_.begin(), peers_.end());
  for (auto& p : peers)
    p->shut_down();
  if (peers_.empty())
    context_.stop();
}

void loop::add(std::shared_ptr<peer> x) {
  peers_.insert(std::move(x));
  ++counters_->connections;
}

void loop::remove(const std::shared_ptr<peer>& x) {
  counters_->connections -= peers_.erase(x);
  if (stopping_ && peers_.empty())
    context_.stop();
}

bool loop::drop_idle(std::optional<std::string_view> of) {
  std::shared_ptr<peer> first;
  for (auto& p : peers_)
    if (p->is_idle() && (!of || p->client() == *of) && (!first || p->deadline() < first->deadline()))
      first = p;
  if (first)
    first->deadline_passed();
  return first != nullptr;
}

void loop::sweep() {
  auto now = clock::now();
  if (stop_deadline_ && now >= *stop_deadline_) {
    context_.stop();
    return;
  }
  std::vector<std::shared_ptr<peer>> late;
  for (auto& p : peers_)
    if (auto deadline = p->deadline(); deadline && now >= *deadline)
      late.push_back(p);
  for (auto& p : late)
    p->deadline_passed();
  timer_.expires_after(sweep_interval);
  timer_.async_wait([this](const boost::system::error_code& failure) {
    if (!failure)
      sweep();
  });
}

} // namespace troupe::http

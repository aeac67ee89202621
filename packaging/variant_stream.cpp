#include "packaging/variant_stream.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

void variant_stream::push(core::chunk x) {
  std::vector<waiter> ready;
  {
    std::lock_guard guard{mutex_};
    ring_.push(std::move(x));
    ready.swap(waiters_);
  }
  for (auto& w : ready)
    w.wake();
}

void variant_stream::end(std::string reason) {
  std::vector<waiter> ready;
  {
    std::lock_guard guard{mutex_};
    if (ended_)
      return;
    ended_ = true;
    end_reason_ = std::move(reason);
    ready.swap(waiters_);
  }
  for (auto& w : ready)
    w.wake();
}

variant_stream::counters variant_stream::count() const {
  std::lock_guard guard{mutex_};
  auto result = counters_;
  result.buffered_bytes = ring_.bytes();
  result.bytes_total = ring_.bytes_total();
  return result;
}

variant_stream::reader::reader(std::shared_ptr<variant_stream> stream) : stream_(std::move(stream)) {
  std::lock_guard guard{stream_->mutex_};
  id_ = stream_->next_id_++;
  ++stream_->counters_.clients;
  ++stream_->counters_.clients_total;
}

variant_stream::reader::~reader() {
  if (stream_ == nullptr)
    return; // moved from
  std::lock_guard guard{stream_->mutex_};
  --stream_->counters_.clients;
  std::erase_if(stream_->waiters_, [this](const waiter& w) { return w.id == id_; });
}

variant_stream::reader::outcome variant_stream::reader::read(std::vector<shared_bytes>& out, size_t bytes_max) {
  std::vector<core::chunk> chunks;
  {
    std::lock_guard guard{stream_->mutex_};
    auto skips = place_.skips;
    chunks = stream_->ring_.read(place_, bytes_max);
    stream_->counters_.skips += place_.skips - skips;
    if (chunks.empty())
      return stream_->ended_ ? outcome::end : outcome::wait;
  }
  for (auto& c : chunks)
    out.push_back(std::move(c.bytes));
  return outcome::data;
}

void variant_stream::reader::notify(std::function<void()> wake) {
  {
    std::lock_guard guard{stream_->mutex_};
    std::erase_if(stream_->waiters_, [this](const waiter& w) { return w.id == id_; });
    if (!stream_->ended_ && !stream_->ring_.readable(place_)) {
      stream_->waiters_.push_back({id_, std::move(wake)});
      return;
    }
  }
  wake();
}

std::string variant_stream::reader::end_reason() const {
  std::lock_guard guard{stream_->mutex_};
  return stream_->end_reason_;
}

} // namespace troupe

#include "actors/jobs/job_journal.hpp"

#include "messages/unix_time.hpp"
#include "store/text.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <variant>

namespace troupe {

namespace {

/// Large enough to share one wait for the disk among many, small enough that no operation waits long for others.
constexpr size_t batch_max = 1'000;

job_id id_of(const store::operation& x) {
  return std::visit([](const auto& op) { return op.id; }, x);
}

} // namespace

void job_journal::write(store::operation what, written then) {
  add({std::move(what), std::move(then), false, false});
}

void job_journal::write_for_client(store::operation what, written then) {
  if (outage_)
    return then(tl::unexpected{*outage_});
  add({std::move(what), std::move(then), true, false});
}

void job_journal::add(item x) {
  store::mend_words(x.what);
  collected_.push_back(std::move(x));
  ++added_;
  pump();
}

void job_journal::after(std::function<void()> then) {
  if (finished_ == added_)
    return then();
  barriers_.emplace_back(added_, std::move(then));
}

void job_journal::pump() {
  if (in_flight_ || outage_ || collected_.empty())
    return;
  auto n = std::min(collected_.size(), batch_max);
  auto end = collected_.begin() + static_cast<std::ptrdiff_t>(n);
  under_way_.assign(std::make_move_iterator(collected_.begin()), std::make_move_iterator(end));
  collected_.erase(collected_.begin(), end);
  send(false);
}

int64_t job_journal::next_time() {
  batch_time_ms_ = std::max(batch_time_ms_ + 1, unix_ms());
  return batch_time_ms_;
}

void job_journal::send(bool again) {
  store_batch batch;
  batch.again = again;
  batch.at_ms = again ? batch_time_ms_ : next_time();
  batch.items.reserve(under_way_.size());
  for (auto& x : under_way_)
    batch.items.push_back({x.what, x.dropped});
  in_flight_ = true;
  hooks_.send(std::move(batch));
}

void job_journal::done(store_results x) {
  if (!in_flight_)
    return;
  if (!x.failed) {
    if (outage_)
      log::info("the store of jobs works again", {});
    outage_.reset();
    finish(std::move(x));
    // The next batch starts only now, so that all writes caused by these results share it.
    in_flight_ = false;
    return pump();
  }
  in_flight_ = false;
  if (x.failed->transient())
    return go_down(*x.failed);
  log::error("the store of jobs is broken", {{"reason", x.failed->text}});
  x.results.assign(under_way_.size(), tl::unexpected{*x.failed});
  auto why = x.failed->text;
  finish(std::move(x));
  hooks_.broken(why);
}

void job_journal::finish(store_results x) {
  auto batch = std::exchange(under_way_, {});
  finished_ += batch.size();
  for (size_t i = 0; i < batch.size(); ++i) {
    auto& item = batch[i];
    auto& result = x.results[i];
    if (item.dropped) {
      if (x.recalled && result)
        hooks_.surprised(id_of(item.what));
      continue;
    }
    if (result)
      hooks_.wrote(item.what, *result, batch_time_ms_);
    else
      log::warning("a change of a job is refused", {{"reason", result.error().text}});
    if (item.then)
      item.then(result);
  }
  hooks_.settled();
  run_barriers();
}

void job_journal::run_barriers() {
  while (!barriers_.empty() && barriers_.front().first <= finished_) {
    auto then = std::move(barriers_.front().second);
    barriers_.pop_front();
    then();
  }
}

void job_journal::go_down(const store::error& why) {
  if (!outage_)
    log::warning("jobs cannot be stored: the store does not work; the writes are tried again", {{"reason", why.text}});
  outage_ = why;
  // Clients get an error now, so their operations must not be done later.
  std::vector<written> refused;
  for (auto& x : under_way_)
    if (x.of_client && !x.dropped) {
      x.dropped = true;
      refused.push_back(std::exchange(x.then, {}));
    }
  auto kept = std::stable_partition(collected_.begin(), collected_.end(), [](const item& x) { return !x.of_client; });
  for (auto i = kept; i != collected_.end(); ++i)
    refused.push_back(std::move(i->then));
  added_ -= static_cast<uint64_t>(collected_.end() - kept);
  collected_.erase(kept, collected_.end());
  // Callbacks that waited for the dropped operations now wait for the remaining ones.
  for (auto& [at, then] : barriers_)
    at = std::min(at, added_);
  for (auto& then : refused)
    if (then)
      then(tl::unexpected{why});
}

void job_journal::retry() {
  if (outage_ && !in_flight_)
    send(true);
}

std::optional<store_batch> job_journal::rest() {
  if (outage_ || collected_.empty())
    return {};
  store_batch result;
  result.at_ms = next_time();
  for (auto& x : collected_)
    result.items.push_back({std::move(x.what), false});
  collected_.clear();
  return result;
}

} // namespace troupe

#include "trust/audit_log.hpp"

#include "base/utf8.hpp"

#include <algorithm>
#include <utility>

namespace troupe::trust {

namespace {

constexpr size_t batch_max = 256;
constexpr size_t questions_max = 64;
constexpr int last_tries = 3;

/// Strangers cannot push out more than this part of the entries.
constexpr uint64_t share_of_nobodies = 4;

/// After so large a part of the entries came in, old ones are removed.
constexpr uint64_t trims_per_log = 16;

constexpr size_t text_bytes_max = 1024;

void mend(std::string& text) {
  text = base::plain_text(base::cut(text, text_bytes_max));
}

} // namespace

tl::expected<std::shared_ptr<audit_log>, std::string> audit_log::open(store::audit_store to, audit_config config) {
  if (!config.now_ms)
    config.now_ms = [] {
      auto now = std::chrono::system_clock::now().time_since_epoch();
      return int64_t{std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
    };
  auto newest = to.newest();
  if (!newest)
    return tl::unexpected(std::move(newest.error().text));
  return std::shared_ptr<audit_log>{new audit_log{std::move(to), std::move(config), *newest}};
}

audit_log::audit_log(store::audit_store to, audit_config config, int64_t newest)
  : store_{std::move(to)}, config_{std::move(config)}, newest_{newest} {
  thread_ = std::thread{[this] { run(); }};
}

audit_log::~audit_log() {
  stop();
}

void audit_log::stop() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

void audit_log::add(audit_entry x) {
  for (auto* text : {&x.key, &x.name, &x.role, &x.address, &x.request, &x.method, &x.route, &x.target, &x.made})
    mend(*text);
  {
    std::lock_guard guard{mutex_};
    // A number for each, so that a gap shows where entries were lost.
    x.number = ++newest_;
    if (stopping_ || waiting_.size() >= config_.waiting_max) {
      ++totals_.lost;
      return;
    }
    waiting_.push_back(std::move(x));
  }
  changed_.notify_all();
}

void audit_log::leave_out() {
  std::lock_guard guard{mutex_};
  ++totals_.left_out;
}

void audit_log::list(audit_question what, std::function<void(answer<store::audit_page>)> done) {
  auto taken = false;
  {
    std::lock_guard guard{mutex_};
    taken = !stopping_ && questions_.size() < questions_max;
    if (taken)
      questions_.push_back({std::move(what), done});
  }
  if (taken)
    changed_.notify_all();
  else
    done(tl::unexpected{refusal{refusal::reason::busy, "too many wait for the audit log; try again"}});
}

audit_totals audit_log::totals() const {
  std::lock_guard guard{mutex_};
  auto result = totals_;
  result.waiting = waiting_.size();
  return result;
}

void audit_log::run() {
  for (;;) {
    std::optional<question> asked;
    auto writes = false;
    {
      std::unique_lock guard{mutex_};
      auto has_work = [this] {
        return stopping_ || !questions_.empty() || (!waiting_.empty() && clock::now() >= retry_at_);
      };
      changed_.wait_until(guard, retry_at_ > clock::now() ? std::min(trim_at_, retry_at_) : trim_at_, has_work);
      if (stopping_)
        break;
      writes = !waiting_.empty() && clock::now() >= retry_at_;
      if (!questions_.empty()) {
        asked = std::move(questions_.front());
        questions_.pop_front();
      }
    }
    if (asked)
      reply_to(std::move(*asked));
    else if (writes)
      tell(write());
    if (clock::now() >= trim_at_ || untrimmed_ > config_.entries_max / trims_per_log)
      trim();
  }
  finish();
}

store::expected<void> audit_log::write() {
  std::vector<audit_entry> batch;
  {
    std::lock_guard guard{mutex_};
    auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(waiting_.size(), batch_max));
    batch.assign(waiting_.begin(), end);
  }
  if (batch.empty())
    return {};
  auto stored = store_.add(batch);
  if (!stored && stored.error().transient())
    return stored;
  std::lock_guard guard{mutex_};
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
  (stored ? totals_.written : totals_.lost) += batch.size();
  untrimmed_ += batch.size();
  return stored;
}

store::expected<void> audit_log::write_all() {
  for (;;) {
    auto written = write();
    if (!written || totals().waiting == 0)
      return written;
  }
}

void audit_log::reply_to(question x) {
  auto written = write_all();
  tell(written);
  auto page = written ? store_.list(x.what.filter, x.what.before, x.what.rows) : tl::unexpected(written.error());
  if (page)
    x.done(std::move(*page));
  else
    x.done(tl::unexpected{refusal{refusal::reason::failed, "the audit log cannot be read now: " + page.error().text}});
}

void audit_log::tell(const store::expected<void>& written) {
  retry_at_ = written ? clock::time_point{} : clock::now() + config_.retry;
  if (!written && !std::exchange(away_, true))
    config_.warn("the audit log cannot be written now, its entries wait: " + written.error().text);
  if (!written)
    return;
  if (std::exchange(away_, false))
    config_.warn("the audit log is written again");
  tell_lost({});
}

void audit_log::tell_lost(const std::string& why) {
  auto lost = totals().lost;
  if (lost > told_lost_)
    config_.warn(std::to_string(lost - told_lost_) + " entries of the audit log are lost" + why);
  told_lost_ = lost;
}

void audit_log::trim() {
  auto oldest = config_.now_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(config_.keep).count();
  // If the store is away, the log is only longer for a while.
  (void)store_.trim({oldest, config_.entries_max, std::max<uint64_t>(1, config_.entries_max / share_of_nobodies)});
  trim_at_ = clock::now() + config_.trim;
  untrimmed_ = 0;
}

void audit_log::finish() {
  store::expected<void> written;
  for (int i = 0; i < last_tries && !(written = write_all()); ++i)
    continue;
  std::deque<question> left;
  {
    std::lock_guard guard{mutex_};
    totals_.lost += waiting_.size();
    waiting_.clear();
    left.swap(questions_);
  }
  for (auto& x : left)
    x.done(tl::unexpected{refusal{refusal::reason::busy, "the coordinator stops"}});
  tell_lost(written ? std::string{} : ": " + written.error().text);
}

} // namespace troupe::trust

#include "http/job_events.hpp"

#include "http/jobs.hpp"
#include "http/json.hpp"
#include "http/query.hpp"
#include "messages/job_states.hpp"

#include <boost/json/serialize.hpp>
#include <caf/send.hpp>

#include <algorithm>

namespace troupe::http {

namespace {

namespace json = boost::json;

std::string framed(std::string_view name, int64_t number, const json::object& data) {
  std::string result;
  if (number > 0)
    result += "id: " + std::to_string(number) + "\n";
  result.append("event: ").append(name).append("\ndata: ");
  return result.append(json::serialize(data)).append("\n\n");
}

} // namespace

bool is_chunk(const job_event& x) {
  return x.row.chunk != store::history_entry::whole_job;
}

bool is_end(const job_event& x) {
  auto to = parse_job_enum<job_state>(x.row.to);
  return !x.status && !is_chunk(x) && to && is_ended(*to);
}

bool event_filter::passes(const job_event& x) const {
  if (id)
    return x.id == *id;
  if (is_chunk(x) || (queue && x.queue != *queue))
    return false;
  auto wanted = [this](job_state s) { return std::find(states.begin(), states.end(), s) != states.end(); };
  if (states.empty())
    return true;
  if (x.status)
    return wanted(job_state::running) || wanted(job_state::assigned);
  auto from = parse_job_enum<job_state>(x.row.from);
  auto to = parse_job_enum<job_state>(x.row.to);
  return (from && wanted(*from)) || (to && wanted(*to));
}

tl::expected<event_filter, std::string> read_event_filter(std::string_view query) {
  event_filter result;
  auto take = [&result](const std::string& key, const std::string& value) -> tl::expected<void, std::string> {
    auto taken = read_job_filter(key, value, result.states, result.queue);
    if (!taken)
      return tl::unexpected(taken.error());
    if (!*taken)
      return tl::unexpected("'" + key.substr(0, 128) + "' is not known: allowed are state and queue");
    return {};
  };
  if (auto done = read_query(query, take); !done)
    return tl::unexpected(done.error());
  return result;
}

std::optional<int64_t> read_last_event_id(std::string_view value) {
  auto result = to_number<int64_t>(value);
  return result && *result >= 0 ? result : std::nullopt;
}

std::string event_text(const job_event& x) {
  json::object data;
  data["id"] = to_string(x.id);
  if (x.status) {
    data["progress"] = x.status->done;
    data["status"] = to_object(*x.status);
    return framed("progress", 0, data);
  }
  data["number"] = x.row.number;
  data["at_ms"] = x.row.at_ms;
  if (is_chunk(x))
    data["chunk"] = x.row.chunk;
  else
    data["queue"] = to_string(x.queue);
  data["from"] = x.row.from;
  data["to"] = x.row.to;
  data["why"] = http::to_json(x.row.why);
  data["node"] = http::to_json(x.row.node);
  data["attempt"] = x.row.attempt;
  return framed(is_chunk(x) ? "chunk" : is_end(x) ? "end" : "state", x.row.number, data);
}

std::string snapshot_text(const job_details& x, int64_t number) {
  return framed("job", number, brief(x));
}

// -- for one client -----------------------------------------------------------

event_feed::event_feed(event_filter filter, std::shared_ptr<event_statistics> counters)
  : filter_(std::move(filter)), counters_(std::move(counters)) {
  ++counters_->clients;
}

event_feed::~event_feed() {
  --counters_->clients;
}

void event_feed::offer(const job_event& x, std::shared_ptr<const std::string>& text) {
  if (!filter_.passes(x))
    return;
  if (!text)
    text = std::make_shared<const std::string>(event_text(x));
  std::function<void()> wake;
  {
    std::lock_guard guard{mutex_};
    if (overflown_)
      return;
    if (auto i = progress_.find(x.id); x.status && i != progress_.end()) {
      bytes_ += text->size() - i->second->text->size();
      i->second->text = text;
      ++counters_->skipped;
      return;
    }
    pieces_.push_back({text, x.row.number, is_end(x)});
    bytes_ += text->size();
    if (x.status)
      progress_[x.id] = std::prev(pieces_.end());
    if (pieces_.size() > events_max || bytes_ > bytes_max) {
      overflown_ = true;
      ++counters_->dropped;
    }
    wake.swap(wake_);
  }
  if (wake)
    wake();
}

std::optional<std::vector<event_feed::piece>> event_feed::take() {
  std::lock_guard guard{mutex_};
  if (overflown_)
    return {};
  std::vector<piece> result(pieces_.begin(), pieces_.end());
  pieces_.clear();
  progress_.clear();
  bytes_ = 0;
  return result;
}

void event_feed::notify(std::function<void()> wake) {
  {
    std::lock_guard guard{mutex_};
    if (pieces_.empty() && !overflown_) {
      wake_ = std::move(wake);
      return;
    }
  }
  wake();
}

// -- for all clients ----------------------------------------------------------

/// State shared by the watcher's thread and the clients' threads.
struct event_hub::shared {
  std::mutex mutex;
  bool listens = false;
  std::vector<std::weak_ptr<event_feed>> feeds;
  std::vector<std::function<void()>> waiting; ///< calls to make when the watcher is subscribed

  std::vector<std::shared_ptr<event_feed>> alive() {
    std::vector<std::shared_ptr<event_feed>> result;
    std::erase_if(feeds, [&](auto& x) {
      auto feed = x.lock();
      if (!feed)
        return true;
      result.push_back(std::move(feed));
      return false;
    });
    return result;
  }

  void hear(const job_news& news) {
    std::vector<std::shared_ptr<event_feed>> now;
    {
      std::lock_guard guard{mutex};
      now = alive();
    }
    for (auto& x : news.events) {
      std::shared_ptr<const std::string> text;
      for (auto& feed : now)
        feed->offer(x, text);
    }
  }

  void listening() {
    std::vector<std::function<void()>> now;
    {
      std::lock_guard guard{mutex};
      listens = true;
      now.swap(waiting);
    }
    for (auto& call : now)
      call();
  }
};

event_hub::event_hub(caf::actor_system& system, gateway_actor gateway, uint32_t clients_max,
                     std::shared_ptr<event_statistics> counters)
  : system_(system),
    gateway_(std::move(gateway)),
    clients_max_(clients_max),
    counters_(std::move(counters)),
    shared_(std::make_shared<shared>()) {}

event_hub::~event_hub() {
  if (watcher_)
    caf::anon_send_exit(watcher_, caf::exit_reason::user_shutdown);
}

std::shared_ptr<event_feed> event_hub::join(event_filter filter, std::function<void()> listening) {
  if (counters_->clients >= clients_max_)
    return nullptr;
  auto result = std::make_shared<event_feed>(std::move(filter), counters_);
  {
    std::lock_guard guard{mutex_};
    if (!watcher_) {
      auto mine = shared_;
      watcher_ = spawn_job_watcher(
        system_, gateway_, {[mine](const job_news& x) { mine->hear(x); }, [mine] { mine->listening(); }, false});
    }
  }
  {
    std::lock_guard guard{shared_->mutex};
    shared_->feeds.push_back(result);
    if (!shared_->listens) {
      shared_->waiting.push_back(std::move(listening));
      return result;
    }
  }
  listening();
  return result;
}

} // namespace troupe::http

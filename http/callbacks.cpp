#include "http/callbacks.hpp"

#include "actors/jobs/job_watcher.hpp"
#include "base/mask_url.hpp"
#include "base/sha256.hpp"
#include "core/jobs/callback_order.hpp"
#include "http/jobs.hpp"
#include "http/poster.hpp"
#include "messages/job_states.hpp"
#include "messages/unix_time.hpp"
#include "telemetry/log.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>

namespace troupe::http {

namespace {

namespace json = boost::json;

constexpr auto ask_timeout = std::chrono::seconds{10};
constexpr auto tick_interval = std::chrono::milliseconds{500};

/// The most callbacks in one list; many more than are sent at once.
constexpr size_t list_rows = 100;

/// Retry interval if the store does not answer, or the job cannot be loaded.
constexpr auto again_after = std::chrono::seconds{2};

std::string delivery_id(const store::callback& x) {
  return to_string(x.id) + "." + std::to_string(x.delivery);
}

struct callbacks_state {
  static inline const char* name = "callbacks";

  callbacks_state(caf::event_based_actor* self, gateway_actor gateway, callback_config config)
    : self(self), gateway(std::move(gateway)), config(std::move(config)) {}

  caf::behavior make_behavior() {
    return {
      // A job has ended, or jobs may have ended while this actor was not subscribed.
      [this](tick_atom) { list(); },
      // INTERNAL: a tick of the clock.
      [this](finish_atom) {
        ticking = false;
        pump();
      },
      // INTERNAL: answers have come.
      [this](end_atom) { take_answers(); },
    };
  }

  void list() {
    if (std::exchange(listing, true)) {
      stale = true;
      return;
    }
    auto over = [this] {
      listing = false;
      if (std::exchange(stale, false))
        list();
    };
    auto told = std::exchange(settled, {});
    self->request(gateway, ask_timeout, callbacks_question{list_rows})
      .then(
        [this, over, told](callback_list& x) {
          waiting = std::move(x.callbacks);
          for (auto delivery : told)
            under_way.erase(delivery);
          over();
          pump();
        },
        [this, over, told](const caf::error&) {
          settled.insert(settled.end(), told.begin(), told.end());
          over();
          self->delayed_send(self, again_after, tick_atom_v);
        });
  }

  void pump() {
    auto now = unix_ms();
    for (auto& x : waiting) {
      if (under_way.size() >= config.at_once_max)
        return;
      if (x.not_before_ms <= now && under_way.insert(x.delivery).second)
        begin(x);
    }
    auto idle = std::all_of(waiting.begin(), waiting.end(), [this](auto& x) { return under_way.contains(x.delivery); });
    if (!idle && !std::exchange(ticking, true))
      self->delayed_send(self, tick_interval, finish_atom_v);
  }

  void begin(const store::callback& x) {
    self->request(gateway, ask_timeout, job_atom_v, x.id)
      .then(
        [this, x](const job_details& job) {
          if (!is_ended(job.job.state))
            return settle(x, {true, 0, "the job was queued again before the callback was delivered"});
          post(x, job);
        },
        [this, x](const caf::error&) { later(x.delivery); });
  }

  void post(const store::callback& x, const job_details& job) {
    if (auto why = config.urls ? config.urls->refusal(core::url_use::callback, x.url) : std::string{}; !why.empty()) {
      log::warning("a callback is not sent",
                   {{"job", to_string(x.id)}, {"url", base::mask_url(x.url)}, {"reason", why}});
      return settle(x, {true, 0, why});
    }
    auto document = brief(job);
    document["delivery"] = delivery_id(x);
    post_request what;
    what.url = x.url;
    what.body = json::serialize(document);
    what.connect_timeout = config.connect_timeout;
    what.timeout = config.timeout;
    // The sender's thread ends before this state does.
    if (config.urls)
      what.refusal = [&urls = *config.urls](const core::ip_address& to) { return urls.refusal_of(to); };
    what.fields = {"Content-Type: application/json", "Troupe-Delivery: " + delivery_id(x), "Expect:"};
    if (!config.secret.empty())
      what.fields.push_back("Troupe-Signature: " + signature_of(config.secret.reveal(), what.body));
    auto me = caf::actor_cast<caf::actor_addr>(self);
    // The function runs on the sender's thread, which ends before this state does.
    sender.post(std::move(what), [this, me, x](post_answer answer) {
      {
        std::lock_guard guard{mutex};
        answers.emplace_back(x, std::move(answer));
      }
      if (auto to = caf::actor_cast<caf::actor>(me))
        caf::anon_send(to, end_atom_v);
    });
  }

  void take_answers() {
    std::vector<std::pair<store::callback, post_answer>> now;
    {
      std::lock_guard guard{mutex};
      now.swap(answers);
    }
    for (auto& [x, answer] : now) {
      auto verdict = core::judge({x.ended_ms, unix_ms(), x.tries + 1, answer.status, answer.error});
      if (!verdict.done || answer.status < 200 || answer.status > 299)
        log::warning("a callback was not accepted",
                     {{"job", to_string(x.id)}, {"url", base::mask_url(x.url)}, {"reason", verdict.note}});
      settle(x, verdict);
    }
  }

  void settle(const store::callback& x, const core::callback_verdict& verdict) {
    callback_outcome outcome{x.id, x.delivery, x.tries + 1, verdict.not_before_ms, verdict.done, verdict.note};
    self->request(gateway, ask_timeout, outcome)
      .then([this, delivery = x.delivery] { release(delivery); },
            // The result was not stored: the callback is sent again, or the job is gone.
            [this, delivery = x.delivery](const caf::error&) { later(delivery); });
  }

  void later(int64_t delivery) {
    self->run_delayed(again_after, [this, delivery] { release(delivery); });
  }

  /// Asks for a new list. If the delivery is still in it, it is sent again.
  void release(int64_t delivery) {
    settled.push_back(delivery);
    list();
  }

  caf::event_based_actor* self;
  gateway_actor gateway;
  callback_config config;
  std::vector<store::callback> waiting; ///< the earliest due first
  std::set<int64_t> under_way;
  std::vector<int64_t> settled; ///< deliveries that stay in `under_way` until the next list has come
  bool listing = false;
  bool stale = false; ///< another list was wanted while this one was being read
  bool ticking = false;
  std::mutex mutex; ///< guards `answers`
  std::vector<std::pair<store::callback, post_answer>> answers;
  poster sender; ///< destroyed first: its thread calls back into this object
};

} // namespace

std::string signature_of(const std::string& secret, const std::string& body) {
  return "sha256=" + base::hmac_sha256(secret, body);
}

callback_sender::callback_sender(caf::actor_system& system, gateway_actor gateway, callback_config config)
  : actor_(system.spawn<caf::stateful_actor<callbacks_state>>(gateway, std::move(config))) {
  auto look = [to = actor_] { caf::anon_send(to, tick_atom_v); };
  watcher_ = spawn_job_watcher(system, gateway, {[look](const job_news&) { look(); }, look, true});
}

callback_sender::~callback_sender() {
  caf::anon_send_exit(watcher_, caf::exit_reason::user_shutdown);
  caf::anon_send_exit(actor_, caf::exit_reason::user_shutdown);
}

} // namespace troupe::http

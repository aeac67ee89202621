#include "bench/relay_actors.hpp"

#include "actors/common/actor_of.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace troupe::bench {

namespace {

/// Blocks from one random-access point to the next.
constexpr uint64_t blocks_per_gop = 16;

// -- the ingest -----------------------------------------------------------------

struct flood_state {
  using interface = ingest_actor::extend<caf::result<void>(tick_atom)>;

  static inline const char* name = "relay_ingest";

  flood_state(interface::pointer self, const ingest_work& work, sample_sink_actor sink)
    : self(self), work(work), sink(std::move(sink)), credit(work.credit_bytes) {
    for (size_t i = 0; i < relay_block_samples; ++i)
      samples.push_back({0, 0, 0, 0, 0, static_cast<uint32_t>(relay_sample_bytes)});
    shared_bytes::container content(relay_sample_bytes * relay_block_samples);
    for (size_t i = 0; i < content.size(); ++i)
      content[i] = static_cast<std::byte>(i * 2654435761U >> 24);
    bytes = shared_bytes{std::move(content)};
  }

  interface::behavior_type make_behavior() {
    stream_format format;
    format.tracks.resize(1);
    format.tracks[0].codec = "h264";
    self->send(sink, format_change{work.attempt, format});
    self->send(self, tick_atom_v);
    return {
      [this](const batch_ack& x) {
        (void)credit.acknowledge(x.sequence);
        flood();
      },
      [this](stop_atom) { self->quit(); },
      [this](tick_atom) { flood(); },
    };
  }

  void flood() {
    while (credit.open()) {
      sample_block block{samples, bytes};
      for (auto& s : block.samples)
        s.pts = s.dts = ++ticks;
      if (credit.sent() % blocks_per_gop == 0)
        block.samples.front().flags = sample::random_access | sample::key;
      block.samples.back().flags |= sample::closed; // echoed unchanged: the session waits for closed groups
      auto sequence = credit.send(block.bytes.size());
      self->send(sink, sample_batch{work.attempt, sequence, std::move(block)});
    }
  }

  interface::pointer self;
  ingest_work work;
  sample_sink_actor sink;
  core::credit_window credit;
  std::vector<sample> samples;
  shared_bytes bytes;
  int64_t ticks = 0;
};

// -- the task that sends back -----------------------------------------------------

struct echo_state {
  using interface = transcoder_actor;

  static inline const char* name = "relay_echo";

  echo_state(interface::pointer self, const transcode_work& work, sample_sink_actor sink)
    : self(self), work(work), sink(std::move(sink)) {}

  interface::behavior_type make_behavior() {
    self->send(sink, format_change{work.attempt, work.source});
    return {
      [this](const sample_batch& x) {
        caf::anon_send(caf::actor_cast<caf::actor>(self->current_sender()), batch_ack{x.attempt, x.sequence});
        self->send(sink, sample_batch{work.attempt, ++sent, x.block});
      },
      [](const format_change&) {},
      [](const batch_ack&) {},
      [](finish_atom, attempt_id) {},
      [](finish_atom, attempt_id, int64_t) {},
      [this](stop_atom, attempt_id) { self->quit(); },
    };
  }

  interface::pointer self;
  transcode_work work;
  sample_sink_actor sink;
  uint64_t sent = 0;
};

struct relay_task_state {
  using interface = task_actor;

  static inline const char* name = "relay_task";

  relay_task_state(interface::pointer self, coordinator_actor coordinator)
    : self(self), coordinator(std::move(coordinator)) {}

  interface::behavior_type make_behavior() {
    self->monitor(coordinator);
    self->set_down_handler([this](const caf::down_msg&) { self->quit(); });
    return {
      [this](const ingest_work& work, const sample_sink_actor& sink) {
        return ingest_actor{self->spawn<actor_of<flood_state>>(work, sink)};
      },
      [this](const transcode_work& work, const sample_sink_actor& sink) {
        return self->spawn<actor_of<echo_state>>(work, sink);
      },
      [](const file_work&, const file_client_actor&) -> caf::result<file_worker_actor> {
        return caf::make_error(ec::refused, "the relay's tasks move samples and nothing else");
      },
    };
  }

  interface::pointer self;
  coordinator_actor coordinator;
};

// -- the session --------------------------------------------------------------------

struct relay_session_state : core::session_effects {
  using interface = sample_sink_actor::extend<caf::result<void>(batch_ack)>;

  static inline const char* name = "relay_session";

  relay_session_state(interface::pointer self, task_actor source, task_actor target, uint64_t on_the_way,
                      std::shared_ptr<relay_counters> counters)
    : self(self),
      source(std::move(source)),
      target(std::move(target)),
      on_the_way(on_the_way),
      counters(std::move(counters)),
      session(config(), session_id{1}, channel{"relay", {}, {"relay"}, false}, *this, now(), 0) {}

  static core::session_config config() {
    core::session_config result;
    result.credit_bytes = relay_credit_bytes;
    return result;
  }

  static core::time_point now() {
    return std::chrono::steady_clock::now();
  }

  interface::behavior_type make_behavior() {
    self->monitor(source);
    self->set_down_handler([this](const caf::down_msg&) { self->quit(); });
    profile wanted;
    wanted.name = "relay";
    wanted.video.codec = "libx264";
    session.watch(wanted, 1, now());
    grant();
    return {
      [this](const sample_batch& x) {
        counters->in += x.block.bytes.size();
        session.on(x, now());
      },
      [this](const format_change& x) {
        session.on(x, now());
        grant();
      },
      [](const stream_end&) {},
      [](attempt_id, const work_statistics&) {},
      [this](const batch_ack& x) { session.on(x, now()); },
    };
  }

  /// The registry's part: each request gets its task at once.
  void grant() {
    for (auto& label : std::exchange(requests, {}))
      session.leased(label.attempt, lease{lease_id{1}, task_id{1}, worker_id{1}, "relay", {}}, now());
  }

  attempt_id next_attempt() override {
    return attempt_id{++attempts};
  }

  void request_lease(const lease_request& x) override {
    requests.push_back(x.label);
  }

  void start(const ingest_work& x) override {
    self->request(source, std::chrono::seconds{5}, x, sample_sink_actor{self})
      .then([this, x](const ingest_actor& handle) {
        ingest = handle;
        ingest_attempt = x.attempt;
        session.started(x.attempt, now());
      });
  }

  void start(const transcode_work& x) override {
    self->request(target, std::chrono::seconds{5}, x, sample_sink_actor{self})
      .then([this, x](const transcoder_actor& handle) {
        transcoder = handle;
        session.started(x.attempt, now());
      });
  }

  void send(const sample_batch& x) override {
    counters->out += x.block.bytes.size();
    self->send(transcoder, x);
  }

  void acknowledge(const batch_ack& x) override {
    if (x.attempt == ingest_attempt) {
      taken = x.sequence;
      pull();
    } else if (transcoder) {
      self->send(transcoder, x);
    }
  }

  /// The ingest of a live source is never held back. This ingest has no clock, so completed round trips pace it.
  void pull() {
    auto allowed = std::min(taken, round + on_the_way);
    if (!ingest || allowed <= acknowledged)
      return;
    acknowledged = allowed;
    self->send(ingest, batch_ack{ingest_attempt, acknowledged});
  }

  void deliver(const std::string&, const sample_block&) override {
    if (++round == 1)
      ++counters->running;
    pull();
  }

  void finish(attempt_id) override {}
  void finish(attempt_id, int64_t) override {}
  void failed_over(const std::string&, core::failover_reason, std::chrono::milliseconds, uint64_t) override {}
  void quarantine(const std::string&, const std::string&) override {}
  void stop(attempt_id, const lease_end&) override {}
  void open_output(const std::string&, const stream_format&, const core::output_form&) override {}
  void close_output(const std::string&, const std::string&) override {}
  uint32_t clients(const std::string&) override {
    return 1;
  }
  void answer(core::ticket, const std::string&) override {}
  void refuse(core::ticket, ec, const std::string&) override {}

  interface::pointer self;
  task_actor source;
  task_actor target;
  uint64_t on_the_way;
  std::shared_ptr<relay_counters> counters;
  core::session session;
  std::vector<work_label> requests;
  ingest_actor ingest;
  attempt_id ingest_attempt;
  transcoder_actor transcoder;
  uint64_t attempts = 0;
  uint64_t taken = 0;
  uint64_t round = 0;
  uint64_t acknowledged = 0;
};

struct relay_coordinator_state {
  using interface = coordinator_actor;

  static inline const char* name = "relay_coordinator";

  relay_coordinator_state(interface::pointer self, size_t streams, std::shared_ptr<relay_counters> counters)
    : self(self), streams(streams), counters(std::move(counters)) {}

  interface::behavior_type make_behavior() {
    return {
      [](const registration&, const task_host_actor&) -> caf::result<caf::timespan, daemon_registry_actor> {
        return caf::make_error(ec::refused, "a relay has no workers");
      },
      [this](const task_join& x, const task_actor& task) {
        (x.host.value == 1 ? sources : targets).push_back(task);
        // Starts only when all have joined: a running stream leaves little of two cores to processes that still start.
        if (sources.size() < streams || targets.size() < streams)
          return;
        auto on_the_way = relay_blocks_on_the_way(streams);
        while (!sources.empty()) {
          self->spawn<actor_of<relay_session_state>>(sources.back(), targets.back(), on_the_way, counters);
          sources.pop_back();
          targets.pop_back();
        }
      },
      [](const task_join&, const file_work&, const orphan_actor&) -> caf::result<void> {
        return caf::make_error(ec::refused, "a relay has no file work");
      },
    };
  }

  interface::pointer self;
  size_t streams;
  std::shared_ptr<relay_counters> counters;
  std::vector<task_actor> sources;
  std::vector<task_actor> targets;
};

} // namespace

task_actor spawn_relay_task(caf::actor_system& system, coordinator_actor coordinator) {
  return system.spawn<actor_of<relay_task_state>>(std::move(coordinator));
}

coordinator_actor spawn_relay_coordinator(caf::actor_system& system, size_t streams,
                                          std::shared_ptr<relay_counters> counters) {
  return system.spawn<actor_of<relay_coordinator_state>>(streams, std::move(counters));
}

} // namespace troupe::bench

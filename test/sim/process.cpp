#include "test/sim/process.hpp"

namespace troupe::sim {

namespace {

constexpr duration small_cost = 30us;

/// How long the sink may take to take the news that the stream is over; see actors/live/transcoder.cpp.
constexpr duration end_timeout = 5s;

/// See config/defaults.hpp.
constexpr duration orphan_timeout = 10s;

} // namespace

process::process(world& w, task_id id, task_sink& sink, std::shared_ptr<machine_mood> mood)
  : id(id), link(std::make_shared<connection>(w)), world_(w), sink_(sink), mood_(std::move(mood)) {}

// -- life ---------------------------------------------------------------------

void process::kill() {
  if (!alive_)
    return;
  alive_ = false;
  mail_.clear();
  link->close(side::remote);
  if (auto tell = std::exchange(on_exit, nullptr))
    tell();
}

void process::quit() {
  kill();
}

void process::hang(bool on) {
  if (hanging_ == on || !alive_)
    return;
  hanging_ = on;
  if (on)
    return;
  if (!link->usable(side::remote)) {
    quit(); // only now it learns that the coordinator is gone
    return;
  }
  work_on_mail();
  if (ending_)
    world_.after(end_timeout, [me = shared_from_this()] { me->quit(); });
}

void process::orphaned() {
  // Work without a receiver ends as soon as a running codec call returns. After `orphan_timeout` an alarm ends the
  // process anyway (nodes/node_task.cpp).
  auto takes =
    works_ && world_.chance.chance(0.3) ? world_.chance.between(duration{1ms}, orphan_timeout) : duration{1ms};
  world_.after(takes, [me = shared_from_this()] {
    if (!me->hanging_)
      me->quit();
  });
}

void process::post(duration cost, std::function<void()> handle) {
  if (!alive_)
    return;
  mail_.push_back({cost, std::move(handle)});
  work_on_mail();
}

void process::work_on_mail() {
  if (busy_ || hanging_ || mail_.empty())
    return;
  busy_ = true;
  auto cost = std::chrono::duration_cast<duration>(mail_.front().cost * slowness_ * mood_->slowness);
  world_.after(cost, [me = shared_from_this()] {
    me->busy_ = false;
    if (!me->alive_ || me->hanging_ || me->mail_.empty())
      return;
    auto next = std::move(me->mail_.front());
    me->mail_.pop_front();
    next.handle();
    if (me->alive_)
      me->work_on_mail();
  });
}

void process::send(std::function<void()> deliver, bool alone) {
  link->send(side::coordinator, std::move(deliver), alone);
}

void process::end(std::string why, bool terminal) {
  if (ending_)
    return;
  ending_ = true;
  if (credit_)
    credit_->lift();
  if (model_)
    drain();
  else
    send_pending();
  auto me = shared_from_this();
  send([this, me, x = stream_end{attempt_, std::move(why), terminal}] {
    sink_.on(session_, x);
    link->send(side::remote, [this, me] { post(small_cost, [this] { quit(); }); });
  });
  world_.after(end_timeout, [this, me] {
    if (!hanging_)
      quit();
  });
}

// -- ingest -------------------------------------------------------------------

void process::start(const ingest_work& x, const source_world& source, std::function<void(start_answer)> answer) {
  source_ = &source;
  post(1ms, [=, this] {
    works_ = true;
    attempt_ = x.attempt;
    session_ = x.session;
    credit_.emplace(x.credit_bytes);
    auto me = shared_from_this();
    world_.after(world_.chance.between(duration{100us}, duration{20ms}),
                 [this, me, answer] { send([answer] { answer({}); }, false); });
    auto fails = source_->away || world_.chance.chance(mood_->source_fails);
    auto opens_after = world_.chance.between(duration{5ms}, duration{400ms});
    world_.after(opens_after, [this, me, fails, x] {
      if (!alive_ || ending_)
        return;
      if (fails) {
        end("the source " + x.url + " cannot be opened", false);
        return;
      }
      auto goes_on = x.resume_from != no_timestamp;
      auto from = goes_on ? x.resume_from + world_.chance.between(0, 5000) : source_->first_dts;
      pull_.emplace(source_->shape, from, goes_on, world_.now());
      form_ = source_->form;
      pull_->mute(form_ == source_form::silent);
      announce(format_of(form_));
      if (mood_->source_life > 0s)
        world_.after(mood_->source_life, [this, me] { source_ends("the source closed the connection"); });
      read();
    });
  });
}

void process::read() {
  if (!alive_ || ending_)
    return;
  if (!hanging_) {
    // A reader that waits for credit reads no more meanwhile.
    if (pending_.empty())
      for (auto& b : pull_->read(world_.now())) {
        auto& x = pending_.emplace_back();
        x.block = std::move(b);
        if (source_->form == form_ || !x.block.starts_with_random_access())
          continue;
        form_ = source_->form;
        pull_->mute(form_ == source_form::silent);
        x.before = format_of(form_);
      }
    send_pending();
  }
  world_.after(world_.chance.between(duration{80ms}, duration{320ms}), [me = shared_from_this()] { me->read(); });
}

void process::announce(const stream_format& x) {
  send([this, me = shared_from_this(), change = format_change{attempt_, x}] { sink_.on(session_, change); }, false);
}

void process::send_pending() {
  for (; !pending_.empty() && credit_->open(); pending_.pop_front()) {
    auto& first = pending_.front();
    if (first.before)
      announce(*first.before);
    sample_batch x{attempt_, credit_->send(first.block.bytes.size()), first.block};
    send([this, me = shared_from_this(), x = std::move(x)] { sink_.on(session_, x); });
  }
}

void process::source_ends(std::string why) {
  if (alive_ && pull_ && !hanging_)
    end(std::move(why), false);
}

// -- transcoder ---------------------------------------------------------------

void process::start(const transcode_work& x, std::function<void(start_answer)> answer) {
  post(1ms, [=, this] {
    works_ = true;
    auto me = shared_from_this();
    auto fails = world_.chance.chance(mood_->start_fails);
    attempt_ = x.attempt;
    session_ = x.session;
    credit_.emplace(x.credit_bytes);
    model_.emplace(x, mood_->habits);
    // The answer comes from the task's root, the samples from the transcoder: either may be first.
    world_.after(world_.chance.between(duration{50us}, duration{30ms}), [this, me, answer, fails] {
      send([answer, fails] { answer(fails ? start_answer{"the device is busy"} : start_answer{}); }, false);
      if (fails)
        quit();
    });
  });
}

void process::on(const sample_batch& x) {
  // Decoding and encoding take their time.
  auto pictures = std::count_if(x.block.samples.begin(), x.block.samples.end(), [](auto& s) { return s.track == 0; });
  post(small_cost + pictures * mood_->picture_cost, [this, x] { take(x); });
}

void process::take(const sample_batch& x) {
  if (!model_ || x.attempt != attempt_ || x.sequence <= received_ || ending_)
    return;
  if (x.sequence > received_ + 1) {
    end("source samples were lost on the way", false);
    return;
  }
  received_ = x.sequence;
  for (auto& s : x.block.samples)
    newest_fed_ = std::max({newest_fed_, s.pts, s.dts});
  model_->feed(x.block);
  drain();
  if (model_->complete())
    end({}, false);
}

void process::drain() {
  if (!model_)
    return;
  auto me = shared_from_this();
  for (auto& b : model_->take()) {
    auto first = !std::exchange(announced_, true);
    pending_.push_back({std::move(b), first ? std::optional{model_->output()} : std::nullopt});
  }
  send_pending();
  if (!pending_.empty() || acknowledged_ == received_)
    return;
  acknowledged_ = received_;
  send([this, me, x = batch_ack{attempt_, acknowledged_}] { sink_.on(session_, x); });
}

void process::on_finish() {
  post(small_cost, [this] {
    if (!model_ || ending_)
      return;
    model_->finish();
    end({}, false);
  });
}

void process::on_finish(int64_t to_pts) {
  post(small_cost, [this, to_pts] {
    if (!model_ || ending_)
      return;
    if (newest_fed_ != no_timestamp && to_pts <= newest_fed_)
      fail("a window was to end at ", to_pts, ", but samples up to ", newest_fed_, " had been fed before");
    model_->finish_at(to_pts);
  });
}

// -- both ---------------------------------------------------------------------

void process::on(const batch_ack& x) {
  post(small_cost, [this, x] {
    if (!credit_ || x.attempt != attempt_)
      return;
    if (!credit_->acknowledge(x.sequence))
      fail("attempt ", to_string(attempt_), ": batch ", x.sequence, " was acknowledged but only ", credit_->sent(),
           " were sent");
    if (model_)
      drain();
    else
      send_pending();
  });
}

void process::on_stop() {
  post(small_cost, [this] { quit(); });
}

} // namespace troupe::sim

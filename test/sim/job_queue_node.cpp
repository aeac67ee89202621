// The queue of a simulated coordinator: does the same as actors/jobs/job_queue.cpp and job_queue_work.cpp.
#include "test/sim/job_node.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

constexpr duration queue_interval = 200ms;

core::job_book_config config(const job_world& w) {
  core::job_book_config x;
  x.running_max = w.running_max + (w.bug() == plant::one_too_many ? 1 : 0);
  x.restarts_max = 5;
  return x;
}

} // namespace

job_queue_node::job_queue_node(job_world& w)
  : world_(w),
    writer_(std::make_shared<job_writer_node>(w.clock(), w.store(), w.bug())),
    journal_(*this, w.batch_max),
    book_(config(w), *this),
    reader_free_(w.clock().now()) {}

void job_queue_node::start() {
  for (auto& [id, job] : world_.store().all())
    if (job.row.ended_ms == 0)
      book_.recover(told(job.read()));
  book_.start_due();
  tick();
}

void job_queue_node::tick() {
  send(world_.clock(), queue_interval, shared_from_this(), [](job_queue_node& x) { x.tick(); });
  journal_.retry();
  book_.tick();
}

/// The part of a row that the book gets.
core::job_row job_queue_node::told(core::job_row x) const {
  if (world_.bug() == plant::unknown_as_queued && x.state == strange_state)
    x.state = job_state::queued;
  return x;
}

// -- users' commands --------------------------------------------------------------------

void job_queue_node::submit(job_id id) {
  store_op op{.what = store_op::kind::submit, .id = id, .by_person = true, .at_ms = world_.clock().unix_ms()};
  write_for_client(op, [this, op](job_store::result done) {
    if (!done)
      return;
    world_.confirmed.insert(op.id);
    book_.submitted({.id = op.id, .submitted_ms = op.at_ms});
  });
}

void job_queue_node::ask(const core::job_way& x) {
  auto op = to_op(x);
  op.by_person = true;
  write_for_client(op, [this, x](job_store::result done) {
    if (!done)
      return;
    if (world_.bug() != plant::lost_resume || x.step != core::job_step::queue_again)
      book_.written(x, done);
  });
}

void job_queue_node::remove(job_id id) {
  store_op op{.what = store_op::kind::remove, .id = id, .by_person = true};
  write_for_client(op, [this, id](job_store::result done) {
    if (done)
      book_.removed(id);
  });
}

store_op job_queue_node::to_op(const core::job_way& x) const {
  store_op op{.what = store_op::kind::move,
              .id = x.of.id,
              .to = x.to,
              .from = x.from,
              .attempt = x.attempt,
              .failures = x.failures};
  auto by_person = x.step == core::job_step::queue_again;
  if (world_.bug() == plant::no_origin && !by_person)
    op.from.reset();
  return op;
}

// -- messages ---------------------------------------------------------------------------

void job_queue_node::take(const std::shared_ptr<job_node>& from, const std::vector<store_op>& ops) {
  if (!book_.hears(from->id, from->attempt))
    return send(world_.clock(), at_once, from, [](job_node& x) { x.refused(); });
  for (auto& op : ops) {
    auto end = op.what == store_op::kind::move && (op.to == job_state::completed || op.to == job_state::failed);
    auto last = &op == &ops.back();
    if (end)
      book_.said_end(from->id, op.to);
    write(op, [this, id = from->id, weak = std::weak_ptr{from}, end, last](job_store::result done) {
      auto to = weak.lock();
      if (end && !done) {
        book_.end_refused(id);
        if (to)
          send(world_.clock(), at_once, to, [](job_node& x) { x.refused(); });
      } else if (last && to && world_.bug() != plant::early_publication) {
        send(world_.clock(), at_once, to, [](job_node& x) { x.stored(); });
      }
    });
  }
}

void job_queue_node::job_down(job_id id, uint32_t attempt) {
  if (world_.bug() == plant::ignored_death && world_.clock().chance.chance(0.2))
    return;
  book_.ended(id, attempt, world_.clock().unix_ms());
}

void job_queue_node::take_in(const job_task_ptr& t, std::function<void(bool)> answer) {
  auto number = next_orphan_++;
  orphans_[number] = {t->work->job, t, std::move(answer), world_.clock().now()};
  world_.count("orphans offered");
  book_.offer(number, t->work->job);
}

void job_queue_node::vanish() {
  if (auto rest = journal_.rest(world_.clock().unix_ms()))
    writer_->write(std::move(*rest), [](const job_writer_node::answer&) {});
  for (auto& [number, x] : std::exchange(orphans_, {}))
    x.answer(false);
}

void job_queue_node::check_orphans() const {
  for (auto& [number, x] : orphans_)
    if (auto job = find(x.of);
        job && x.task->alive && world_.clock().now() - job->since > 5s && world_.clock().now() - x.since > 5s)
      fail("a task waits for the job ", x.of.low, ", which is at work");
}

std::shared_ptr<job_node> job_queue_node::find(job_id id) const {
  auto i = at_work_.find(id);
  return i == at_work_.end() ? nullptr : i->second.lock();
}

// -- core::job_journal_effects -----------------------------------------------------------

void job_queue_node::write(store_op x, written then) {
  journal_.write(std::move(x), world_.clock().unix_ms(), std::move(then));
}

void job_queue_node::write_for_client(store_op x, written then) {
  journal_.write_for_client(std::move(x), world_.clock().unix_ms(), std::move(then));
}

void job_queue_node::send_batch(job_batch x) {
  writer_->write(std::move(x), [weak = weak_from_this()](const job_writer_node::answer& written) {
    if (auto me = weak.lock())
      me->take(written);
  });
}

void job_queue_node::take(const job_writer_node::answer& x) {
  if (x.failed) {
    world_.clock().trace("a batch has no answer");
    journal_.lost({});
    world_.shake();
  } else {
    journal_.stored(x.results, x.recalled, world_.clock().unix_ms());
  }
  if (world_.bug() != plant::ignored_outage)
    book_.store_works(!outage());
}

void job_queue_node::surprised(const store_op& what) {
  world_.count("surprises");
  if (world_.bug() != plant::unheeded_surprise)
    book_.look_at(what.id);
}

// -- core::job_book_effects: the store ------------------------------------------------------

void job_queue_node::write(const core::job_way& x) {
  write(to_op(x), [this, x](job_store::result done) { book_.written(x, done); });
}

void job_queue_node::chunk_waits(const core::job_row& of, uint32_t number) {
  write({.what = store_op::kind::chunk,
         .id = of.id,
         .life = of.attempt,
         .number = number,
         .chunk_to = chunk_state::waiting});
}

void job_queue_node::read(std::vector<job_id> ids, std::function<void(const std::vector<stored_job>*)> then) {
  auto& chance = world_.clock().chance;
  auto takes = chance.chance(0.05) ? chance.between(duration{20ms}, 500ms) : chance.between(duration{1ms}, 10ms);
  reader_free_ = std::max(reader_free_, world_.clock().now()) + takes;
  auto wait = reader_free_ - world_.clock().now();
  send(world_.clock(), wait, shared_from_this(), [ids, then](job_queue_node& me) {
    auto found = std::make_shared<std::vector<stored_job>>();
    for (auto id : ids)
      if (auto* job = me.world_.store().find(id))
        found->push_back(*job);
    auto out = me.world_.store().out;
    // The rows may be out of date when they arrive.
    auto& dice = me.world_.clock().chance;
    auto late = dice.chance(0.2) ? dice.between(at_once, duration{100ms}) : at_once;
    me.answered_ = std::max(me.answered_, me.world_.clock().now() + late);
    send(me.world_.clock(), me.answered_ - me.world_.clock().now(), me.shared_from_this(),
         [found, out, then](job_queue_node&) { then(out ? nullptr : found.get()); });
  });
}

void job_queue_node::load(const std::vector<job_id>& ids) {
  for (auto id : ids)
    world_.clock().trace("job ", id.low, " is loaded");
  read(ids, [this, ids](const std::vector<stored_job>* found) {
    if (found == nullptr)
      return book_.not_loaded(ids);
    std::vector<core::job_row> rows;
    for (auto& x : *found)
      rows.push_back(told(x.read()));
    at_hand_ = found;
    book_.loaded(ids, rows);
    at_hand_ = nullptr;
  });
}

void job_queue_node::look(job_id id) {
  world_.clock().trace("job ", id.low, " is looked at");
  journal_.after([this, id] {
    read({id}, [this, id](const std::vector<stored_job>* found) {
      if (found == nullptr)
        return book_.not_looked(id);
      if (found->empty())
        return book_.looked(id, nullptr);
      auto row = told(found->front().read());
      book_.looked(id, &row);
    });
  });
}

// -- core::job_book_effects: jobs at work -----------------------------------------------------

std::optional<std::string> job_queue_node::begin(const core::job_row& x, uint32_t attempt, uint64_t turn) {
  world_.check_begin(x.id, outage());
  if (world_.clock().chance.chance(0.01))
    return "a file is in its way";
  auto found = std::find_if(at_hand_->begin(), at_hand_->end(), [&](auto& j) { return j.row.id == x.id; });
  core::file_job_begin begin;
  begin.name = std::to_string(x.id.low);
  begin.attempt = attempt;
  begin.order = world_.order_of(x.id);
  begin.folder = job_world::folder_of(x.id);
  begin.turn = turn;
  std::map<uint32_t, uint32_t> attempts;
  for (auto& c : found->chunks) {
    auto chunk = c.plan;
    chunk.done = c.state == chunk_state::done && world_.bug() != plant::forgotten_chunk;
    chunk.begun = c.state == chunk_state::leased && world_.bug() != plant::forgotten_lease;
    begin.chunks.push_back(chunk);
    attempts[chunk.number] = c.attempt;
  }
  world_.clock().trace("job ", x.id.low, " begins as attempt ", attempt);
  world_.count("jobs begun");
  auto job = std::make_shared<job_node>(world_, shared_from_this(), std::move(begin), std::move(attempts), x.id);
  world_.jobs.push_back(job);
  at_work_[x.id] = job;
  send(world_.clock(), at_once, job, [](job_node& me) { me.begin(); });
  return {};
}

void job_queue_node::halt(job_id id) {
  world_.clock().trace("job ", id.low, " is halted");
  if (auto job = find(id); job && world_.bug() != plant::unheeded_pause)
    send(world_.clock(), at_once, job, [](job_node& x) { x.halt(); });
}

void job_queue_node::end(job_id id) {
  if (auto job = find(id); job && world_.bug() != plant::unheeded_cancel)
    send(world_.clock(), at_once, job, [](job_node& x) { x.end(); });
}

void job_queue_node::wake() {
  if (!std::exchange(woken_, true))
    send(world_.clock(), at_once, shared_from_this(), [](job_queue_node& x) {
      x.woken_ = false;
      x.book_.start_due();
    });
}

void job_queue_node::hand_over(uint64_t number, job_id to) {
  auto job = find(to);
  if (!job || world_.bug() == plant::lost_orphan)
    return;
  auto x = std::move(orphans_.extract(number).mapped());
  send(world_.clock(), at_once, job, [x](job_node& me) { me.offer(x.task, x.answer); });
}

void job_queue_node::turn_away(uint64_t number, const std::string&) {
  orphans_.extract(number).mapped().answer(false);
}

void job_queue_node::drop_folder(job_id id) {
  world_.drop_folder(id);
}

void job_queue_node::left_alone(const core::job_row&) {
  world_.count("left alone");
}

} // namespace troupe::sim

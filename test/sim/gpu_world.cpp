#include "test/sim/gpu_world.hpp"

#include <algorithm>

namespace troupe::sim {

namespace {

using namespace std::chrono_literals;
using core::exhaustion_policy;

constexpr size_t workers_count = 200;
constexpr size_t cards_count = 300;
constexpr size_t machines_count = 120;
constexpr auto beat_interval = core::milliseconds{1000};
constexpr auto delay_max = 300; ///< the longest delay of a message, in ms
constexpr uint32_t slots_each = 4;

[[noreturn]] void broken(const std::string& what) {
  throw std::logic_error(what);
}

core::placement_index_config index_config() {
  core::placement_index_config x;
  x.choose.rank = core::ranking::gpu_aware;
  x.gpus.back_off = 2000ms;
  x.gpus.max_back_off = 8000ms;
  return x;
}

} // namespace

gpu_world::gpu_world(uint64_t seed) : random_(seed), index_(index_config(), *this) {
  build();
}

bool gpu_world::chance(double p) {
  return static_cast<double>(random_() % 1'000'000) < p * 1e6;
}

core::milliseconds gpu_world::between(int64_t from, int64_t to) {
  return milliseconds{from + static_cast<int64_t>(random_() % static_cast<uint64_t>(to - from + 1))};
}

void gpu_world::after(milliseconds pause, std::function<void()> act) {
  events_.push({now_ + pause, next_event_++, std::move(act)});
}

void gpu_world::build() {
  workers_.resize(workers_count);
  cards_.resize(cards_count);
  for (auto& w : workers_)
    w.names_sessions = chance(0.6);
  for (size_t i = 0; i < cards_count; ++i) {
    auto& c = cards_[i];
    auto machine = random_() % machines_count;
    c.description.machine = "machine-" + std::to_string(machine);
    c.description.pci = "0000:" + std::to_string(i) + ":00.0";
    c.description.vendor = gpu_vendor::nvidia;
    c.description.driver = machine % 2 == 0 ? "525.60" : "535.43";
    auto kind = random_() % 4;
    c.description.name = kind == 0 ? "NVIDIA GeForce RTX 3060" : kind == 1 ? "NVIDIA A100" : "Quadro RTX 4000";
    if (kind >= 2)
      c.description.for_gpu.encode = session_limit::of(1 + static_cast<uint32_t>(random_() % 5));
    c.encoders = {"h264_nvenc", "h264"};
    if (chance(0.5))
      c.encoders.emplace_back("hevc_nvenc");
    // Workers are dealt to the machines in turn; up to three workers of a machine see the card.
    for (auto place = machine; place < workers_count && c.seen_by.size() < 3; place += machines_count)
      if (c.seen_by.empty() || chance(0.7)) {
        c.seen_by.push_back(place);
        workers_[place].cards.push_back(i);
      }
  }
  for (size_t i = 0; i < workers_count; ++i)
    after(between(0, 2000), [this, i] { start_worker(i); });
}

size_t gpu_world::card_of(core::gpu_id gpu) const {
  auto* view = index_.gpus().find(gpu);
  for (size_t i = 0; view != nullptr && i < cards_.size(); ++i)
    if (cards_[i].description.pci == view->card.pci)
      return i;
  broken("the index names a card that is nowhere");
}

// -- workers ------------------------------------------------------------------

gpu_report gpu_world::reading_of(size_t worker, size_t number) const {
  auto& c = cards_[number];
  gpu_report x;
  x.card = c.description;
  x.card.device = "cuda:" + std::to_string(number);
  x.reading.temperature_celsius = c.celsius;
  x.reading.encode_sessions = static_cast<uint32_t>(c.open.size()) + c.foreign;
  if (workers_[worker].names_sessions) {
    x.counted.emplace();
    for (auto lease : c.open)
      if (jobs_.at(lease.value).worker == worker && jobs_.at(lease.value).worker_life == workers_[worker].life)
        x.counted->push_back(lease);
  }
  return x;
}

void gpu_world::start_worker(size_t place) {
  auto& w = workers_[place];
  w.alive = w.known = true;
  w.drained = false;
  w.id = worker_id{next_worker_++};
  ++w.life;
  w.foreign_told.clear();
  places_[w.id] = place;
  core::worker_offer offer;
  offer.id = w.id;
  offer.name = "worker-" + std::to_string(place);
  offer.slots = {slots_each, slots_each, 2};
  offer.slots_total = slots_each + 2;
  offer.encoders = {"libx264", "h264", "aac"};
  if (place % 2 == 0)
    offer.encoders.insert(offer.encoders.end(), {"libx265", "hevc"});
  std::vector<core::device_offer> devices;
  for (auto c : w.cards)
    devices.push_back({reading_of(place, c), cards_[c].encoders, {}});
  index_.worker_added(offer, devices, now_);
  after(beat_interval, [this, place, life = w.life] { beat(place, life); });
}

void gpu_world::beat(size_t place, uint64_t life) {
  auto& w = workers_[place];
  if (!w.alive || w.life != life || ending_)
    return;
  after(beat_interval, [this, place, life] { beat(place, life); });
  if (chance(0.05))
    return; // lost
  std::vector<gpu_report> cards;
  std::map<size_t, uint32_t> told;
  for (auto c : w.cards) {
    cards.push_back(reading_of(place, c));
    // If tasks of an earlier life of the worker may still run, its reading is ambiguous.
    if (w.names_sessions && life == 1 && cards_[c].seen_by.size() == 1)
      told[c] = cards_[c].foreign;
  }
  // A heartbeat may be late, but never overtakes another: they use one connection.
  after(milliseconds{static_cast<int64_t>((place * 37) % delay_max)}, [this, place, life, cards, told] {
    auto& to = workers_[place];
    if (to.life != life || !to.known)
      return;
    to.foreign_told = told;
    index_.worker_reports(to.id, cards, now_);
  });
}

void gpu_world::lose_worker(size_t place) {
  auto& w = workers_[place];
  if (!w.alive)
    return;
  ++summary_.workers_lost;
  w.alive = false;
  auto tasks_live = chance(0.4);
  std::vector<uint64_t> victims;
  for (auto& [ticket, j] : jobs_)
    if (j.at && !j.released && j.worker == place && j.worker_life == w.life)
      victims.push_back(ticket);
  if (!tasks_live) // the machine died: so did what held sessions there
    for (auto ticket : victims)
      end(ticket);
  after(between(1, 3000), [this, place, tasks_live, life = w.life] {
    auto& gone = workers_[place];
    if (gone.life != life)
      return;
    gone.known = false;
    index_.worker_lost(gone.id, tasks_live, now_);
    if (!ending_)
      after(between(100, 8000), [this, place] { start_worker(place); });
  });
}

void gpu_world::drain_worker(size_t place) {
  auto& w = workers_[place];
  if (!w.known || w.drained)
    return;
  w.drained = true;
  index_.worker_fares(w.id, {core::readiness::none, 0}, now_);
  after(between(500, 10'000), [this, place, life = w.life] {
    auto& x = workers_[place];
    if (x.life != life || !x.known)
      return;
    x.drained = false;
    index_.worker_fares(x.id, {core::readiness::good, 0}, now_);
  });
}

void gpu_world::befall() {
  if (ending_)
    return;
  auto& c = cards_[random_() % cards_.size()];
  switch (random_() % 8) {
  case 0:
    lose_worker(random_() % workers_.size());
    break;
  case 1:
    drain_worker(random_() % workers_.size());
    break;
  case 2:
    c.celsius = chance(0.5) ? 92 : 60;
    break;
  case 3:
    c.driver_fails = chance(0.3);
    break;
  default:
    if (c.foreign > 0 && chance(0.5))
      --c.foreign;
    else if (limit_left(static_cast<size_t>(&c - cards_.data())) > 0)
      ++c.foreign;
  }
  after(between(5, 60), [this] { befall(); });
}

/// How many more sessions the driver would open.
uint32_t gpu_world::limit_left(size_t number) const {
  auto& c = cards_[number];
  core::gpu_limits limits = core::limits_from_table(c.description);
  uint64_t used = c.open.size() + c.foreign;
  if (c.description.for_gpu.encode) {
    limits.encode = *c.description.for_gpu.encode;
  } else if (limits.encode_scope == core::limit_scope::machine) {
    used = 0;
    for (auto& x : cards_)
      if (x.description.machine == c.description.machine && !x.description.for_gpu.encode
          && x.description.name == c.description.name)
        used += x.open.size() + x.foreign;
  }
  auto count = limits.encode.count().value_or(1000);
  return used >= count ? 0 : static_cast<uint32_t>(count - used);
}

// -- jobs ---------------------------------------------------------------------

void gpu_world::random_job() {
  if (ending_)
    return;
  core::encoder_wish wish;
  wish.policy = static_cast<exhaustion_policy>(random_() % 3);
  wish.encoder = chance(0.6) ? "h264_nvenc" : chance(0.5) ? "hevc_nvenc" : chance(0.5) ? "h264" : "libx265";
  core::placement_request x;
  x.rungs = core::rungs_of(wish).value();
  if (chance(0.3))
    x.also = {"aac"};
  ask(std::move(x), wish.policy);
  after(between(1, 25), [this] { random_job(); });
}

void gpu_world::ask(core::placement_request wish, exhaustion_policy policy) {
  auto ticket = next_ticket_++;
  auto& j = jobs_[ticket];
  j.lease = lease_id{ticket};
  j.wish = std::move(wish);
  j.policy = policy;
  auto request = j.wish;
  index_.request(ticket, lease_id{ticket}, request, policy, now_ + between(500, 20'000), now_);
  if (auto i = jobs_.find(ticket); i != jobs_.end())
    i->second.waited = !i->second.at;
}

void gpu_world::placed(uint64_t ticket, lease_id lease, const core::choice& at, const core::rung& on) {
  auto& j = jobs_.at(ticket);
  if (j.at || j.lease != lease)
    broken("a job is placed twice");
  j.at = at;
  j.worker = places_.at(at.worker);
  j.worker_life = workers_[j.worker].life;
  if (on.hardware != static_cast<bool>(at.gpu))
    broken("a rung in hardware without a card, or the other way round");
  ++summary_.placed;
  summary_.on_gpus += at.gpu ? 1 : 0;
  summary_.promoted += j.waited ? 1 : 0;
  just_placed_.push_back(ticket);
  after(between(5, 400), [this, ticket] { open(ticket); });
}

void gpu_world::refused(uint64_t ticket, ec, const std::string& why) {
  if (why.empty())
    broken("a refusal without a reason");
  ++summary_.refused;
  jobs_.erase(ticket);
}

void gpu_world::open(uint64_t ticket) {
  auto i = jobs_.find(ticket);
  if (i == jobs_.end() || i->second.released)
    return;
  auto& j = i->second;
  if (auto& w = workers_[j.worker]; !w.alive || w.life != j.worker_life)
    return end(ticket); // nobody is there to start the process
  if (j.at->gpu) {
    auto number = card_of(j.at->gpu);
    auto& c = cards_[number];
    auto full = limit_left(number) == 0;
    if (full || c.driver_fails) {
      summary_.opens_refused += full ? 1 : 0;
      index_.device_failed(j.lease, full ? "no free encode session" : "the driver is out of order", now_);
      auto wish = j.wish;
      wish.refused_by.push_back(j.at->worker);
      auto policy = j.policy;
      end(ticket);
      if (!ending_)
        ask(std::move(wish), policy);
      return;
    }
    c.open.insert(j.lease);
    j.open = true;
  }
  after(between(0, 100), [this, ticket] {
    auto opened = jobs_.find(ticket);
    if (opened != jobs_.end() && !opened->second.released && !index_.confirm(opened->second.lease, now_))
      end(ticket);
  });
  after(between(200, 30'000), [this, ticket] { end(ticket); });
}

/// The process ends: the driver closes its session at once, the index learns of it a little later.
void gpu_world::end(uint64_t ticket) {
  auto i = jobs_.find(ticket);
  if (i == jobs_.end() || i->second.released)
    return;
  auto& j = i->second;
  j.released = true;
  j.open = false;
  for (auto& c : cards_)
    c.open.erase(j.lease);
  after(between(0, 200), [this, ticket] { close(ticket); });
}

void gpu_world::close(uint64_t ticket) {
  if (!index_.release(jobs_.at(ticket).lease, now_))
    broken("a lease was gone before it was released");
  if (index_.release(jobs_.at(ticket).lease, now_))
    broken("a lease was released twice");
  jobs_.at(ticket).at.reset();
}

// -- promises -----------------------------------------------------------------

/// We never push a card above its limit: its promised sessions, plus the foreign sessions reported for it, fit into the
/// limit.
void gpu_world::check_promises() {
  for (auto ticket : just_placed_) {
    auto& j = jobs_.at(ticket);
    if (!j.at || !j.at->gpu)
      continue;
    auto* view = index_.gpus().find(j.at->gpu);
    auto number = card_of(j.at->gpu);
    auto& c = cards_[number];
    auto in_pool = [&](core::gpu_id gpu) {
      auto* other = index_.gpus().find(gpu);
      if (other == nullptr)
        broken("a card with sessions of ours was forgotten");
      return !view->machine_pool.empty() && other->machine_pool == view->machine_pool;
    };
    uint32_t ours = 0, foreign = 0, ours_here = 0;
    auto pooled = !view->machine_pool.empty();
    auto limit = *view->limits.encode.count();
    for (auto& [id, x] : jobs_) {
      if (!x.at || !x.at->gpu || (!x.open && !index_.gpus().gpu_of(x.lease)))
        continue;
      ours_here += x.at->gpu == j.at->gpu ? 1 : 0;
      ours += x.at->gpu == j.at->gpu || in_pool(x.at->gpu) ? 1 : 0;
    }
    if (!pooled)
      if (auto& told = workers_[j.worker].foreign_told; told.contains(number))
        foreign = told.at(number);
    if (ours_here != view->ours_encode)
      broken("the index counts " + std::to_string(view->ours_encode) + " of our sessions, there are "
             + std::to_string(ours_here));
    if (ours + foreign > limit)
      broken(c.description.name + " has " + std::to_string(ours) + " sessions of ours and " + std::to_string(foreign)
             + " of others, its limit is " + std::to_string(limit));
    auto& w = workers_[j.worker];
    if (!w.known || w.drained)
      broken("work was placed on a worker that is gone or drains");
  }
  just_placed_.clear();
}

/// No job waits while something that fits is free: this looks at every worker and card, and does not use the index's
/// data.
void gpu_world::check_waiting() {
  std::map<worker_id, std::pair<uint32_t, uint32_t>> in_use; // cpu, gpu
  for (auto& [ticket, j] : jobs_)
    if (j.at)
      ++(j.at->gpu ? in_use[j.at->worker].second : in_use[j.at->worker].first);
  size_t looked = 0;
  for (auto& [ticket, j] : jobs_) {
    auto* x = index_.waiting().find(ticket);
    if (x == nullptr || ++looked > 20)
      continue;
    for (size_t place = 0; place < workers_.size(); ++place) {
      auto& w = workers_[place];
      auto [cpu, gpu] = in_use[w.id];
      if (!w.known || w.drained || cpu + gpu >= slots_each + 2)
        continue;
      for (auto& r : x->rungs) {
        auto software = r.encoder == "libx264" || r.encoder == "h264" || (r.encoder == "libx265" && place % 2 == 0);
        if (!r.hardware && software && cpu < slots_each)
          broken("a job waits while worker " + std::to_string(place) + " has a slot for " + r.encoder);
        for (auto number : w.cards) {
          auto& c = cards_[number];
          auto* view = index_.gpus().find(gpu_key(c.description));
          auto can = std::find(c.encoders.begin(), c.encoders.end(), r.encoder) != c.encoders.end();
          if (r.hardware && can && gpu < slots_each && view != nullptr
              && index_.gpus().block(w.id, view->id, {}) == core::gpu_block::none)
            broken("a job waits while a session for " + r.encoder + " is free on worker " + std::to_string(place));
        }
      }
    }
  }
}

void gpu_world::check_settled() {
  if (index_.gpus().promised() != 0 || index_.leases() != 0)
    broken("sessions leak: " + std::to_string(index_.gpus().promised()) + " promises, "
           + std::to_string(index_.leases()) + " leases");
  if (index_.waiting().size() != 0)
    broken("jobs wait for ever");
  for (auto& c : cards_)
    if (auto* view = index_.gpus().find(gpu_key(c.description));
        view != nullptr && (view->ours_encode != 0 || view->foreign_encode != c.foreign))
      broken("at rest a card counts " + std::to_string(view->ours_encode) + " of ours and "
             + std::to_string(view->foreign_encode) + " of others, there are 0 and " + std::to_string(c.foreign));
}

gpu_summary gpu_world::run(milliseconds busy) {
  auto stop = now_ + busy;
  std::function<void()> ticking = [&] {
    index_.tick(now_);
    after(100ms, ticking);
  };
  after(1ms, ticking);
  after(100ms, [this] { befall(); });
  after(100ms, [this] { random_job(); });
  auto settled = stop + 60s;
  while (!events_.empty() && events_.top().at <= settled) {
    auto next = events_.top();
    events_.pop();
    now_ = next.at;
    ending_ = ending_ || now_ > stop;
    next.act();
    ++summary_.events;
    check_promises();
    if (summary_.events % 50 == 0) {
      check_waiting();
      std::erase_if(jobs_, [](auto& kv) { return kv.second.released && !kv.second.at; });
    }
  }
  // One last heartbeat of every worker, while no other message is on its way.
  now_ += 10s;
  for (size_t i = 0; i < workers_.size(); ++i)
    if (workers_[i].known) {
      std::vector<gpu_report> cards;
      for (auto c : workers_[i].cards)
        cards.push_back(reading_of(i, c));
      index_.worker_reports(workers_[i].id, cards, now_);
    }
  index_.tick(now_);
  check_settled();
  return summary_;
}

} // namespace troupe::sim

// Which renditions share a task: its process decodes the source once and encodes it for each of them.
//
// Requests of a ladder's renditions that are made at about the same time form a party. The first request goes to any
// worker. With its lease, the others ask to be beside it. Whoever finds no room there forms a party with the rest of
// those, so a ladder takes as few decoders as the workers have room for. The task starts when all are answered.
//
// After that nobody joins. A rendition leaves by itself, and those that lose their task together form a party again.
// But a rendition whose attempts failed twice at one place is made alone: it may be what kills its task.
#include "core/live/session.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace troupe::core {

bool session::may_share(const variant& v, bool next, const lease_request& x) const {
  return !ladder_of(v.target.name).empty() && !v.alone && x.video.policy != exhaustion_policy::queue
         && !(next && v.next_for == variant::purpose::faster);
}

void session::ask_together() {
  // Renditions that begin in the same way, with the same tracks of the source.
  std::map<std::tuple<std::string_view, bool, bool, uint64_t, bool, variant::purpose>, std::vector<lease_request>>
    parties;
  for (auto& x : std::exchange(asking_, {}))
    if (auto p = find(x.label.attempt); p.at != nullptr) {
      auto& v = *p.of;
      auto next = v.next && p.at == &*v.next;
      auto tracks_since = std::max(v.tracks_since, buffer_.first());
      parties[{ladder_of(v.target.name), v.flowing, has_slate(v), tracks_since, next,
               next ? v.next_for : variant::purpose::hedge}]
        .push_back(std::move(x));
    }
  for (auto& [alike, requests] : parties) {
    // The first one's device decodes.
    std::stable_partition(requests.begin(), requests.end(), [](auto& x) { return !x.video.encoder.empty(); });
    auto first = requests.front();
    for (auto other = requests.begin() + 1; other != requests.end(); ++other) {
      first.label.limits.memory_bytes += other->label.limits.memory_bytes;
      parties_[first.label.attempt].others.push_back(*other);
    }
    effects_.request_lease(first);
  }
}

/// An attempt of a rendition has a lease.
void session::take_lease(attempt_id number, const lease& x, time_point now) {
  auto p = find(number);
  if (p.at != nullptr)
    p.at->worker = x;
  else
    effects_.stop(number, {}); // the variant was removed while its lease was on the way
  if (auto member = joining_.extract(number); !member.empty()) {
    parties_.at(member.mapped().first).ready.push_back(number);
    answered(member.mapped().first, now);
    return;
  }
  auto of = parties_.find(number);
  if (of == parties_.end())
    return start({number}, now);
  of->second.ready.push_back(number);
  of->second.unanswered = 1; // until all are asked
  for (auto& other : std::exchange(of->second.others, {})) {
    auto at = other.label.attempt;
    if (p.at == nullptr) {
      asking_.push_back(std::move(other));
    } else if (find(at).at != nullptr) {
      other.beside = x.id;
      ++of->second.unanswered;
      effects_.request_lease(other);
      joining_.emplace(at, joining{number, std::move(other)});
    }
  }
  answered(number, now);
}

/// An attempt gets no lease: true if it has asked again.
bool session::is_left_to_others(attempt_id number, time_point now) {
  if (auto of = parties_.extract(number); !of.empty())
    for (auto& other : of.mapped().others)
      if (find(other.label.attempt).at != nullptr)
        effects_.request_lease(other);
  auto member = joining_.extract(number);
  if (member.empty())
    return false;
  auto& [first, request] = member.mapped();
  request.beside = {};
  asking_.push_back(std::move(request));
  answered(first, now);
  return true;
}

/// A request of the party is answered. With the last one its task starts, and those without room there ask again.
void session::answered(attempt_id first, time_point now) {
  auto& of = parties_.at(first);
  assert(of.unanswered > 0);
  if (--of.unanswered > 0)
    return;
  auto ready = std::move(of.ready);
  parties_.erase(first);
  start(ready, now);
  ask_together();
}

/// Starts the attempts on the task of which they have leases.
void session::start(const std::vector<attempt_id>& together, time_point now) {
  std::shared_ptr<feed> in;
  for (auto number : together) {
    auto p = find(number);
    if (p.at == nullptr)
      continue;
    assert(source_ && p.at->state == attempt::phase::leasing);
    auto& v = *p.of;
    auto is_next = v.next && p.at == &*v.next;
    if (is_next && v.next_for == variant::purpose::faster) {
      change_over(v, failover_reason::slow, now);
      p.at = &*v.current;
    } else if (is_next && v.next_for == variant::purpose::move) {
      v.change_at = newest_pts_ + ticks_per_second;
    }
    auto& a = *p.at;
    a.state = attempt::phase::starting;
    a.since = now;
    a.spans = is_next && v.next && v.change_at ? std::vector<window>(source_->tracks.size(), window{*v.change_at})
              : v.flowing                      ? spans_after(v)
                                               : first_spans(v);
    transcode_work work;
    work.attempt = number;
    work.session = id_;
    work.channel = channel_.name;
    work.source = *source_;
    work.target = v.target;
    work.spans = a.spans;
    work.credit_bytes = config_.credit_bytes;
    work.seat = a.worker.seat;
    work.still = still();
    if (in) {
      work.beside = in->id;
      a.in = in;
      in->shared = true;
    }
    in = a.in;
    effects_.start(work);
  }
}

/// The attempts that the feed is for.
std::vector<session::place> session::fed_by(const feed& in) {
  std::vector<place> result;
  for (auto& [name, v] : variants_)
    for (auto* slot : {&v.current, &v.next})
      if (*slot && (*slot)->in.get() == &in)
        result.push_back({&v, &**slot});
  return result;
}

/// True if all of these attempts run: then they get their first block.
bool session::all_run(const feed& in) {
  auto fed = fed_by(in);
  return std::all_of(fed.begin(), fed.end(), [](const place& p) { return p.at->running(); });
}

std::shared_ptr<feed> session::feed_of(attempt_id first) {
  for (auto& [name, v] : variants_)
    for (auto* slot : {&v.current, &v.next})
      if (*slot && (*slot)->in->id == first)
        return (*slot)->in;
  return nullptr;
}

std::vector<attempt_id> session::numbers_of(const std::vector<place>& x) {
  std::vector<attempt_id> result;
  result.reserve(x.size());
  for (auto& p : x)
    result.push_back(p.at->id);
  return result;
}

/// Finds the source block that is early enough for all of them; false if there is none yet.
bool session::find_beginning(feed& in, const std::vector<place>& fed) {
  std::optional<uint64_t> from;
  for (auto& [of, at] : fed) {
    auto begins = at->spans.empty() ? fresh_start(*of) : feed_point(*of, at->spans);
    if (!begins)
      return false;
    from = std::min(from.value_or(*begins), *begins);
  }
  in.cursor = from;
  for (auto& [of, at] : fed)
    if (!of->next || at != &*of->next || !of->change_at)
      count_missing(*of, *at);
  return true;
}

/// True if no other rendition takes more of the time of the variant's task. Those that found no faster worker do not
/// count for a while.
bool session::is_costliest(const variant& v, time_point now) {
  assert(v.current);
  auto fed = fed_by(*v.current->in);
  return std::none_of(fed.begin(), fed.end(), [&](const place& p) {
    return now >= p.of->next_not_before && p.of->work.busy_ms > v.work.busy_ms;
  });
}

} // namespace troupe::core

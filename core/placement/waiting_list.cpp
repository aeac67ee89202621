#include "core/placement/waiting_list.hpp"

#include <algorithm>
#include <cassert>

namespace troupe::core {

namespace {

/// The name of a request's group: equal for requests that the same room can serve. A request that may not go to workers
/// that refused it is grouped by those refusals.
std::string group_of(const placement_request& x) {
  std::string result;
  auto add = [&result](const std::string& text) { result += std::to_string(text.size()) + ":" + text; };
  for (auto& r : x.rungs) {
    add(r.encoder);
    result += r.hardware ? 'h' : 's';
  }
  for (auto* list : {&x.also, &x.decoders}) {
    result += '|';
    for (auto& name : *list)
      add(name);
  }
  result += x.probe ? "|p" : "|-";
  result += x.last_resort ? "l" : "-";
  if (x.elsewhere)
    for (auto worker : x.refused_by)
      add(to_string(worker));
  return result;
}

} // namespace

void waiting_list::add(uint64_t ticket, const placement_request& x, time_point deadline,
                       std::optional<waiting_place> at) {
  assert(!entries_.contains(ticket));
  if (!at)
    at = waiting_place{0, next_number_++};
  auto name = group_of(x);
  auto& g = groups_[name];
  g.tickets.emplace(*at, ticket);
  if (g.encoders.empty())
    for (auto& r : x.rungs) {
      g.encoders.push_back(r.encoder);
      groups_with_[r.encoder].insert(name);
    }
  deadlines_.insert({deadline, ticket});
  entries_.emplace(ticket, entry{x, deadline, *at, std::move(name)});
}

bool waiting_list::remove(uint64_t ticket) {
  auto i = entries_.find(ticket);
  if (i == entries_.end())
    return false;
  auto& e = i->second;
  auto g = groups_.find(e.group);
  assert(g != groups_.end() && g->second.tickets.contains(e.at));
  g->second.tickets.erase(e.at);
  if (g->second.tickets.empty()) {
    for (auto& name : g->second.encoders) {
      auto with = groups_with_.find(name);
      if (with == groups_with_.end())
        continue;
      with->second.erase(e.group);
      if (with->second.empty())
        groups_with_.erase(with);
    }
    groups_.erase(g);
  }
  deadlines_.erase({e.deadline, ticket});
  entries_.erase(i);
  return true;
}

void waiting_list::try_all(const std::vector<std::string>& encoders,
                           const std::function<bool(uint64_t, const placement_request&)>& place) {
  // The first request of each group, the earliest on top.
  std::set<std::pair<waiting_place, std::string>> heads;
  auto put = [&](const std::string& name) {
    if (auto g = groups_.find(name); g != groups_.end())
      heads.insert({g->second.tickets.begin()->first, name});
  };
  for (auto& encoder : encoders)
    if (auto with = groups_with_.find(encoder); with != groups_with_.end())
      for (auto& name : with->second)
        put(name);
  while (!heads.empty()) {
    auto name = heads.begin()->second;
    heads.erase(heads.begin());
    auto ticket = groups_.at(name).tickets.begin()->second;
    assert(entries_.contains(ticket));
    if (!place(ticket, entries_.at(ticket).request))
      continue;
    remove(ticket);
    put(name);
  }
}

std::vector<uint64_t> waiting_list::expire(time_point now) {
  std::vector<uint64_t> result;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    result.push_back(deadlines_.begin()->second);
    remove(result.back());
  }
  return result;
}

std::optional<size_t> waiting_list::position(uint64_t ticket) const {
  auto i = entries_.find(ticket);
  if (i == entries_.end() || i->second.request.rungs.empty())
    return std::nullopt;
  auto& encoder = i->second.request.rungs.front().encoder;
  size_t before = 0;
  for (auto& [name, g] : groups_)
    if (!g.encoders.empty() && g.encoders.front() == encoder)
      before += static_cast<size_t>(std::distance(g.tickets.begin(), g.tickets.lower_bound(i->second.at)));
  return before;
}

const placement_request* waiting_list::find(uint64_t ticket) const {
  auto i = entries_.find(ticket);
  return i == entries_.end() ? nullptr : &i->second.request;
}

} // namespace troupe::core

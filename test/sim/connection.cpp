#include "test/sim/connection.hpp"

namespace troupe::sim {

duration connection::delay() {
  auto& net = world_.net;
  if (net.late > 0 && world_.chance.chance(net.late))
    return world_.chance.between(duration{1ms}, net.late_max);
  return world_.chance.between(duration{100us}, net.delay_max);
}

void connection::send(side to, std::function<void()> deliver, bool alone) {
  auto& from = at_[index(other(to))];
  if (from.gone || cuts_ > 0)
    return;
  auto& net = world_.net;
  if (alone && net.lost > 0 && world_.chance.chance(net.lost)) {
    world_.trace("a message is lost");
    return;
  }
  if (alone && net.twice > 0 && world_.chance.chance(net.twice)) {
    world_.trace("a message comes twice");
    enqueue(to, deliver);
  }
  enqueue(to, std::move(deliver));
}

void connection::enqueue(side to, std::function<void()> deliver) {
  auto& end = at_[index(to)];
  if (end.gone)
    return;
  if (held_) {
    end.held.push_back(std::move(deliver));
    return;
  }
  end.latest = std::max(end.latest, world_.now() + delay());
  world_.at(end.latest, [me = shared_from_this(), to, cuts = cuts_, deliver = std::move(deliver)] {
    if (me->cuts_ == cuts && !me->at_[index(to)].gone)
      deliver();
  });
}

void connection::close(side by) {
  auto& end = at_[index(by)];
  if (end.gone)
    return;
  auto away = other(by);
  if (cuts_ == 0)
    enqueue(away, [me = shared_from_this(), away] { me->give_up(away); });
  end.gone = true;
  end.down = nullptr;
  end.held.clear();
}

void connection::cut() {
  if (cuts_ > 0)
    return;
  ++cuts_;
  for (auto at : {side::coordinator, side::remote}) {
    at_[index(at)].held.clear();
    world_.after(world_.chance.between(duration{1ms}, duration{2ms} + world_.net.unnoticed),
                 [me = shared_from_this(), at] { me->give_up(at); });
  }
}

void connection::hold(duration patience) {
  if (held_ || cuts_ > 0)
    return;
  held_ = true;
  auto which = ++partition_;
  for (auto at : {side::coordinator, side::remote})
    world_.after(patience + world_.chance.between(duration{0}, duration{1s}), [me = shared_from_this(), at, which] {
      if (me->held_ && me->partition_ == which)
        me->give_up(at);
    });
}

void connection::release() {
  if (!held_)
    return;
  held_ = false;
  for (auto to : {side::coordinator, side::remote}) {
    auto& end = at_[index(to)];
    for (auto& deliver : std::exchange(end.held, {}))
      enqueue(to, std::move(deliver));
    // The other side gave up meanwhile: it answers the first message from here with a reset.
    if (at_[index(other(to))].gone && !end.gone)
      enqueue(to, [me = shared_from_this(), to] { me->give_up(to); });
  }
}

void connection::give_up(side at) {
  auto& end = at_[index(at)];
  if (end.gone)
    return;
  end.gone = true;
  end.held.clear();
  auto away = other(at);
  if (!at_[index(away)].gone && cuts_ == 0 && !held_)
    enqueue(away, [me = shared_from_this(), away] { me->give_up(away); });
  if (auto down = std::exchange(end.down, nullptr))
    down();
}

} // namespace troupe::sim

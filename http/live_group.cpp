#include "http/live_group.hpp"

#include "http/live.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <boost/asio/post.hpp>

namespace troupe::http {

namespace {

/// A flush lets others use the loop after this time.
constexpr std::chrono::milliseconds slice{5};

/// So many times as long as a flush takes, the group rests. So flushes take a tenth of the loop's time, until the rest
/// is as long as it may be.
constexpr int rest_factor = 9;

/// Pictures are further apart.
constexpr std::chrono::milliseconds rest_min{5};

/// A loop is a thread, so these are the groups of one loop.
thread_local std::unordered_map<const variant_stream*, std::weak_ptr<live_group>> groups;

} // namespace

std::chrono::milliseconds live_group::rest_after(clock::duration flush) noexcept {
  auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(rest_factor * flush);
  return rest < rest_min ? std::chrono::milliseconds{0} : std::min(rest, rest_max);
}

std::shared_ptr<live_group> live_group::of(loop& in, const variant_stream& stream) {
  std::erase_if(groups, [](auto& x) { return x.second.expired(); });
  auto& known = groups[&stream];
  auto result = known.lock();
  if (!result) {
    result.reset(new live_group{in});
    known = result;
  }
  return result;
}

live_group::live_group(loop& in) : loop_(in), timer_(in.context()) {}

void live_group::await(const std::shared_ptr<live_client>& x, uint64_t turn) {
  waiting_.push_back(x);
  again_ = again_ || turn != turn_;
  if (listener_.expired())
    listen(x);
}

void live_group::left(const live_client& x) {
  if (listener_.lock().get() != &x)
    return;
  listener_.reset();
  for (auto& other : waiting_)
    if (auto found = other.lock(); found && found->waits())
      return listen(found);
}

void live_group::listen(const std::shared_ptr<live_client>& x) {
  listener_ = x;
  x->listen([mail = loop_.mail(), weak = weak_from_this()] {
    mail->post([weak] {
      if (auto me = weak.lock())
        me->woken();
    });
  });
}

void live_group::woken() {
  listener_.reset();
  if (rests_)
    again_ = true;
  else
    flush();
}

void live_group::flush() {
  rests_ = true;
  again_ = false;
  ++turn_;
  took_ = {};
  next_ = 0;
  served_.swap(waiting_);
  go_on();
}

void live_group::go_on() {
  auto from = clock::now();
  auto now = from;
  for (; next_ < served_.size() && now - from < slice; now = clock::now())
    if (auto x = served_[next_++].lock())
      x->take();
  took_ += now - from;
  if (next_ == served_.size())
    return rest();
  boost::asio::post(loop_.context(), [weak = weak_from_this()] {
    if (auto me = weak.lock())
      me->go_on();
  });
}

void live_group::rest() {
  served_.clear();
  auto span = rest_after(took_);
  if (span.count() == 0 && !again_)
    return end_rest();
  timer_.expires_after(span);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code&) {
    if (auto me = weak.lock())
      me->end_rest();
  });
}

void live_group::end_rest() {
  rests_ = false;
  if (again_)
    flush();
}

} // namespace troupe::http

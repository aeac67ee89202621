// Requests below "/live/": a stream gets the socket, everything else an answer of its own.
#include "http/connection.hpp"

#include "config/waits.hpp"
#include "http/delivery_format.hpp"
#include "http/live.hpp"
#include "http/problem.hpp"
#include "http/target.hpp"

#include <array>
#include <utility>

namespace troupe::http {

namespace {

using boost::beast::http::field;

bool is_get_or_head(verb method) {
  return method == verb::get || method == verb::head;
}

/// "/live/{channel}/{profile}": the client gets what suits it.
bool names_no_format(const std::vector<std::string>& path) {
  return path.size() == 3 && !path[1].empty() && !path[2].empty() && !path[2].ends_with(".ts");
}

/// To the beginning of HLS or DASH. It is relative, so that a proxy may serve it below another path.
reply redirect(const std::string& profile, delivery_format to) {
  reply result{status::found, {}, {}};
  auto entry = to == delivery_format::hls ? "/index.m3u8" : "/manifest.mpd";
  result.fields.emplace_back("Location", encode_segment(profile) + entry);
  result.fields.emplace_back("Vary", "Accept, User-Agent");
  allow_all_origins(result);
  return result;
}

} // namespace

void connection::dispatch_live() {
  auto& header = parser_->get();
  if (request_.method == verb::options)
    return answer(preflight());
  if (!is_get_or_head(request_.method))
    return ask_api();
  if (auto target = delivery_target::of(request_.path))
    return deliver(*target);
  if (names_no_format(request_.path)) {
    auto format = choose_format(request_.query, header[field::accept], header[field::user_agent]);
    if (!format) {
      auto refusal = problem(status::bad_request, "invalid_argument", format.error(), request_.id);
      allow_all_origins(refusal);
      return answer(std::move(refusal));
    }
    if (*format != delivery_format::ts)
      return answer(redirect(request_.path.back(), *format));
    if (shared_->delivery->is_ladder(request_.path.back()))
      return answer(redirect(request_.path.back(), delivery_format::hls)); // it has no MPEG-TS
    request_.path.back() += ".ts";                                         // old devices follow no redirection
  }
  auto wanted = live_target::of(request_.path);
  if (request_.method != verb::get || !wanted)
    return ask_api();
  if (auto streams = enter_streams())
    become<live_client>(std::move(request_), std::move(*wanted), header.version(), std::move(*streams));
}

void connection::deliver(const delivery_target& target) {
  phase_ = phase::asking;
  // The request may wait for its rendition to start, and then for a part or segment that does not exist yet.
  expire_after(config::defaults::outer_wait(2 * shared_->config.watch_timeout));
  auto turn = ++turn_;
  auto take = [weak = std::weak_ptr<peer>{shared_from_this()}, turn](reply x) {
    auto me = std::static_pointer_cast<connection>(weak.lock());
    if (me && me->phase_ == phase::asking && me->turn_ == turn)
      me->answer(std::move(x));
  };
  auto waiting = shared_->delivery->handle(loop_, request_, target, std::move(take));
  if (phase_ != phase::asking || turn_ != turn)
    return;
  delivery_ = std::move(waiting);
  watch_client();
}

void connection::watch_client() {
  if (std::exchange(watched_turn_, turn_) == turn_)
    return;
  error_code failure;
  socket_.non_blocking(true, failure);
  socket_.async_wait(client_socket::wait_read, [me = self(this), turn = turn_](const error_code& failed) {
    if ((me->phase_ != phase::asking && me->phase_ != phase::awaiting) || me->turn_ != turn)
      return;
    // The client may have sent its next request already: then its end cannot be seen, and it is written to.
    std::array<char, 1> next;
    error_code ended;
    me->socket_.receive(boost::asio::buffer(next), client_socket::message_peek, ended);
    if (failed || (ended && ended != boost::asio::error::would_block && ended != boost::asio::error::try_again))
      me->client_left();
  });
}

} // namespace troupe::http

#include "http/event_client.hpp"

#include "http/ask.hpp"
#include "http/problem.hpp"
#include "messages/job_states.hpp"

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <utility>

#include <boost/asio/write.hpp>
#include <boost/beast/http/write.hpp>

namespace troupe::http {

namespace {

using boost::beast::http::field;

} // namespace

bool is_event_path(const std::vector<std::string>& path) {
  auto jobs = path.size() >= 4 && path[0] == "api" && path[1] == "v1" && path[2] == "jobs";
  return jobs && path.back() == "events" && (path.size() == 4 || path.size() == 5);
}

event_client::event_client(loop& in, tcp::socket socket, service_ptr shared, request of, unsigned version)
  : loop_(in),
    socket_(std::move(socket)),
    shared_(std::move(shared)),
    request_(std::move(of)),
    version_(version),
    remote_(remote_of(socket_)) {}

void event_client::start() {
  loop_.add(shared_from_this());
  error_code failure;
  socket_.non_blocking(true, failure);
  socket_.set_option(tcp::no_delay{true}, failure);
  expire_after(shared_->config.ask_timeout);
  watch_client();
  seen_ = read_last_event_id(request_.last_event_id);
  if (request_.path.size() == 5) {
    filter_.id = parse_job_id(request_.path[3]);
    if (!filter_.id)
      return refuse(problem(ec::unknown_job, "a job's id is 32 hexadecimal digits; see /api/v1/jobs", request_.id));
  } else {
    auto filter = read_event_filter(request_.query);
    if (!filter)
      return refuse(problem(ec::invalid_argument, filter.error(), request_.id));
    filter_ = std::move(*filter);
  }
  // What happens while the store is asked for what was missed waits in the feed.
  auto listening = [mail = loop_.mail(), weak = std::weak_ptr<peer>{shared_from_this()}] {
    mail->post([weak] {
      if (auto me = std::static_pointer_cast<event_client>(weak.lock()); me && me->phase_ == phase::opening)
        me->ask_missed();
    });
  };
  feed_ = shared_->events->join(filter_, std::move(listening));
  if (!feed_)
    refuse(problem(ec::limit, "as many clients listen to events as may", request_.id));
}

void event_client::ask_missed() {
  if (!filter_.id && !seen_) {
    live_ = true;
    return pump();
  }
  auto take = [mail = loop_.mail(), weak = std::weak_ptr<peer>{shared_from_this()}](caf::expected<job_replay> x) {
    mail->post([weak, shared = std::make_shared<caf::expected<job_replay>>(std::move(x))] {
      if (auto me = std::static_pointer_cast<event_client>(weak.lock()))
        me->take_missed(std::move(*shared));
    });
  };
  ask<job_replay>(shared_->system, shared_->gateway, shared_->config.ask_timeout, std::move(take),
                  job_replay_question{filter_.id, seen_});
}

void event_client::take_missed(caf::expected<job_replay> x) {
  if (phase_ != phase::opening && phase_ != phase::waiting)
    return;
  if (!x)
    return headed_ ? hang_up("the store does not answer") : refuse(problem(x.error(), request_.id));
  live_ = !x->more;
  auto over = live_ && x->job && is_ended(x->job->job.state);
  if (!seen_ && x->job) {
    missed_ = snapshot_text(*x->job, x->rows.empty() ? 0 : x->rows.back().row.number);
    // A job that is over ends its stream with its end, also for those who come late.
    auto end = std::find_if(x->rows.rbegin(), x->rows.rend(), [](auto& r) { return r.row.chunk < 0; });
    if (over && end != x->rows.rend())
      missed_ += event_text(*end);
  } else {
    for (auto& row : x->rows)
      if (filter_.passes(row))
        missed_ += event_text(row);
    // Nothing new, and nothing to come: this answer keeps a browser from asking again.
    if (over && missed_.empty() && !headed_)
      return refuse({status::no_content, {}, {}, {}});
  }
  if (!x->rows.empty())
    seen_ = x->rows.back().row.number;
  last_ = over;
  pump();
}

void event_client::refuse(reply x) {
  phase_ = phase::refusing;
  feed_.reset();
  expire_after(shared_->config.write_timeout);
  refusal_ = make_response(std::move(x), request_, version_, false);
  shared_->counters->count_response(refusal_->result_int());
  boost::beast::http::async_write(socket_, *refusal_, [me = self(this)](const error_code& failure, size_t n) {
    if (me->phase_ != phase::refusing)
      return;
    me->sent_bytes_ += n;
    me->shared_->counters->sent_bytes += n;
    me->last_ = true;
    me->hang_up(failure ? failure.message() : std::string{});
  });
}

void event_client::pump() {
  auto text = std::exchange(missed_, {});
  if (live_ && !last_) {
    auto pieces = feed_->take();
    if (!pieces)
      return hang_up("the client is too slow for the events");
    for (auto& x : *pieces) {
      if (x.number > 0 && x.number <= seen_.value_or(0))
        continue;
      text += *x.text;
      if (x.number > 0)
        seen_ = x.number;
      last_ = last_ || (x.end && filter_.id);
    }
  }
  last_ = last_ || stopping_;
  if (!headed_ || !text.empty() || last_)
    return write(std::move(text));
  if (!live_) {
    phase_ = phase::waiting;
    expire_after(shared_->config.ask_timeout);
    return ask_missed();
  }
  await_news();
}

void event_client::await_news() {
  phase_ = phase::waiting;
  expire_after(shared_->config.event_heartbeat);
  feed_->notify([mail = loop_.mail(), weak = std::weak_ptr<peer>{shared_from_this()}] {
    mail->post([weak] {
      auto me = std::static_pointer_cast<event_client>(weak.lock());
      if (me && me->phase_ == phase::waiting)
        me->pump();
    });
  });
}

void event_client::write(std::string text) {
  phase_ = phase::writing;
  expire_after(shared_->config.write_timeout);
  text_.clear();
  if (!std::exchange(headed_, true)) {
    response head =
      make_response({status::ok, "text/event-stream", {}, {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}},
                    request_, version_, false);
    head.erase(field::content_length);
    head.chunked(version_ >= 11);
    std::ostringstream to;
    to << head.base();
    text_ = std::move(to).str();
    shared_->counters->count_response(200);
    if (text.empty())
      text = ": welcome\n\n";
  }
  if (version_ >= 11 && !text.empty()) {
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", text.size());
    text_.append(size).append(text).append("\r\n");
  } else {
    text_ += text;
  }
  if (last_ && version_ >= 11)
    text_ += "0\r\n\r\n";
  boost::asio::async_write(socket_, boost::asio::buffer(text_),
                           [me = self(this)](const error_code& failure, size_t n) { me->on_written(failure, n); });
}

void event_client::on_written(const error_code& failure, size_t bytes) {
  sent_bytes_ += bytes;
  shared_->counters->sent_bytes += bytes;
  if (phase_ != phase::writing)
    return;
  if (failure)
    return hang_up(failure.message());
  if (last_)
    return hang_up({});
  pump();
}

void event_client::watch_client() {
  socket_.async_wait(tcp::socket::wait_read,
                     [me = self(this)](const error_code& failure) { me->on_readable(failure); });
}

void event_client::on_readable(const error_code& failure) {
  if (phase_ == phase::closed)
    return;
  if (failure)
    return hang_up(failure.message());
  // It has nothing to say: all that can be read is the end.
  std::array<char, 4096> scratch;
  error_code failed;
  socket_.read_some(boost::asio::buffer(scratch), failed);
  if (failed && failed != boost::asio::error::would_block && failed != boost::asio::error::try_again)
    return hang_up("the client has left");
  if (!failed)
    return hang_up("the client sent what nobody asked for");
  watch_client();
}

void event_client::deadline_passed() {
  if (phase_ == phase::waiting && live_)
    return write(": nothing new\n\n");
  if (phase_ == phase::opening)
    return refuse(problem(ec::timeout, {}, request_.id));
  hang_up("the client takes nothing");
}

void event_client::shut_down() {
  stopping_ = true;
  if (phase_ == phase::opening)
    refuse(problem(ec::stopping, {}, request_.id));
  else if (phase_ == phase::waiting)
    pump();
}

void event_client::hang_up(std::string note) {
  auto me = shared_from_this();
  phase_ = phase::closed;
  access_record record{request_.id, remote_, "GET", request_.target, {}, {}, 200, sent_bytes_, {}, std::move(note)};
  record.status = refusal_ ? refusal_->result_int() : 200;
  record.duration = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began_);
  write_log(*shared_, std::move(record));
  feed_.reset();
  error_code failure;
  if (last_) {
    socket_.cancel(failure);
    linger(loop_, std::move(socket_));
  } else {
    socket_.close(failure);
  }
  loop_.remove(me);
}

} // namespace troupe::http

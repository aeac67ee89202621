#include "http/event_client.hpp"

#include "http/ask.hpp"
#include "http/problem.hpp"
#include "messages/job_states.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <boost/asio/write.hpp>

namespace troupe::http {

bool is_event_path(const std::vector<std::string>& path) {
  auto jobs = path.size() >= 4 && path[0] == "api" && path[1] == "v1" && path[2] == "jobs";
  return jobs && path.back() == "events" && (path.size() == 4 || path.size() == 5);
}

event_client::event_client(loop& in, client_socket socket, service_ptr shared, request of, unsigned version,
                           share place)
  : stream_client(in, std::move(socket), std::move(shared), std::move(of), version, std::move(place), 0) {}

void event_client::start() {
  begin(shared_->config.ask_timeout);
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
  listener_ =
    shared_->event_clients->enter(core::client_name(request_.from), shared_->config.event_clients_per_client).held;
  if (!listener_)
    return refuse(problem(ec::limit, "this client has reached its limit of event streams", request_.id));
  // Events that happen while the store is asked for the missed ones wait in the feed.
  feed_ = shared_->events->join(filter_, waker(phase::opening, &event_client::ask_missed));
  if (!feed_)
    refuse(problem(ec::limit, "the limit of clients that listen to events is reached", request_.id));
}

void event_client::ask_missed() {
  if (!filter_.id && !seen_) {
    live_ = true;
    return pump();
  }
  ask<job_replay>(shared_->system, shared_->gateway, shared_->config.ask_timeout, answer_to(&event_client::take_missed),
                  job_replay_question{filter_.id, seen_});
}

void event_client::take_missed(caf::expected<job_replay> x) {
  if (phase_ != phase::opening && phase_ != phase::waiting)
    return;
  if (!x)
    return headed_ ? hang_up("the store does not answer") : refuse(problem(x.error(), request_.id));
  live_ = !x->more;
  // The rows may be newer than the job's record. So the latest row says whether the job has ended; without rows, the
  // record does.
  auto latest = std::find_if(x->rows.rbegin(), x->rows.rend(), [](auto& r) { return !is_chunk(r); });
  auto told = latest != x->rows.rend();
  auto over = live_ && x->job && (told ? is_end(*latest) : is_ended(x->job->job.state));
  if (!seen_ && x->job) {
    missed_ = snapshot_text(*x->job, x->rows.empty() ? 0 : x->rows.back().row.number);
    // The end of a job ends its stream, for late clients too.
    if (over && told)
      missed_ += event_text(*latest);
  } else {
    for (auto& row : x->rows)
      if (filter_.passes(row))
        missed_ += event_text(row);
    // Nothing new, and nothing to come: this answer stops a browser from asking again.
    if (over && missed_.empty() && !headed_)
      return refuse({status::no_content, {}, {}, {}});
  }
  if (!x->rows.empty())
    seen_ = x->rows.back().row.number;
  last_ = over;
  pump();
}

void event_client::refuse(reply x) {
  leave();
  stream_client::refuse(std::move(x));
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
  feed_->notify(waker(phase::waiting, &event_client::pump));
}

void event_client::write(std::string text) {
  phase_ = phase::writing;
  expire_after(shared_->config.write_timeout);
  text_.clear();
  if (!std::exchange(headed_, true)) {
    text_ =
      head_of({status::ok, "text/event-stream", {}, {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}});
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

void event_client::deadline_passed() {
  if (phase_ == phase::waiting && live_)
    return write(": nothing new\n\n");
  stream_client::deadline_passed();
}

void event_client::leave() {
  listener_.reset();
  feed_.reset();
}

} // namespace troupe::http

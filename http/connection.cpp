#include "http/connection.hpp"

#include "config/waits.hpp"
#include "http/event_client.hpp"
#include "http/file_client.hpp"
#include "http/problem.hpp"
#include "http/target.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/write.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <boost/beast/http/write.hpp>

namespace troupe::http {

namespace {

namespace beast = boost::beast;
using beast::http::field;

/// Room after the longest header for data that a client sends ahead.
constexpr size_t read_ahead_bytes = 16 * 1024;

/// Size of the first read; most requests fit into it.
constexpr size_t first_read_bytes = 4096;

/// Takes the token off "/t/TOKEN/live/...", the address of a channel that was made for one player. Empty if there is
/// none.
std::string take_token(std::vector<std::string>& path) {
  if (path.size() < 3 || path[0] != "t" || path[2] != "live")
    return {};
  auto result = std::move(path[1]);
  path.erase(path.begin(), path.begin() + 2);
  return result;
}

/// True if the client takes gzip, and does not rather take anything else (`q=0`).
bool takes_gzip(beast::string_view accepted) {
  for (auto& coding : beast::http::ext_list{accepted})
    if (beast::iequals(coding.first, "gzip"))
      return std::none_of(coding.second.begin(), coding.second.end(), [](const auto& x) {
        return beast::iequals(x.first, "q") && x.second.find_first_not_of("0.") == beast::string_view::npos;
      });
  return false;
}

constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";

std::chrono::milliseconds elapsed(clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - since);
}

} // namespace

connection::connection(loop& in, client_socket socket, service_ptr shared, guest who, std::string crowded)
  : loop_(in),
    socket_(std::move(socket)),
    shared_(std::move(shared)),
    guest_(std::move(who)),
    crowded_(std::move(crowded)),
    buffer_(shared_->config.header_bytes_max + read_ahead_bytes) {}

void connection::start() {
  loop_.add(shared_from_this());
  await_request(shared_->config.header_timeout);
}

void connection::await_request(std::chrono::milliseconds timeout) {
  phase_ = phase::idle;
  expire_after(timeout);
  if (skip_empty_lines())
    return read_header();
  await_bytes();
}

void connection::await_bytes() {
  socket_.async_read_some(buffer_.prepare(first_read_bytes), [me = self(this)](const error_code& failure, size_t n) {
    if (me->phase_ != phase::idle)
      return;
    if (failure)
      return me->close();
    me->buffer_.commit(n);
    if (me->skip_empty_lines())
      me->read_header();
    else
      me->await_bytes();
  });
}

bool connection::skip_empty_lines() {
  constexpr std::string_view line_end = "\r\n";
  for (;;) {
    auto data = buffer_.cdata();
    std::string_view text{static_cast<const char*>(data.data()), data.size()};
    if (!text.starts_with(line_end))
      return !text.empty() && text != line_end.substr(0, 1);
    buffer_.consume(line_end.size());
  }
}

void connection::read_header() {
  phase_ = phase::reading;
  if (!first_)
    expire_after(shared_->config.header_timeout);
  first_ = false;
  timed_out_ = false;
  began_ = clock::now();
  request_ = {};
  request_.id = new_request_id();
  request_.remote = guest_.remote;
  request_.secure = guest_.secure;
  request_.proxied = guest_.proxied;
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(shared_->config.header_bytes_max));
  parser_->body_limit(boost::none); // files have their own limit
  beast::http::async_read_header(socket_, buffer_, *parser_,
                                 [me = self(this)](const error_code& failure, size_t) { me->on_header(failure); });
}

void connection::on_header(const error_code& failure) {
  if (phase_ != phase::reading)
    return;
  if (failure)
    return read_failed(failure);
  auto& header = parser_->get();
  if (auto given = header["X-Request-Id"]; is_request_id({given.data(), given.size()}))
    request_.id.assign(given.data(), given.size());
  if (refuse_framing() || refuse_request() || hand_over())
    return;
  if (parser_->is_done())
    return dispatch();
  if (auto length = parser_->content_length(); length && *length > shared_->config.body_bytes_max)
    return read_failed(beast::http::error::body_limit);
  if (!make_room())
    return;
  parser_->body_limit(shared_->config.body_bytes_max);
  expire_after(shared_->config.header_timeout);
  if (!beast::iequals(header[field::expect], "100-continue"))
    return read_body();
  boost::asio::async_write(socket_, boost::asio::buffer(go_on), [me = self(this)](const error_code& failed, size_t) {
    if (me->phase_ != phase::reading)
      return;
    if (failed)
      me->read_failed(failed);
    else
      me->read_body();
  });
}

bool connection::refuse_framing() {
  auto& header = parser_->get();
  auto codings = header.count(field::transfer_encoding);
  auto coding = header[field::transfer_encoding];
  if (codings == 0 || (codings == 1 && header.version() >= 11 && beast::iequals(coding, "chunked")))
    return false;
  parse_target();
  if (codings == 1 && header.version() >= 11 && parser_->chunked())
    refuse(status::not_implemented, "invalid_argument", "this server supports no transfer coding except chunked");
  else
    refuse(status::bad_request, "invalid_argument",
           "the last of the body's transfer codings must be chunked, once, in HTTP/1.1");
  return true;
}

bool connection::make_room() {
  auto& config = shared_->config;
  auto most = std::max(config.bodies_bytes_max, config.body_bytes_max);
  auto length = parser_->content_length();
  auto room = share::take(shared_->counters, &statistics::bodies_bytes, length ? *length : config.body_bytes_max, most);
  if (!room) {
    keep_alive_ = false;
    answer(problem(ec::limit, "too many request bodies are in memory; try again", request_.id));
    return false;
  }
  body_ = std::move(*room);
  return true;
}

void connection::read_body() {
  beast::http::async_read(socket_, buffer_, *parser_,
                          [me = self(this)](const error_code& failure, size_t) { me->on_body(failure); });
}

void connection::on_body(const error_code& failure) {
  if (phase_ != phase::reading)
    return;
  if (failure)
    read_failed(failure);
  else
    dispatch();
}

void connection::read_failed(const error_code& failure) {
  using beast::http::error;
  if (timed_out_) {
    if (buffer_.size() == 0 && !parser_->got_some())
      return close();
    return refuse(status::request_timeout, "timeout", "the request did not arrive in time");
  }
  if (failure == error::header_limit || failure == error::buffer_overflow) {
    // The parser takes the request line as soon as it is complete, so this tells which part was too long.
    if (parser_->get().target().empty())
      return refuse(status::uri_too_long, "limit", "the request target is longer than this server accepts");
    return refuse(status::request_header_fields_too_large, "limit", "the header is larger than this server accepts");
  }
  if (failure == error::body_limit)
    return refuse(status::payload_too_large, "limit", "the body is larger than this server accepts");
  if (failure == error::bad_version)
    return refuse(status::http_version_not_supported, "invalid_argument", "this server speaks HTTP/1.1");
  if (failure == error::end_of_stream || failure == error::partial_message
      || failure.category() != make_error_code(error::bad_method).category())
    return close();
  refuse(status::bad_request, "invalid_argument", "the request is no well-formed HTTP: " + failure.message());
}

bool connection::parse_target() {
  auto& header = parser_->get();
  request_.method = header.method();
  request_.target.assign(header.target().data(), header.target().size());
  auto path = decode_path(request_.target);
  if (!path)
    return false;
  request_.path = std::move(*path);
  request_.place = guest_.place;
  auto query = request_.target.find('?');
  request_.query = query == std::string::npos ? std::string{} : request_.target.substr(query + 1);
  auto key = header["Idempotency-Key"];
  request_.idempotency_key.assign(key.data(), key.size());
  request_.takes_chunks = header.version() >= 11;
  request_.takes_gzip = takes_gzip(header[field::accept_encoding]);
  auto range = header[field::range];
  request_.range.assign(range.data(), range.size());
  auto seen = header["Last-Event-ID"];
  request_.last_event_id.assign(seen.data(), seen.size());
  auto has_token = !request_.path.empty() && request_.path.front() == "t";
  request_.address_token = take_token(request_.path);
  // Something that only begins like such an address may have a token anywhere.
  if (has_token)
    request_.target = request_.address_token.empty() ? "/t/***" : mask_token(request_.target);
  return true;
}

bool connection::refuse_request() {
  auto& header = parser_->get();
  // A body is not read for nothing: then the connection ends with the answer.
  keep_alive_ = header.keep_alive() && parser_->is_done() && !stopping_ && crowded_.empty();
  auto understood = parse_target();
  auto turn_away = [this](reply x) {
    answer(std::move(x));
    return true;
  };
  auto refused = [this](status code, std::string_view word, std::string_view detail) {
    refuse(code, word, detail);
    return true;
  };
  if (!crowded_.empty())
    return turn_away(problem(ec::limit, crowded_, request_.id));
  if (header.target().size() > shared_->config.target_bytes_max)
    return refused(status::uri_too_long, "limit", "the request target is longer than this server accepts");
  if (!understood)
    return refused(status::bad_request, "invalid_argument", "the request target is not a valid path");
  if (auto no =
        (guest_.secure ? shared_->https_guard : shared_->guard).check(header.version(), request_.method, header))
    return refused(no->code, no->word, no->detail);
  auto& door = *shared_->door;
  door.place(request_, guest_.from, header);
  auto found = routes::find(request_);
  if (!found) {
    auto crowd = door.count(request_, clock::now());
    return turn_away(crowd ? std::move(*crowd) : std::move(found.error()));
  }
  route_ = *found;
  auto refusal = door.check(request_, route_->needs, route_->pattern, header, clock::now());
  if (refusal && route_->needs == core::need::channel)
    allow_all_origins(*refusal);
  return refusal && turn_away(std::move(*refusal));
}

void connection::dispatch() {
  auto& header = parser_->get();
  keep_alive_ = header.keep_alive() && !stopping_;
  request_.body = std::move(parser_->get().body());
  if (!request_.path.empty() && request_.path.front() == "live")
    return dispatch_live();
  if (request_.method != verb::get || !is_event_path(request_.path))
    return ask_api();
  if (auto streams = enter_streams())
    become<event_client>(std::move(request_), header.version(), std::move(*streams));
}

std::optional<share> connection::enter_streams() {
  auto most = shared_->config.streams_max();
  auto result = share::take(shared_->counters, &statistics::streams, 1, most);
  if (!result) {
    keep_alive_ = false;
    answer(problem(ec::limit, "the server has reached its limit of streams and file transfers: " + std::to_string(most),
                   request_.id));
  }
  return result;
}

bool connection::hand_over() {
  auto target = shared_->file_loops.empty() || stopping_ ? std::nullopt : file_target::of(request_.path);
  if (!target)
    return false;
  keep_alive_ = false;
  auto streams = enter_streams();
  if (!streams)
    return true;
  error_code failure;
  phase_ = phase::closed;
  auto given = std::make_shared<file_request>(file_request{std::move(*target), std::move(request_),
                                                           base::descriptor{socket_.release(failure)},
                                                           std::move(buffer_), nullptr, began_, std::move(*streams)});
  given->parser = std::make_unique<beast::http::request_parser<beast::http::buffer_body>>(std::move(*parser_));
  auto& to = *shared_->file_loops[static_cast<size_t>(given->socket.get()) % shared_->file_loops.size()];
  to.mail()->post([&to, shared = shared_, given] {
    if (!to.stopping())
      std::make_shared<file_client>(to, shared, given)->start();
  });
  loop_.remove(shared_from_this());
  return true;
}

void connection::ask_api() {
  phase_ = phase::asking;
  // A reply needs at most two questions, one after the other.
  expire_after(config::defaults::outer_wait(2 * shared_->config.ask_timeout));
  auto take = [mail = loop_.mail(), weak = std::weak_ptr<peer>{shared_from_this()}, turn = ++turn_](reply x) {
    mail->post([weak, turn, shared = std::make_shared<reply>(std::move(x))] {
      auto me = std::static_pointer_cast<connection>(weak.lock());
      if (me && me->phase_ == phase::asking && me->turn_ == turn)
        me->answer(std::move(*shared));
    });
  };
  shared_->api->handle(*route_, request_, std::move(take));
}

void connection::refuse(status code, std::string_view word, std::string_view detail) {
  keep_alive_ = false;
  answer(problem(code, word, detail, request_.id));
}

void connection::answer(reply x) {
  phase_ = phase::writing;
  expire_after(shared_->config.write_timeout);
  body_ = {};
  // Without a length, the end of the connection marks the end of the answer.
  keep_alive_ = keep_alive_ && !stopping_ && !x.endless;
  auto version = parser_ && parser_->is_header_done() ? parser_->get().version() : 11u;
  delivery_.reset();
  media_ = x.media;
  rest_ = x.rest;
  part_ = x.part;
  viewer_ = x.viewer;
  response_ = make_response(std::move(x), request_, version, keep_alive_);
  if (rest_) {
    response_->erase(field::content_length);
    response_->chunked(true);
  }
  shared_->counters->count_response(response_->result_int());
  if (!media_.empty() && request_.method != verb::head)
    return write_media();
  beast::http::async_write(socket_, *response_,
                           [me = self(this)](const error_code& failure, size_t n) { me->on_written(failure, n); });
}

void connection::on_written(const error_code& failure, size_t bytes) {
  shared_->counters->sent_bytes += bytes;
  if (auto to = std::exchange(viewer_, nullptr)) {
    to->sent(bytes, clock::now());
    shared_->counters->count_delivered(to->format(), bytes);
  }
  if (phase_ != phase::writing)
    return;
  access_record record{request_.id, guest_.remote,           {},    request_.target, {},
                       {},          response_->result_int(), bytes, elapsed(began_), {}};
  auto method = beast::http::to_string(request_.method);
  record.method.assign(method.data(), method.size());
  if (failure)
    record.note = failure.message();
  write_log(*shared_, std::move(record));
  response_.reset();
  media_.clear();
  rest_.reset();
  if (failure)
    return close();
  if (keep_alive_ && !stopping_)
    return await_request(shared_->config.idle_timeout);
  phase_ = phase::closed;
  auto me = shared_from_this();
  linger(loop_, std::move(socket_));
  loop_.remove(me);
}

void connection::deadline_passed() {
  switch (phase_) {
  case phase::reading: {
    // The read ends with "aborted"; its handler answers.
    timed_out_ = true;
    expire_after(shared_->config.write_timeout);
    error_code failure;
    socket_.cancel(failure);
    break;
  }
  case phase::asking:
    refuse(status::gateway_timeout, "timeout", "the coordinator did not answer in time; try again");
    break;
  case phase::awaiting:
    abandon(boost::asio::error::timed_out);
    break;
  default:
    close();
  }
}

void connection::shut_down() {
  stopping_ = true;
  if (phase_ == phase::idle || phase_ == phase::reading)
    close();
  else if (phase_ == phase::asking && delivery_)
    answer(problem(ec::stopping, {}, request_.id));
}

void connection::close() {
  phase_ = phase::closed;
  delivery_.reset();
  rest_.reset();
  error_code failure;
  socket_.close(failure);
  loop_.remove(shared_from_this());
}

} // namespace troupe::http

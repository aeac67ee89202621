#include "http/http2_session.hpp"

#include <cerrno>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

namespace troupe::http {

namespace {

constexpr uint32_t requests_at_once_max = 128;

/// What a client may send of one request's body, and of all together, before the server has taken it.
constexpr uint32_t request_window_bytes = 256 * 1024;
constexpr int32_t client_window_bytes = 1024 * 1024;

/// Frames that wait for the client to read. Beyond that, nothing more is read from it.
constexpr size_t waiting_frames_max = 1000;

/// Local sockets that are kept for further requests.
constexpr size_t used_sockets_max = 8;

/// What a client may do in a window of time: give up requests, or have them fail by its own fault; and send frames that
/// move nothing: pings, settings, priorities, empty pieces of bodies. Players give up a few requests when they seek.
constexpr std::chrono::seconds count_window{10};
constexpr uint32_t given_up_max = 200;
constexpr uint32_t useless_max = 1000;

/// While there are requests.
constexpr std::chrono::milliseconds look_interval{1'000};

/// Of one write, at most; and one frame more.
constexpr size_t written_bytes = 32 * 1024;

} // namespace

http2_session::http2_session(loop& in, service_ptr shared, tls_stream_ptr client, guest who, server_end serve)
  : loop_(in),
    shared_(std::move(shared)),
    client_(std::move(client)),
    guest_(std::move(who)),
    serve_(std::move(serve)),
    session_(open_native(), &nghttp2_session_del),
    given_up_(given_up_max, count_window),
    useless_(useless_max, count_window) {}

http2_session::~http2_session() {
  drop_all();
}

void http2_session::start() {
  // As without TLS, a connection too many takes the place of one without a request.
  if (guest_.client_crowded)
    guest_.client_crowded = !loop_.drop_idle(*guest_.place);
  else if (guest_.crowded)
    guest_.crowded = !loop_.drop_idle();
  loop_.add(shared_from_this());
  if (!session_)
    return close();
  limit_unsent(client_->client.next_layer().native_handle());
  auto head_max = static_cast<uint32_t>(shared_->config.header_bytes_max);
  std::array<nghttp2_settings_entry, 4> settings{{{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, requests_at_once_max},
                                                  {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, request_window_bytes},
                                                  {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, head_max},
                                                  {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1}}};
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, client_window_bytes);
  watch_time();
  flush();
  read_client();
}

// -- of the client ----------------------------------------------------------------

void http2_session::read_client() {
  if (closed_ || reading_ || nghttp2_session_get_outbound_queue_size(session_.get()) > waiting_frames_max)
    return;
  reading_ = true;
  auto to = boost::asio::buffer(from_client_);
  client_->client.async_read_some(to, [me = self(this)](const error_code& failure, size_t n) {
    me->reading_ = false;
    if (me->closed_)
      return;
    if (failure)
      return me->close();
    me->receive(n);
  });
}

void http2_session::receive(size_t bytes) {
  receiving_ = true;
  auto used = nghttp2_session_mem_recv(session_.get(), from_client_.data(), bytes);
  receiving_ = false;
  if (used < 0)
    return close(); // no HTTP/2, or a flood
  flush();
  read_client();
}

void http2_session::flush() {
  if (closed_ || receiving_ || writing_)
    return;
  while (to_client_.size() < written_bytes) {
    const uint8_t* piece = nullptr;
    auto n = nghttp2_session_mem_send(session_.get(), &piece);
    if (n < 0)
      return close();
    if (n == 0)
      break;
    to_client_.append(reinterpret_cast<const char*>(piece), static_cast<size_t>(n));
  }
  if (to_client_.empty()) {
    if (nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0)
      end();
    return;
  }
  writing_ = true;
  wrote_ = clock::now();
  boost::asio::async_write(client_->client, boost::asio::buffer(to_client_),
                           [me = self(this)](const error_code& failure, size_t) {
                             me->writing_ = false;
                             if (me->closed_)
                               return;
                             if (failure)
                               return me->close();
                             me->to_client_.clear();
                             me->flush();
                             me->read_client();
                           });
}

http2_session::exchange_ptr http2_session::find(int32_t id) const {
  auto i = exchanges_.find(id);
  return i == exchanges_.end() ? nullptr : i->second;
}

http2_session::exchange_ptr http2_session::make_exchange(int32_t id) {
  http2_exchange::listener& me = *this;
  return std::make_shared<http2_exchange>(id, me, shared_->config.header_bytes_max);
}

void http2_session::dispatch(http2_exchange& x, bool has_body) {
  asked_ = true;
  x.has_head = true;
  // All responses get the same share of the connection.
  nghttp2_extpri share{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
  nghttp2_session_change_extpri_stream_priority(session_.get(), x.id, &share, 1);
  if (x.head.is_too_large())
    return refuse(x, status::request_header_fields_too_large);
  // A client's requests under way are limited as its connections are.
  x.place = shared_->http2_requests->enter(*guest_.place, places_of(*shared_, guest_.from)).held;
  if (!x.place)
    return refuse(x, status::service_unavailable);
  begin(x, has_body);
}

void http2_session::refuse(http2_exchange& x, status code) {
  x.is_excused = true;
  field_list head{{":status", std::to_string(static_cast<unsigned>(code))}, {"content-length", "0"}};
  if (code == status::service_unavailable)
    head.emplace_back("retry-after", "1");
  answers(x, std::move(head), true);
}

void http2_session::reset(http2_exchange& x, uint32_t why) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, x.id, why);
}

void http2_session::forget(int32_t id) {
  auto x = find(id);
  if (!x)
    return;
  exchanges_.erase(id);
  nghttp2_session_consume_connection(session_.get(), x->unconsumed_bytes());
  auto socket = x->close();
  if (socket && !loop_.stopping() && used_.size() < used_sockets_max)
    used_.push_back(std::move(*socket));
  watch_time();
  // Whatever the client says about its reason: what counts is what it did.
  if (!x->is_at_end() && !x->is_excused)
    count(given_up_);
}

void http2_session::count(core::sliding_limit& what) {
  if (!what.take({}, clock::now()).allowed)
    terminate(NGHTTP2_ENHANCE_YOUR_CALM);
}

void http2_session::terminate(uint32_t why) {
  if (std::exchange(ending_, true))
    return;
  nghttp2_session_terminate_session(session_.get(), why);
  expire_after(shared_->config.write_timeout);
}

// -- of the server ----------------------------------------------------------------

void http2_session::begin(http2_exchange& x, bool has_body) {
  auto& config = shared_->config;
  if (auto socket = has_body || !x.head.only_reads() ? std::nullopt : used_socket())
    return x.begin(std::move(*socket), true, has_body);
  uint64_t open = shared_->counters->connections;
  auto pair =
    open < config.connections_max + crowd_of(config.connections_max) ? local_pair::make(loop_.context()) : std::nullopt;
  if (!pair)
    return refuse(x, status::service_unavailable);
  auto who = guest_;
  who.crowded = who.crowded || open >= config.connections_max;
  who.shares_connection = true;
  serve_(std::move(pair->other), std::move(who));
  x.begin(std::move(pair->mine), false, has_body);
}

void http2_session::drop_ended() {
  std::erase_if(used_, [](auto& x) {
    char next = 0;
    // Nothing comes between two responses, except for the end.
    return ::recv(x.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
  });
}

std::optional<local_pair::socket> http2_session::used_socket() {
  drop_ended();
  if (used_.empty())
    return {};
  auto result = std::move(used_.back());
  used_.pop_back();
  return result;
}

void http2_session::answers(http2_exchange& x, field_list head, bool ends) {
  if (!respond(x, head, ends))
    reset(x, NGHTTP2_INTERNAL_ERROR);
  flush();
}

void http2_session::has_more(http2_exchange& x) {
  nghttp2_session_resume_data(session_.get(), x.id);
  flush();
}

void http2_session::consumed(http2_exchange& x, size_t bytes) {
  nghttp2_session_consume(session_.get(), x.id, bytes);
  flush();
}

void http2_session::broke(http2_exchange& x) {
  if (!x.may_be_repeated() || loop_.stopping()) {
    x.is_excused = true;
    reset(x, NGHTTP2_INTERNAL_ERROR);
    return flush();
  }
  auto again = make_exchange(x.id);
  again->head = x.head;
  again->place = x.place;
  again->has_head = true;
  auto& held = exchanges_[x.id];
  held->close();
  held = again;
  begin(*again, false);
}

// -- ends -------------------------------------------------------------------------

void http2_session::watch_time() {
  auto& config = shared_->config;
  if (ending_)
    return;
  if (exchanges_.empty())
    return expire_after(asked_ ? config.idle_timeout : config.header_timeout);
  // However often requests begin and end, they are looked at.
  if (auto next = deadline(); !next || *next > clock::now() + look_interval)
    expire_after(look_interval);
}

void http2_session::deadline_passed() {
  auto& config = shared_->config;
  auto now = clock::now();
  if (ending_ || (writing_ && now - wrote_ > config.write_timeout))
    return close();
  if (exchanges_.empty())
    terminate(NGHTTP2_NO_ERROR);
  drop_ended();
  for (auto& [id, x] : exchanges_) {
    auto is_blocked = nghttp2_session_get_stream_remote_window_size(session_.get(), id) <= 0
                      || nghttp2_session_get_remote_window_size(session_.get()) <= 0;
    if (is_blocked && x->waits_since(now - config.write_timeout))
      reset(*x, NGHTTP2_CANCEL);
    else if (!x->has_head && now - x->began > config.header_timeout)
      terminate(NGHTTP2_ENHANCE_YOUR_CALM);
  }
  if (!ending_)
    expire_never();
  watch_time();
  flush();
}

void http2_session::shut_down() {
  used_.clear();
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_.get()),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  flush();
}

void http2_session::end() {
  closed_ = true;
  drop_all();
  farewell(loop_, client_);
  loop_.remove(shared_from_this());
}

void http2_session::close() {
  closed_ = true;
  drop_all();
  error_code ignored;
  client_->client.next_layer().close(ignored);
  loop_.remove(shared_from_this());
}

void http2_session::drop_all() {
  for (auto& [id, x] : exchanges_)
    x->close();
  exchanges_.clear();
  used_.clear();
}

} // namespace troupe::http

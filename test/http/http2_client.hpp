// Clients that speak HTTP/2 over TLS, with a deadline for everything: one by nghttp2, and one that sends any frames.
#pragma once

#include "tls_client.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

namespace troupe::http {

class http2_client {
public:
  using fields = std::vector<std::pair<std::string, std::string>>;

  struct wishes {
    bool takes_all = true;    ///< false: lets the server send only one window of each body, until `take`
    bool is_careless = false; ///< sends what HTTP forbids
    uint32_t from = INADDR_LOOPBACK;
  };

  struct answer {
    std::vector<std::string> announced; ///< status codes below 200
    std::string status;
    std::map<std::string, std::string> fields;
    std::string body;
    bool closed = false;
    uint32_t error = 0; ///< by which it was closed
  };

  http2_client(uint16_t port, const std::string& authority) : http2_client(port, authority, wishes{}) {}

  http2_client(uint16_t port, const std::string& authority, const wishes& x)
    : tls_(port, authority, {.protocols = std::string{"\x02h2"}, .from = x.from}) {
    if (!tls_.greet() || tls_.protocol() != "h2")
      throw std::runtime_error("the server does not speak HTTP/2");
    nghttp2_session_callbacks* calls = nullptr;
    nghttp2_option* options = nullptr;
    nghttp2_session* made = nullptr;
    nghttp2_session_callbacks_new(&calls);
    nghttp2_option_new(&options);
    nghttp2_session_callbacks_set_on_header_callback(calls, &on_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, &on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, &on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, &on_close);
    nghttp2_option_set_no_auto_window_update(options, x.takes_all ? 0 : 1);
    nghttp2_option_set_no_http_messaging(options, x.is_careless ? 1 : 0);
    nghttp2_session_client_new2(&made, calls, this, options);
    nghttp2_option_del(options);
    nghttp2_session_callbacks_del(calls);
    session_.reset(made);
    nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, nullptr, 0);
  }

  http2_client(const http2_client&) = delete;
  http2_client& operator=(const http2_client&) = delete;

  /// Sends a request, and returns the number of its stream. With `unfinished`, the body has no end.
  int32_t ask(const std::string& method, const std::string& path, fields more = {}, std::string body = {},
              bool unfinished = false) {
    more.insert(more.begin(),
                {{":method", method}, {":scheme", "https"}, {":authority", "localhost"}, {":path", path}});
    return ask_as(more, std::move(body), unfinished);
  }

  /// The same, with just these fields.
  int32_t ask_as(const fields& head, std::string body = {}, bool unfinished = false) {
    std::vector<nghttp2_nv> native;
    auto bytes_of = [](const std::string& x) { return reinterpret_cast<uint8_t*>(const_cast<char*>(x.data())); };
    for (auto& [name, value] : head)
      native.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    auto to_send = std::make_unique<upload>(upload{std::move(body), 0, unfinished});
    auto has_body = unfinished || !to_send->text.empty();
    nghttp2_data_provider from{{}, &read_upload};
    from.source.ptr = to_send.get();
    auto id = nghttp2_submit_request(session_.get(), nullptr, native.data(), native.size(), has_body ? &from : nullptr,
                                     nullptr);
    uploads_.push_back(std::move(to_send));
    answers_[id];
    flush();
    return id;
  }

  /// Everything that came for the stream up to now.
  const answer& of(int32_t id) {
    return answers_[id];
  }

  /// Reads until the condition holds. False if the server ends the connection, or says nothing for ten seconds.
  template <class Condition>
  bool reached(Condition condition) {
    flush();
    while (!condition()) {
      auto text = tls_.read_some();
      if (text.empty())
        return false;
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const uint8_t*>(text.data()), text.size());
      flush();
    }
    return true;
  }

  /// The whole answer.
  const answer& wait(int32_t id) {
    reached([this, id] { return of(id).closed; });
    return of(id);
  }

  /// One request, and its answer.
  const answer& get(const std::string& path, fields more = {}) {
    return wait(ask("GET", path, std::move(more)));
  }

  void reset(int32_t id) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    flush();
  }

  void ping() {
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
    flush();
  }

  /// Lets the server send as much again as it has sent of this body.
  void take(int32_t id) {
    nghttp2_session_consume(session_.get(), id, std::exchange(untaken_[id], 0));
    flush();
  }

  /// The error with which the server says goodbye; empty: it has not.
  std::optional<uint32_t> farewell() const {
    return farewell_;
  }

  /// Reads until the server ends the connection.
  void read_to_end() {
    reached([] { return false; });
    if (!tls_.has_ended())
      throw std::runtime_error("the server does not end the connection");
  }

private:
  struct upload {
    std::string text;
    size_t at = 0;
    bool unfinished = false;
  };

  static http2_client& self(void* user) {
    return *static_cast<http2_client*>(user);
  }

  static int on_field(nghttp2_session*, const nghttp2_frame* x, const uint8_t* name, size_t name_size,
                      const uint8_t* value, size_t value_size, uint8_t, void* user) {
    auto& to = self(user).answers_[x->hd.stream_id];
    std::string key{reinterpret_cast<const char*>(name), name_size};
    std::string text{reinterpret_cast<const char*>(value), value_size};
    if (key == ":status" && text.starts_with('1'))
      to.announced.push_back(text);
    else if (key == ":status")
      to.status = text;
    else
      to.fields[key] = text;
    return 0;
  }

  static int on_data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
    self(user).answers_[id].body.append(reinterpret_cast<const char*>(data), size);
    self(user).untaken_[id] += size;
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* x, void* user) {
    if (x->hd.type == NGHTTP2_GOAWAY)
      self(user).farewell_ = x->goaway.error_code;
    return 0;
  }

  static int on_close(nghttp2_session*, int32_t id, uint32_t error, void* user) {
    auto& x = self(user).answers_[id];
    x.closed = true;
    x.error = error;
    return 0;
  }

  static ssize_t read_upload(nghttp2_session*, int32_t, uint8_t* to, size_t most, uint32_t* flags,
                             nghttp2_data_source* from, void*) {
    auto& x = *static_cast<upload*>(from->ptr);
    auto n = std::min(most, x.text.size() - x.at);
    std::copy_n(x.text.begin() + static_cast<std::ptrdiff_t>(x.at), n, to);
    x.at += n;
    if (x.at == x.text.size() && !x.unfinished)
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    else if (n == 0)
      return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(n);
  }

  void flush() {
    const uint8_t* piece = nullptr;
    for (;;) {
      auto n = nghttp2_session_mem_send(session_.get(), &piece);
      if (n <= 0)
        break;
      outgoing_.append(reinterpret_cast<const char*>(piece), static_cast<size_t>(n));
    }
    if (!outgoing_.empty())
      tls_.send(std::exchange(outgoing_, {}));
  }

  tls_client tls_;
  std::unique_ptr<nghttp2_session, decltype(&nghttp2_session_del)> session_{nullptr, &nghttp2_session_del};
  std::map<int32_t, answer> answers_;
  std::map<int32_t, size_t> untaken_;
  std::vector<std::unique_ptr<upload>> uploads_;
  std::string outgoing_;
  std::optional<uint32_t> farewell_;
};

/// A frame of HTTP/2 (RFC 9113, 4.1).
struct raw_frame {
  uint8_t type = 0;
  uint8_t flags = 0;
  uint32_t stream = 0;
  std::string payload;

  static std::string number(uint32_t x) {
    return {static_cast<char>(x >> 24), static_cast<char>(x >> 16), static_cast<char>(x >> 8), static_cast<char>(x)};
  }

  std::string text() const {
    return number(static_cast<uint32_t>(payload.size())).substr(1) + static_cast<char>(type) + static_cast<char>(flags)
           + number(stream) + payload;
  }

  /// The error of RST_STREAM, or of GOAWAY.
  uint32_t error() const {
    uint32_t result = 0;
    for (auto c : payload.substr(type == NGHTTP2_GOAWAY ? 4 : 0, 4))
      result = result << 8 | static_cast<uint8_t>(c);
    return result;
  }
};

class raw_http2_client {
public:
  /// Greets, with this payload of its settings.
  raw_http2_client(uint16_t port, const std::string& authority, const std::string& settings = {})
    : tls_(port, authority, {.protocols = std::string{"\x02h2"}}) {
    if (!tls_.greet())
      throw std::runtime_error("no TLS");
    tls_.send(NGHTTP2_CLIENT_MAGIC + raw_frame{NGHTTP2_SETTINGS, 0, 0, settings}.text());
  }

  bool send(const std::string& text) {
    return tls_.send(text);
  }

  /// A request for "/" that has no body.
  static raw_frame request(uint32_t stream) {
    return {NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, stream,
            "\x82\x87\x84\x41\x09localhost"}; // RFC 7541, appendix A
  }

  /// The next frame; empty if the server ends the connection.
  std::optional<raw_frame> next() {
    constexpr size_t head = 9;
    auto number = [this](size_t at, size_t size) {
      uint32_t result = 0;
      for (auto i = at; i < at + size; ++i)
        result = result << 8 | static_cast<uint8_t>(text_[i]);
      return result;
    };
    while (text_.size() < head || text_.size() < head + number(0, 3)) {
      auto more = tls_.read_some();
      if (more.empty())
        return {};
      text_ += more;
    }
    auto size = number(0, 3);
    raw_frame result{static_cast<uint8_t>(text_[3]), static_cast<uint8_t>(text_[4]), number(5, 4),
                     text_.substr(head, size)};
    text_.erase(0, head + size);
    return result;
  }

  /// All frames until the server ends the connection.
  std::vector<raw_frame> rest() {
    std::vector<raw_frame> result;
    while (auto x = next())
      result.push_back(std::move(*x));
    if (!tls_.has_ended())
      throw std::runtime_error("the server does not end the connection");
    return result;
  }

private:
  tls_client tls_;
  std::string text_;
};

} // namespace troupe::http

// What nghttp2 calls: it tells what the client has sent, and asks for what the client may get.
#include "http/http2_session.hpp"

#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

namespace troupe::http {

namespace {

std::vector<nghttp2_nv> to_native(const field_list& fields) {
  auto bytes_of = [](const std::string& text) {
    return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data())); // nghttp2 copies the text
  };
  std::vector<nghttp2_nv> result;
  for (auto& [name, value] : fields)
    result.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
  return result;
}

std::string_view text_at(const uint8_t* text, size_t size) {
  return {reinterpret_cast<const char*>(text), size};
}

bool has_flag(const nghttp2_frame_hd& of, nghttp2_flag flag) {
  return (of.flags & flag) != 0;
}

bool is_request(const nghttp2_frame& x) {
  return x.hd.type == NGHTTP2_HEADERS && x.headers.cat == NGHTTP2_HCAT_REQUEST;
}

/// A frame that neither asks for anything nor brings anything.
bool is_useless(const nghttp2_frame_hd& x) {
  switch (x.type) {
  case NGHTTP2_HEADERS:
  case NGHTTP2_CONTINUATION: // few may follow a header
  case NGHTTP2_RST_STREAM:   // counted by its stream
  case NGHTTP2_WINDOW_UPDATE:
  case NGHTTP2_GOAWAY:
    return false;
  case NGHTTP2_DATA:
    return x.length == 0 && !has_flag(x, NGHTTP2_FLAG_END_STREAM);
  default:
    return true;
  }
}

} // namespace

struct http2_session::hooks {
  static http2_session& of(void* user) {
    return *static_cast<http2_session*>(user);
  }

  static int frame_begins(nghttp2_session*, const nghttp2_frame_hd* x, void* user) {
    if (is_useless(*x))
      of(user).count(of(user).useless_);
    return 0;
  }

  static int head_begins(nghttp2_session*, const nghttp2_frame* x, void* user) {
    auto& me = of(user);
    if (is_request(*x)) {
      auto id = x->hd.stream_id;
      me.exchanges_.emplace(id, me.make_exchange(id));
      me.watch_time();
    }
    return 0;
  }

  static int field(nghttp2_session*, const nghttp2_frame* x, const uint8_t* name, size_t name_size,
                   const uint8_t* value, size_t value_size, uint8_t, void* user) {
    // What follows a body has no meaning here.
    if (auto to = is_request(*x) ? of(user).find(x->hd.stream_id) : nullptr)
      to->head.add(text_at(name, name_size), text_at(value, value_size));
    return 0;
  }

  /// nghttp2 would only leave the field out, but the client means something by it: the request is refused.
  static int bad_field(nghttp2_session*, const nghttp2_frame*, const uint8_t*, size_t, const uint8_t*, size_t, uint8_t,
                       void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame(nghttp2_session*, const nghttp2_frame* x, void* user) {
    auto& me = of(user);
    auto to = me.find(x->hd.stream_id);
    auto last = has_flag(x->hd, NGHTTP2_FLAG_END_STREAM);
    if (to && is_request(*x))
      me.dispatch(*to, !last);
    else if (to && last && (x->hd.type == NGHTTP2_DATA || x->hd.type == NGHTTP2_HEADERS))
      to->finish();
    return 0;
  }

  static int bad_frame(nghttp2_session*, const nghttp2_frame*, int, void* user) {
    of(user).count(of(user).given_up_);
    return 0;
  }

  static int data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size, void* user) {
    if (auto to = of(user).find(id))
      to->send(text_at(bytes, size));
    return 0;
  }

  static int stream_closed(nghttp2_session*, int32_t id, uint32_t, void* user) {
    of(user).forget(id);
    return 0;
  }

  static int frame_sent(nghttp2_session* in, const nghttp2_frame* x, void*) {
    // The response is complete, the request is not: its rest is not wanted (RFC 9113, 8.1).
    if ((x->hd.type == NGHTTP2_HEADERS || x->hd.type == NGHTTP2_DATA) && has_flag(x->hd, NGHTTP2_FLAG_END_STREAM)
        && nghttp2_session_get_stream_remote_close(in, x->hd.stream_id) == 0)
      nghttp2_submit_rst_stream(in, NGHTTP2_FLAG_NONE, x->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
  }

  static ssize_t body(nghttp2_session*, int32_t id, uint8_t* to, size_t most, uint32_t* flags, nghttp2_data_source*,
                      void* user) {
    auto from = of(user).find(id);
    auto n = from ? from->take(to, most) : 0;
    if (!from || from->is_at_end())
      *flags |= NGHTTP2_DATA_FLAG_EOF;
    else if (n == 0)
      return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(n);
  }
};

nghttp2_session* http2_session::open_native() {
  nghttp2_session_callbacks* calls = nullptr;
  nghttp2_option* options = nullptr;
  nghttp2_session* result = nullptr;
  if (nghttp2_session_callbacks_new(&calls) == 0 && nghttp2_option_new(&options) == 0) {
    nghttp2_session_callbacks_set_on_begin_frame_callback(calls, &hooks::frame_begins);
    nghttp2_session_callbacks_set_on_begin_headers_callback(calls, &hooks::head_begins);
    nghttp2_session_callbacks_set_on_header_callback(calls, &hooks::field);
    nghttp2_session_callbacks_set_on_invalid_header_callback(calls, &hooks::bad_field);
    nghttp2_session_callbacks_set_on_frame_recv_callback(calls, &hooks::frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(calls, &hooks::bad_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(calls, &hooks::data);
    nghttp2_session_callbacks_set_on_stream_close_callback(calls, &hooks::stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(calls, &hooks::frame_sent);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_session_server_new2(&result, calls, this, options);
  }
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(calls);
  return result;
}

bool http2_session::respond(const http2_exchange& x, const field_list& head, bool ends) {
  auto native = to_native(head);
  // A status below 200 announces a response.
  if (head.front().second.starts_with('1'))
    return nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, x.id, nullptr, native.data(), native.size(),
                                  nullptr)
           == 0;
  nghttp2_data_provider from{{}, &hooks::body};
  return nghttp2_submit_response(session_.get(), x.id, native.data(), native.size(), ends ? nullptr : &from) == 0;
}

} // namespace troupe::http

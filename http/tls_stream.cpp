#include "http/tls_stream.hpp"

#include "http/service.hpp"

#include <string_view>
#include <utility>

namespace troupe::http {

namespace {

using boost::asio::ip::tcp;
using error_code = boost::system::error_code;

/// How long a client may take to answer the end of TLS, while the server works and while it stops.
constexpr std::chrono::milliseconds farewell_span{2'000};
constexpr std::chrono::milliseconds short_farewell_span{500};

bool has_chosen_http2(SSL* native) {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(native, &chosen, &size);
  return std::string_view{reinterpret_cast<const char*>(chosen), size} == "h2";
}

/// A client in its handshake.
class greeting final : public peer {
public:
  greeting(loop& in, tls_stream_ptr of, greeted_handler take)
    : loop_(in), stream_(std::move(of)), take_(std::move(take)) {}

  void start(std::chrono::milliseconds span) {
    loop_.add(shared_from_this());
    expire_after(span);
    stream_->client.async_handshake(boost::asio::ssl::stream_base::server,
                                    [me = self(this)](const error_code& failure) { me->greeted(failure); });
  }

  void deadline_passed() override {
    close();
  }

  void shut_down() override {
    close();
  }

private:
  void greeted(const error_code& failure) {
    if (ended_)
      return;
    if (failure)
      return close();
    ended_ = true;
    std::exchange(take_, nullptr)(stream_, has_chosen_http2(stream_->client.native_handle()));
    loop_.remove(shared_from_this());
  }

  void close() {
    ended_ = true;
    error_code ignored;
    stream_->client.next_layer().close(ignored);
    loop_.remove(shared_from_this());
  }

  loop& loop_;
  tls_stream_ptr stream_;
  greeted_handler take_;
  bool ended_ = false;
};

/// A client that is told that nothing follows.
class parting final : public peer {
public:
  parting(loop& in, tls_stream_ptr of) : loop_(in), stream_(std::move(of)) {}

  void start() {
    loop_.add(shared_from_this());
    expire_after(loop_.stopping() ? short_farewell_span : farewell_span);
    stream_->client.async_shutdown([me = self(this)](const error_code&) {
      if (std::exchange(me->ended_, true))
        return;
      error_code ignored;
      me->stream_->client.next_layer().cancel(ignored);
      linger(me->loop_, std::move(me->stream_->client.next_layer()));
      me->loop_.remove(me);
    });
  }

  void deadline_passed() override {
    ended_ = true;
    error_code ignored;
    stream_->client.next_layer().close(ignored);
    loop_.remove(shared_from_this());
  }

  void shut_down() override {
    expire_after(short_farewell_span);
  }

private:
  loop& loop_;
  tls_stream_ptr stream_;
  bool ended_ = false;
};

} // namespace

void greet(loop& in, tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> settings,
           std::chrono::milliseconds span, greeted_handler take) {
  auto& with = *settings;
  auto stream = std::make_shared<tls_stream>(tls_stream{std::move(settings), {std::move(socket), with}});
  std::make_shared<greeting>(in, std::move(stream), std::move(take))->start(span);
}

void farewell(loop& in, tls_stream_ptr from) {
  std::make_shared<parting>(in, std::move(from))->start();
}

} // namespace troupe::http

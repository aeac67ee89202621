#include "http/service.hpp"

#include "base/mask_url.hpp"
#include "http/audit_mark.hpp"
#include "telemetry/log.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <sstream>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/write.hpp>
#include <netinet/tcp.h>

namespace troupe::http {

namespace {

using boost::asio::ip::tcp;
using boost::beast::http::field;

constexpr size_t log_text_max = 256;

/// The present time as required by RFC 9110, section 5.6.7. The names do not depend on the locale.
std::string date() {
  constexpr std::string_view days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  auto now = std::time(nullptr);
  std::tm t{};
  gmtime_r(&now, &t);
  std::array<char, 64> text{};
  auto n = std::snprintf(text.data(), text.size(), "%s, %02d %s %d %02d:%02d:%02d GMT", days[t.tm_wday].data(),
                         t.tm_mday, months[t.tm_mon].data(), t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
  return {text.data(), static_cast<size_t>(n)};
}

/// What a browser may do with a page of ours: load what comes from here, and be in no frame of another page. No address
/// is told to other hosts, because it may have a token.
void set_page_rules(response& x) {
  x.set("Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "media-src 'self' blob:; worker-src blob:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'");
  x.set("Referrer-Policy", "no-referrer");
}

std::string for_log(std::string_view text) {
  std::string result{text.substr(0, log_text_max)};
  for (auto& c : result)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  if (text.size() > log_text_max)
    result += "...";
  return result;
}

/// The last seconds of a connection: reads and drops data until the client closes.
class lingering_peer final : public peer {
public:
  lingering_peer(loop& in, client_socket socket) : loop_(in), socket_(std::move(socket)) {}

  void start() {
    boost::system::error_code failure;
    socket_.shutdown(client_socket::shutdown_send, failure);
    if (failure)
      return;
    loop_.add(shared_from_this());
    expire_after(std::chrono::seconds{2});
    read();
  }

  void deadline_passed() override {
    close();
  }

  void shut_down() override {
    expire_after(std::chrono::milliseconds{500});
  }

private:
  static constexpr uint64_t forgotten_bytes_max = 16 * 1024 * 1024;

  void read() {
    socket_.async_read_some(boost::asio::buffer(buffer_), [me = self(this)](const boost::system::error_code& failure,
                                                                            size_t n) { me->on_read(failure, n); });
  }

  void on_read(const boost::system::error_code& failure, size_t n) {
    forgotten_ += n;
    if (failure || forgotten_ > forgotten_bytes_max)
      close();
    else
      read();
  }

  void close() {
    boost::system::error_code failure;
    socket_.close(failure);
    loop_.remove(shared_from_this());
  }

  loop& loop_;
  client_socket socket_;
  std::array<char, 4096> buffer_;
  uint64_t forgotten_ = 0;
};

} // namespace

uint32_t places_of(const service& in, const core::ip_address& client) {
  return in.door->is_proxy(client) ? in.config.connections_max : in.config.connections_per_client;
}

uint64_t crowd_of(uint64_t connections_max) {
  return std::clamp<uint64_t>(connections_max / 8, 1, 256);
}

response make_response(reply x, const request& to, unsigned version, bool keep_alive) {
  if (to.audit)
    to.audit->answered(x);
  response result{x.code, version};
  result.set(field::server, "troupe/" TROUPE_VERSION);
  result.set(field::date, date());
  result.set("X-Request-Id", to.id);
  result.set("X-Content-Type-Options", "nosniff");
  result.set(field::cache_control, "no-store");
  if (to.pins_https)
    result.set("Strict-Transport-Security", "max-age=31536000");
  // Nothing of a channel is a page, and its segments are many.
  if (to.path.empty() || to.path.front() != "live")
    set_page_rules(result);
  for (auto& [name, value] : x.fields)
    result.set(name, value);
  if (!x.content_type.empty())
    result.set(field::content_type, x.content_type);
  result.keep_alive(keep_alive);
  auto size = x.body.size();
  for (auto& bytes : x.media)
    size += bytes.size();
  if (x.part)
    size = x.part->size;
  if (x.code != status::no_content && !x.endless)
    result.content_length(size);
  if (to.method != verb::head)
    result.body() = std::move(x.body);
  return result;
}

std::string head_of(const response& x) {
  std::ostringstream text;
  text << x.base();
  return std::move(text).str();
}

void write_log(const service& of, access_record record) {
  record.target = for_log(base::mask_query(record.target)); // a token, or the name of an attempt
  record.method = for_log(record.method);
  record.note = for_log(record.note);
  if (of.config.log)
    return of.config.log(record);
  auto streams = !record.channel.empty();
  auto changes = record.method != "GET" && record.method != "HEAD";
  auto at = record.status >= 500 ? log::level::warning : streams || changes ? log::level::info : log::level::debug;
  if (!log::is_enabled(at))
    return;
  std::vector<log::field> fields{{"request", record.request_id},
                                 {"remote", record.remote},
                                 {"method", record.method},
                                 {"target", record.target},
                                 {"status", record.status},
                                 {"bytes", record.sent_bytes},
                                 {"duration_ms", record.duration.count()}};
  if (streams)
    fields.insert(fields.end(), {{"channel", record.channel}, {"profile", record.profile}});
  log::write(at, record.note.empty() ? std::string_view{"answered"} : std::string_view{record.note}, fields);
}

void limit_unsent(int socket) {
  constexpr int bytes_max = 256 * 1024;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes_max, sizeof bytes_max);
}

std::string remote_of(const tcp::socket& socket) {
  boost::system::error_code failure;
  auto endpoint = socket.remote_endpoint(failure);
  if (failure)
    return {};
  auto host = endpoint.address().to_string();
  if (endpoint.address().is_v6())
    host = "[" + host + "]";
  return host + ":" + std::to_string(endpoint.port());
}

void linger(loop& in, client_socket socket) {
  std::make_shared<lingering_peer>(in, std::move(socket))->start();
}

} // namespace troupe::http

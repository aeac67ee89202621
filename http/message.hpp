// A request as seen by the routes, and their reply: plain values without a socket. So routes can be run and tested
// anywhere, and a reply can be made on any thread.
#pragma once

#include "core/trust/access.hpp"
#include "core/trust/network.hpp"
#include "http/byte_range.hpp"
#include "messages/media.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <ostream> // Beast uses it without including it
#include <string>
#include <utility>
#include <vector>

#include <boost/beast/http/status.hpp>
#include <boost/beast/http/verb.hpp>

namespace troupe::http {

using boost::beast::http::status;
using boost::beast::http::verb;

class audit_mark;
class viewer;

struct request {
  verb method = verb::get;
  std::string target;            ///< as sent; for the log
  std::vector<std::string> path; ///< segments, percent-decoded; empty for "/"
  std::string query;             ///< the part after '?', as sent
  std::string body;              ///< as sent; has a limit
  std::string idempotency_key;   ///< from the header of that name
  std::string last_event_id;     ///< from the header of that name
  std::string range;             ///< from the header of that name
  bool takes_gzip = false;       ///< the client takes compressed bodies
  bool takes_chunks = false;     ///< the client takes bodies without a length
  core::ip_address from{};       ///< of the client
  std::string address;           ///< the same as text
  std::string remote;            ///< the other end of the connection, with its port; for the log
  bool proxied = false;          ///< a proxy has made the connection, by the PROXY protocol
  std::string address_token;     ///< of an address that was made for a player; empty: none
  core::caller who;              ///< set if the request shows who sends it
  bool secure = false;           ///< the client speaks HTTPS, with us or with a proxy that we trust
  bool by_proxy = false;         ///< a proxy in `http.trusted_proxies` has sent it
  bool pins_https = false;       ///< browsers are told to use only HTTPS with this host
  std::string id;                ///< of this request: used in the X-Request-Id header, in problems and in the log
  /// The connection's place among those of its client; held until the client is gone.
  std::shared_ptr<std::string> place;
  std::shared_ptr<audit_mark> audit; ///< null: the request is not written down
};

/// Media that are still being made.
class media_source {
public:
  enum class outcome {
    more, ///< something new, and more will follow
    last, ///< the rest
    wait, ///< nothing new yet
    lost, ///< there is no rest
  };

  virtual ~media_source() = default;

  /// Appends what is new.
  virtual outcome read(std::vector<shared_bytes>& to) = 0;

  /// Calls `wake` once, from any thread and perhaps at once, when `read` would no longer say `wait`. False if too many
  /// wait already.
  virtual bool notify(std::function<void()> wake) = 0;
};

struct reply {
  status code = status::ok;
  std::string content_type; ///< empty if there is no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields{}; ///< further header fields; the values hold no line breaks
  bool endless = false;                                      ///< the answer to a HEAD whose GET has no length
  std::vector<shared_bytes> media{};                         ///< instead of `body`, sent without a copy
  std::shared_ptr<media_source> rest{};                      ///< follows `media`, in chunks
  std::optional<byte_range> part{};                          ///< of `media`, if not all of it is sent
  std::shared_ptr<http::viewer> viewer{};                    ///< whom it is for; null if nobody watches
};

/// Takes the reply to a request: once, from any thread.
using reply_handler = std::function<void(reply)>;

} // namespace troupe::http

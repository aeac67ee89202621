#include "http/problem.hpp"

#include "base/mask_url.hpp"
#include "messages/type_ids.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

namespace troupe::http {

namespace {

/// Seconds after which a client may retry a request that failed for lack of a worker.
constexpr std::string_view retry_after = "2";

status status_of(ec code) {
  switch (code) {
  case ec::unknown_channel:
  case ec::unknown_profile:
  case ec::unknown_daemon:
  case ec::unknown_job:
    return status::not_found;
  case ec::no_worker:
  case ec::limit:
  case ec::stopping:
    return status::service_unavailable;
  case ec::refused:
    return status::forbidden;
  case ec::source_failed:
  case ec::encode_failed:
    return status::bad_gateway;
  case ec::timeout:
    return status::gateway_timeout;
  case ec::invalid_argument:
    return status::bad_request;
  case ec::conflict:
    return status::conflict;
  case ec::none:
    break;
  }
  return status::internal_server_error;
}

/// The code that stands for an error of CAF itself.
ec translate(const caf::error& reason) {
  if (reason.category() == caf::type_id_v<ec>)
    return static_cast<ec>(reason.code());
  if (reason == caf::sec::request_timeout)
    return ec::timeout;
  if (reason == caf::sec::request_receiver_down || reason == caf::sec::broken_promise
      || reason.category() == caf::type_id_v<caf::exit_reason>)
    return ec::stopping;
  return ec::none;
}

std::string text_of(const caf::error& reason) {
  if (reason.context().match_elements<std::string>())
    return reason.context().get_as<std::string>(0);
  return {};
}

std::string_view default_text(ec code) {
  switch (code) {
  case ec::timeout:
    return "the coordinator did not answer in time; try again";
  case ec::stopping:
    return "this node is shutting down";
  case ec::none:
    return "the request failed inside the coordinator; its log has the request's id";
  default:
    return "the request was refused";
  }
}

} // namespace

reply problem(status code, std::string_view word, std::string_view detail, std::string_view request_id) {
  auto title = boost::beast::http::obsolete_reason(code);
  boost::json::object body;
  auto put = [&body](std::string_view key, std::string_view value) {
    body.emplace(boost::json::string_view{key.data(), key.size()}, boost::json::string(value.data(), value.size()));
  };
  put("type", "about:blank");
  put("title", {title.data(), title.size()});
  body.emplace("status", static_cast<unsigned>(code));
  put("detail", base::mask_urls(detail)); // it may quote what failed
  put("instance", request_id);
  put("code", word);
  return {code, "application/problem+json", boost::json::serialize(body) + "\n", {}};
}

reply problem(ec code, std::string_view detail, std::string_view request_id) {
  auto word = code == ec::none ? std::string_view{"internal"} : to_string_view(code);
  auto result = problem(status_of(code), word, detail.empty() ? default_text(code) : detail, request_id);
  if (result.code == status::service_unavailable)
    result.fields.emplace_back("Retry-After", retry_after);
  return result;
}

reply too_many_clients(std::string_view request_id) {
  return problem(ec::limit,
                 "this node (live.clients_max) or this address (live.viewers_per_client) has as many clients as it may "
                 "have; try again later",
                 request_id);
}

reply for_viewers(const caf::error& reason, std::string_view request_id) {
  return problem(translate(reason), base::only_hosts(text_of(reason)), request_id);
}

reply problem(const caf::error& reason, std::string_view request_id) {
  return problem(translate(reason), text_of(reason), request_id);
}

} // namespace troupe::http

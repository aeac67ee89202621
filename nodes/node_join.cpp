#include "nodes/node_join.hpp"

#include "base/json.hpp"
#include "base/utf8.hpp"
#include "core/trust/membership.hpp"
#include "transfer/curl.hpp"
#include "trust/node_certificate.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace troupe::nodes {

namespace {

namespace curl = transfer::curl;
namespace json = boost::json;

constexpr long connect_timeout_ms = 3'000;
constexpr long timeout_ms = 10'000;
constexpr size_t body_bytes_max = 64 * 1024;
constexpr size_t words_bytes_max = 512;
constexpr unsigned ok = 200;
constexpr unsigned created = 201;

struct https_answer {
  unsigned status = 0;
  std::string body;
  int64_t date_s = 0; ///< by the server's clock; 0: it did not say
};

struct https_question {
  std::string method;
  std::string path;
  std::string body = {};
  std::string bearer = {};
  const std::string* authority = nullptr; ///< PEM of the only one that is trusted; null: the server is not checked
};

tl::unexpected<join_failure> final_failure(std::string text) {
  return tl::unexpected(join_failure{std::move(text), false});
}

size_t append_body(const char* data, size_t one, size_t size, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + one * size > body_bytes_max)
    return 0;
  body.append(data, one * size);
  return one * size;
}

int64_t date_of(CURL* of) {
  curl_header* found = nullptr;
  constexpr int latest = -1;
  if (curl_easy_header(of, "Date", 0, CURLH_HEADER, latest, &found) != CURLHE_OK)
    return 0;
  return std::max<int64_t>(0, int64_t{curl_getdate(found->value, nullptr)});
}

join_result<https_answer> ask(const config::endpoint& at, const https_question& x) {
  auto url = "https://" + to_string(at) + x.path;
  auto handle = curl::make_easy();
  if (!handle)
    return tl::unexpected(join_failure{"libcurl cannot be set up", true});
  https_answer result;
  curl::error_buffer detail{};
  curl::fields fields;
  curl::options set{handle.get(), detail};
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_NOPROXY, "*"); // a coordinator is never behind a machine's proxy for the internet
  set(CURLOPT_CUSTOMREQUEST, x.method.c_str());
  if (x.method == "POST") {
    fields.add("Content-Type: application/json");
    set(CURLOPT_POSTFIELDSIZE, static_cast<long>(x.body.size()));
    set(CURLOPT_POSTFIELDS, x.body.c_str());
  }
  if (!x.bearer.empty())
    fields.add("Authorization: Bearer " + x.bearer);
  set(CURLOPT_HTTPHEADER, fields.get());
  // No authority of the system counts: one of them would let its servers pose as the coordinator.
  set(CURLOPT_CAINFO, static_cast<const char*>(nullptr));
  set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  curl_blob trusted{};
  if (x.authority != nullptr) {
    trusted = {const_cast<char*>(x.authority->data()), x.authority->size(), CURL_BLOB_COPY};
    set(CURLOPT_CAINFO_BLOB, &trusted);
  }
  set(CURLOPT_SSL_VERIFYPEER, x.authority != nullptr ? 1L : 0L);
  // Only the coordinator has a server's certificate of this authority, so its name says nothing more.
  set(CURLOPT_SSL_VERIFYHOST, 0L);
  set(CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
  set(CURLOPT_TIMEOUT_MS, timeout_ms);
  set(CURLOPT_USERAGENT, "caf-node/" TROUPE_VERSION);
  set(CURLOPT_WRITEFUNCTION, &append_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&result.body));
  auto code = set.perform();
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    return final_failure(url
                         + " has a certificate of another authority than the cluster's, so nothing secret was sent: "
                         + base::plain_text(curl::words(code, detail)));
  if (code != CURLE_OK)
    return tl::unexpected(join_failure{"no coordinator answers at " + url + ": "
                                         + base::plain_text(curl::words(code, detail))
                                         + "; is cluster.join_at the address of its HTTPS?",
                                       true});
  result.status = curl::status_of(handle.get());
  result.date_s = date_of(handle.get());
  return result;
}

/// The other side's reason, in its words.
tl::unexpected<join_failure> refused_by(const config::endpoint& at, const https_answer& x) {
  auto detail = base::reading::text(base::reading::parsed(x.body), "detail");
  auto passing = x.status == 408 || x.status == 429 || x.status >= 500;
  return tl::unexpected(
    join_failure{"the coordinator at " + to_string(at) + " answers " + std::to_string(x.status) + ": "
                   + base::plain_text(std::string{base::cut(detail.empty() ? x.body : detail, words_bytes_max)}),
                 passing});
}

/// The certificate in an answer, with its key.
join_result<trust::certificate> certificate_in(const json::value& answer, const std::string& key,
                                               const trust::certificate& authority) {
  auto read = trust::certificate::read(base::reading::text(answer, "certificate"), key);
  if (!read)
    return final_failure("the coordinator's answer has no certificate for this node: " + read.error());
  if (!read->is_signed_by(authority))
    return final_failure("the coordinator's answer has a certificate of another authority");
  return std::move(*read);
}

} // namespace

join_result<joined_node> join(const config::endpoint& at, const core::join_text& token, const std::string& name) {
  auto shown = ask(at, {.method = "GET", .path = "/api/v1/cluster/authority"});
  if (!shown)
    return tl::unexpected(std::move(shown.error()));
  if (shown->status != ok)
    return refused_by(at, *shown);
  auto authority = trust::certificate::read_public(shown->body);
  if (!authority || !core::is_for(token, authority->public_key_sha256()))
    return final_failure("the server at " + to_string(at)
                         + " is not the coordinator that the join token is for, so nothing secret was sent; check "
                           "cluster.join_at, and make a new token if the cluster was set up again");
  if (auto fault = core::clock_fault(std::time(nullptr), shown->date_s); shown->date_s != 0 && !fault.empty())
    return final_failure(std::move(fault));
  auto request = trust::make_request();
  if (!request)
    return final_failure(std::move(request.error()));
  auto& trusted = authority->text().chain;
  auto answer = ask(at, {.method = "POST",
                         .path = "/api/v1/nodes/join",
                         .body = json::serialize(json::object{{"name", name}, {"request", request->text}}),
                         .bearer = core::to_string(token),
                         .authority = &trusted});
  if (!answer)
    return tl::unexpected(std::move(answer.error()));
  if (answer->status != created)
    return refused_by(at, *answer);
  auto said = base::reading::parsed(answer->body);
  auto got = certificate_in(said, request->key, *authority);
  if (!got)
    return tl::unexpected(std::move(got.error()));
  return joined_node{std::move(*got), trusted, base::reading::text(said, "node_secret")};
}

join_result<trust::certificate> renew(const config::endpoint& at, const trust::certificate& present,
                                      const trust::certificate& authority) {
  auto request = trust::make_request();
  if (!request)
    return final_failure(std::move(request.error()));
  json::object order{{"certificate", present.text().chain},
                     {"request", request->text},
                     {"signature", trust::sign_text(present, request->text)}};
  auto& trusted = authority.text().chain;
  auto answer =
    ask(at, {.method = "POST", .path = "/api/v1/nodes/renew", .body = json::serialize(order), .authority = &trusted});
  if (!answer)
    return tl::unexpected(std::move(answer.error()));
  if (answer->status != created)
    return refused_by(at, *answer);
  return certificate_in(base::reading::parsed(answer->body), request->key, authority);
}

} // namespace troupe::nodes

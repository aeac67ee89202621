#include "http/file_request.hpp"

#include "http/problem.hpp"
#include "http/query.hpp"

namespace troupe::http {

namespace {

struct meaning {
  status code;
  std::string_view word;
};

meaning meaning_of(transfer::reason x) {
  using enum transfer::reason;
  switch (x) {
  case malformed:
    return {status::bad_request, "invalid_argument"};
  case unauthorized:
    return {status::unauthorized, "no_ticket"};
  case forbidden:
    return {status::forbidden, "wrong_ticket"};
  case unknown:
    return {status::not_found, "unknown_file"};
  case stale:
    return {status::conflict, "stale"};
  case changed:
    return {status::precondition_failed, "changed"};
  case too_large:
    return {status::payload_too_large, "limit"};
  case damaged:
    return {status::unprocessable_entity, "wrong_checksum"};
  case exists:
    return {status::precondition_failed, "exists"};
  case full:
    return {status::insufficient_storage, "disk_full"};
  case busy:
    return {status::service_unavailable, "limit"};
  case away:
    return {status::service_unavailable, "not_at_work"};
  case failed:
    break;
  }
  return {status::internal_server_error, "internal"};
}

} // namespace

std::optional<file_target> file_target::of(const std::vector<std::string>& path) {
  if (path.size() < 3 || path[0] != "api" || path[1] != "v1")
    return {};
  file_target result;
  if (path[2] == "uploads" && path.size() <= 4) {
    result.what = path.size() == 3 ? kind::uploads : kind::upload;
    result.id = path.size() == 3 ? std::string{} : path[3];
    return result;
  }
  if (path[2] != "jobs" || path.size() < 5 || path.size() > 6)
    return {};
  result.id = path[3];
  // The segment after "source" is its name, for clients that look at names.
  if (path[4] == "source")
    return result;
  result.what = path[4] == "result" ? kind::result : kind::chunk;
  if (path[4] == "result" && path.size() == 5)
    return result;
  auto number = path[4] == "chunks" && path.size() == 6 ? to_number<uint64_t>(path[5]) : std::nullopt;
  if (!number || *number > UINT32_MAX)
    return {};
  result.number = static_cast<uint32_t>(*number);
  return result;
}

std::string file_request::field_of(std::string_view name) const {
  auto value = parser->get()[boost::beast::string_view{name.data(), name.size()}];
  return {value.data(), value.size()};
}

std::optional<uint64_t> file_request::number_of(std::string_view name) const {
  return to_number<uint64_t>(field_of(name));
}

std::string file_request::parameter(std::string_view name) const {
  return std::string{raw_parameter(of.query, name)};
}

std::string file_request::ticket() const {
  constexpr std::string_view kind = "Bearer ";
  auto given = field_of("Authorization");
  return given.starts_with(kind) ? given.substr(kind.size()) : std::string{};
}

reply problem(const transfer::refusal& why, std::string_view request_id) {
  auto [code, word] = meaning_of(why.reason);
  auto result = problem(code, word, why.text, request_id);
  if (code == status::unauthorized)
    result.fields.emplace_back("WWW-Authenticate", "Bearer");
  return result;
}

} // namespace troupe::http

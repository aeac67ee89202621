#include "core/trust/membership.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace troupe::core {

namespace {

/// When it was made.
int64_t made_s(const lifetime& x) {
  return std::min(x.begins_s + clock_error_s, x.ends_s);
}

std::string span_text(int64_t s) {
  constexpr int64_t minute_s = 60;
  constexpr int64_t hour_s = 3600;
  constexpr int64_t day_s = 24 * hour_s;
  if (s >= 2 * day_s)
    return std::to_string(s / day_s) + " days";
  return std::to_string(s / hour_s) + " h " + std::to_string(s % hour_s / minute_s) + " min";
}

} // namespace

std::string_view to_string(node_role x) noexcept {
  return x == node_role::worker ? "worker" : "coordinator";
}

lifetime lifetime_of(int64_t now_s, int64_t life_s, const lifetime& authority) {
  return {std::max(now_s - clock_error_s, authority.begins_s), std::min(now_s + life_s, authority.ends_s)};
}

int64_t renewal_s(const lifetime& x, uint64_t random) {
  constexpr uint64_t steps = 1001; // from 50.00 to 80.00 %
  constexpr int64_t whole = 10'000;
  auto share = 5000 + static_cast<int64_t>(random % steps) * 3;
  return made_s(x) + (x.ends_s - made_s(x)) * share / whole;
}

std::string renewal_fault(const lifetime& x, int64_t now_s) {
  constexpr int64_t least_share = 3;
  if (now_s >= x.ends_s)
    return "the node's certificate has expired; join again with a new token ('caf-ctl join-token create')";
  if (now_s < made_s(x) + (x.ends_s - made_s(x)) / least_share)
    return "the node's certificate is too new to be renewed";
  return {};
}

std::string clock_fault(int64_t own_s, int64_t other_s) {
  auto behind = other_s - own_s;
  if (behind <= clock_error_s && behind >= -clock_error_s)
    return {};
  return "this machine's clock is " + span_text(behind < 0 ? -behind : behind) + (behind < 0 ? " ahead of" : " behind")
         + " the coordinator's, so certificates cannot be checked: set both clocks";
}

std::string request_fault(const request_facts& x) {
  if (x.bytes > request_bytes_max)
    return "the request for a certificate is longer than " + std::to_string(request_bytes_max) + " bytes";
  if (!x.readable)
    return "request is no request for a certificate in PEM";
  if (!x.has_usual_key)
    return "the request's key is not on the curve P-256";
  return x.signed_by_its_key ? std::string{} : "the request is not signed by its own key";
}

void member_table::add(node_certificate x) {
  auto serial = x.serial;
  certificates_.insert_or_assign(std::move(serial), std::move(x));
}

std::vector<std::string> member_table::serials_of(std::string_view node, int64_t now_ms) const {
  std::vector<std::string> result;
  for (auto& [serial, x] : certificates_)
    if (x.node == node && x.revoked_ms == 0 && x.ends_ms > now_ms)
      result.push_back(serial);
  return result;
}

void member_table::revoke(std::string_view node, int64_t now_ms) {
  for (auto& [serial, x] : certificates_)
    if (x.node == node && x.revoked_ms == 0)
      x.revoked_ms = now_ms;
}

void member_table::forget(int64_t now_ms) {
  std::erase_if(certificates_, [&](auto& x) { return x.second.ends_ms <= now_ms; });
}

const node_certificate* member_table::find(const std::string& serial) const {
  auto found = certificates_.find(serial);
  return found == certificates_.end() ? nullptr : &found->second;
}

std::vector<node_certificate> member_table::all() const {
  std::vector<node_certificate> result;
  for (auto& [serial, x] : certificates_)
    result.push_back(x);
  std::ranges::sort(result, {}, [](auto& x) { return std::tuple{x.node, x.begins_ms, x.serial}; });
  return result;
}

} // namespace troupe::core

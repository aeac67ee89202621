// Why a change of keys, tokens or nodes was not made, as an answer.
#pragma once

#include "http/message.hpp"
#include "http/problem.hpp"
#include "trust/refusal.hpp"

#include <cstdint>
#include <string_view>

#include <boost/json/value.hpp>

namespace troupe::http {

/// `unknown` is the code for what is not there.
inline reply refusal_of(const trust::refusal& why, std::string_view unknown, std::string_view id) {
  switch (why.why) {
  case trust::refusal::reason::malformed:
    return problem(ec::invalid_argument, why.text, id);
  case trust::refusal::reason::unknown:
    return problem(status::not_found, unknown, why.text, id);
  case trust::refusal::reason::conflict:
    return problem(ec::conflict, why.text, id);
  case trust::refusal::reason::busy:
  case trust::refusal::reason::failed:
    break;
  }
  return problem(ec::limit, why.text, id);
}

/// A Unix time; null for never.
inline boost::json::value time_json(int64_t ms) {
  return ms == 0 ? boost::json::value(nullptr) : boost::json::value(ms);
}

} // namespace troupe::http

// The parameters of a request target's query, and the numbers that clients write there and in header fields.
#pragma once

#include "messages/job.hpp"

#include <charconv>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <tl/expected.hpp>

namespace troupe::http {

/// A whole number in decimal digits, with a minus sign if `T` is signed; empty if other text follows, or if it is too
/// large.
template <class T>
std::optional<T> to_number(std::string_view text) {
  T result = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional{result} : std::nullopt;
}

/// The value of a parameter of `query`, as sent; empty if it is missing.
std::string_view raw_parameter(std::string_view query, std::string_view name);

using parameter_taker =
  std::function<tl::expected<void, std::string>(const std::string& key, const std::string& value)>;

/// Passes on the decoded parameters of `query` ("a=b&c=d", maybe empty), up to the first that is refused. The error is
/// that refusal, or says that the query is malformed.
tl::expected<void, std::string> read_query(std::string_view query, const parameter_taker& take);

/// Reads the filters common to the list of jobs and their events: `state`, which may be repeated, and `queue`. False if
/// `key` is neither; the error says which names are allowed.
tl::expected<bool, std::string> read_job_filter(std::string_view key, std::string_view value,
                                                std::vector<job_state>& states, std::optional<job_queue>& queue);

} // namespace troupe::http

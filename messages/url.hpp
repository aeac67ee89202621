// Source URLs as people may see them: in answers, logs and printed configurations.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

namespace troupe {

namespace detail {

inline bool names_a_credential(std::string_view parameter) {
  std::string lower;
  for (char c : parameter)
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr std::array<std::string_view, 8> telling{"token", "key", "secret",     "pass",
                                                    "auth",  "sig", "credential", "pwd"};
  return std::ranges::any_of(telling, [&lower](auto part) { return lower.find(part) != std::string::npos; });
}

inline std::string mask_query(std::string_view query) {
  std::string result;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto parameter = query.substr(0, end);
    const auto equals = parameter.find('=');
    if (equals != std::string_view::npos && names_a_credential(parameter.substr(0, equals)))
      result.append(parameter.substr(0, equals)).append("=***");
    else
      result.append(parameter);
    if (end < query.size())
      result += '&';
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return result;
}

} // namespace detail

/// `url` without user, password and the values of query parameters that look like credentials; what is no URL stays as it is.
inline std::string mask_url(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos)
    return std::string{url};
  std::string result{url.substr(0, scheme + 3)};
  auto rest = url.substr(scheme + 3);
  const auto authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  // The last @ counts: an unescaped one in a password must not let its end through.
  if (const auto at = rest.substr(0, authority_end).rfind('@'); at != std::string_view::npos) {
    result += "***";
    rest.remove_prefix(at);
  }
  const auto question = rest.find('?');
  if (question == std::string_view::npos)
    return result.append(rest);
  return result.append(rest.substr(0, question + 1)) + detail::mask_query(rest.substr(question + 1));
}

} // namespace troupe

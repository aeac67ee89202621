#include "base/mask_url.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <vector>

namespace troupe::base {

namespace {

constexpr std::string_view mask = "***";
constexpr std::string_view scheme_end = "://";

struct parts {
  std::string_view scheme; ///< with "://"
  bool has_user = false;
  std::string_view host; ///< with its port
  std::string path;
  std::string_view query;    ///< with "?"
  std::string_view fragment; ///< with "#"
};

bool is_port(std::string_view x) {
  return x.size() <= 5 && std::all_of(x.begin(), x.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// The text after the colon of "host:80", "[::1]:80" or "user:password". Nothing if there is no colon.
std::optional<std::string_view> behind_colon(std::string_view authority) {
  auto bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  auto colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return colon == std::string_view::npos ? std::nullopt : std::optional{authority.substr(colon + 1)};
}

/// The last @ that may precede a host. Text after "?name=" is a query.
size_t find_last_at(std::string_view rest, bool has_password) {
  auto query = rest.find('?');
  if (query != std::string_view::npos && rest.find('=', query) >= rest.find('@', query))
    query = std::string_view::npos;
  auto result = rest.substr(0, query).rfind('@');
  return result == std::string_view::npos && has_password ? rest.rfind('@') : result;
}

void split(parts& result, std::string_view rest) {
  auto fragment = std::min(rest.find('#'), rest.size());
  result.fragment = rest.substr(fragment);
  rest = rest.substr(0, fragment);
  auto query = std::min(rest.find('?'), rest.size());
  result.query = rest.substr(query);
  result.path = rest.substr(0, query);
}

parts parts_of(std::string_view url) {
  constexpr std::string_view authority_ends = "/?#";
  parts result;
  auto begin = url.find(scheme_end) + scheme_end.size();
  result.scheme = url.substr(0, begin);
  auto rest = url.substr(begin);
  auto end = std::min(rest.find_first_of(authority_ends), rest.size());
  auto behind = behind_colon(rest.substr(0, end));
  auto has_password = behind && !is_port(*behind);
  auto at = find_last_at(rest, has_password);
  // Users write passwords unescaped, even with characters that end the authority of a URL: "user:p/w@host".
  if (end > 0 && at != std::string_view::npos && at > end) {
    auto in_path = rest.find_first_of("?#") > at;
    if (has_password || rest.substr(end, at - end).find(':') != std::string_view::npos) {
      if (!in_path && rest.find('@') < end) {
        // It is unknown which @ ends the password.
        result.has_user = true;
        result.host = mask;
        return result;
      }
      end = std::min(rest.find_first_of(authority_ends, at), rest.size());
    } else if (behind) {
      // "host:80/a@b", or "user:12/34@host".
      result.host = rest.substr(0, end);
      if (in_path)
        split(result, rest.substr(at));
      result.path.insert(0, "/***");
    }
  }
  auto authority = result.host.empty() ? rest.substr(0, end) : result.host;
  // The last @ counts: otherwise an unescaped @ in a password would expose the password's end.
  if (auto user = authority.rfind('@'); user != std::string_view::npos) {
    result.has_user = true;
    authority.remove_prefix(user + 1);
  }
  if (result.host.empty())
    split(result, rest.substr(end));
  result.host = authority;
  return result;
}

bool is_number(std::string_view x) {
  x = x.substr(0, x.find('.'));
  return !x.empty() && std::all_of(x.begin(), x.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string lower(std::string_view x) {
  std::string result{x};
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

/// The segments of "/a/b": "a", "b".
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> result;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    result.push_back(path.substr(0, path.find('/')));
    path.remove_prefix(result.back().size());
  }
  return result;
}

std::string mask_path(std::string_view path, std::string_view scheme) {
  if (lower(scheme) == "file://")
    return std::string{path};
  auto segments = segments_of(path);
  std::vector<bool> secret(segments.size());
  auto hide = [&](size_t first, size_t count) {
    for (auto i = first; i < std::min(first + count, secret.size()); ++i)
      secret[i] = true;
  };
  // Subscriber services put user and password before the stream.
  constexpr std::array<std::string_view, 5> services{"live", "movie", "series", "timeshift", "streaming"};
  for (size_t i = 0; i + 3 < segments.size(); ++i)
    if (std::find(services.begin(), services.end(), lower(segments[i])) != services.end())
      hide(i + 1, 2);
  if (segments.size() == 3 && is_number(segments.back()))
    hide(0, 2);
  if (lower(scheme).starts_with("rtmp") && segments.size() > 1)
    hide(segments.size() - 1, 1);
  std::string result;
  for (size_t i = 0; i < segments.size(); ++i) {
    auto equals = segments[i].find('=');
    result += '/';
    if (secret[i] && !segments[i].empty())
      result += mask;
    else if (equals != std::string_view::npos)
      result.append(segments[i].substr(0, equals + 1)).append(mask);
    else
      result += segments[i];
  }
  return result;
}

/// Turns "a=1&b" into "a=***&***".
std::string mask_values(std::string_view query) {
  std::string result;
  while (!query.empty()) {
    auto end = std::min(query.find('&'), query.size());
    auto one = query.substr(0, end);
    auto equals = one.find('=');
    if (equals != std::string_view::npos)
      result.append(one.substr(0, equals + 1));
    if (!one.empty() && equals + 1 != one.size())
      result += mask;
    if (end < query.size())
      result += '&';
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return result;
}

/// The text with each of its URLs replaced.
template <class Replace>
std::string replace_urls(std::string_view text, Replace replace) {
  constexpr std::string_view ends = " \t\r\n\v\f\"'<>|`";
  std::string result;
  for (;;) {
    auto at = text.find(scheme_end);
    if (at == std::string_view::npos)
      return result.append(text);
    auto begin = at;
    auto is_scheme = [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '-' || c == '.'; };
    while (begin > 0 && is_scheme(static_cast<unsigned char>(text[begin - 1])))
      --begin;
    auto url = text.substr(begin, std::min(text.find_first_of(ends, at), text.size()) - begin);
    // Punctuation at the end of a sentence is not part of the URL.
    while (url.size() > at - begin + scheme_end.size()
           && std::string_view{":,;.)"}.find(url.back()) != std::string_view::npos)
      url.remove_suffix(1);
    result.append(text.substr(0, begin)).append(replace(url));
    text.remove_prefix(begin + url.size());
  }
}

/// The text with "***" for the characters of `secret` that follow each `lead`, if there are enough of them.
std::string mask_behind(std::string_view text, std::string_view lead, size_t least, bool (*secret)(unsigned char)) {
  std::string result;
  for (size_t at; (at = text.find(lead)) != std::string_view::npos;) {
    at += lead.size();
    auto rest = text.substr(at);
    auto end = std::find_if_not(rest.begin(), rest.end(), [secret](unsigned char c) { return secret(c); });
    auto length = static_cast<size_t>(end - rest.begin());
    result.append(text.substr(0, at));
    if (length >= least)
      result.append(mask);
    else
      result.append(rest.substr(0, length));
    text.remove_prefix(at + length);
  }
  return result.append(text);
}

/// A key that lost its end or a digit is still masked; a word that only begins alike is not.
std::string mask_keys(std::string_view text) {
  constexpr size_t digits_min = 8;
  return mask_behind(text, "trp_", digits_min, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

std::string mask_bearer(std::string_view text) {
  constexpr size_t characters_min = 16;
  auto is_of_token = [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view{"-._~+/="}.find(static_cast<char>(c)) != std::string_view::npos;
  };
  return mask_behind(text, "Bearer ", characters_min, is_of_token);
}

} // namespace

std::string mask_url(std::string_view url) {
  if (url.find(scheme_end) == std::string_view::npos)
    return std::string{url};
  auto x = parts_of(url);
  std::string result{x.scheme};
  result.append(x.has_user ? "***@" : "").append(x.host).append(mask_path(x.path, x.scheme));
  if (!x.query.empty())
    result.append("?").append(mask_values(x.query.substr(1)));
  return result.append(x.fragment.size() > 1 ? "#***" : "");
}

std::string host_of_url(std::string_view url) {
  if (url.find(scheme_end) == std::string_view::npos)
    return std::string{url};
  auto x = parts_of(url);
  return std::string{x.scheme}.append(x.host);
}

std::string mask_query(std::string_view text) {
  auto question = text.find('?');
  auto begin = question == std::string_view::npos ? text.size() : question + 1;
  return mask_keys(text.substr(0, begin)) + mask_values(text.substr(begin));
}

std::string mask_urls(std::string_view text) {
  return mask_keys(mask_bearer(replace_urls(text, mask_url)));
}

std::string only_hosts(std::string_view text) {
  return replace_urls(text, host_of_url);
}

} // namespace troupe::base

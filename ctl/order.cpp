#include "ctl/order.hpp"

#include "base/path_text.hpp"

#include <cctype>
#include <charconv>
#include <cstdint>
#include <sstream>

#include <boost/json/serialize.hpp>

namespace troupe::ctl {

namespace {

namespace json = boost::json;

/// A whole number as a JSON number. Anything else stays text, and the API reports the error.
json::value number_or_text(const std::string& x) {
  int64_t n = 0;
  auto [end, error] = std::from_chars(x.data(), x.data() + x.size(), n);
  return error == std::errc{} && end == x.data() + x.size() ? json::value(n) : json::value(x);
}

/// "cpu=1.5,nice=10" as an object. The API reports wrong names and values.
json::object members_of(const std::string& text) {
  json::object result;
  std::istringstream words{text};
  for (std::string word; std::getline(words, word, ',');) {
    auto sign = word.find('=');
    result[word.substr(0, sign)] = sign == std::string::npos ? std::string{} : word.substr(sign + 1);
  }
  return result;
}

} // namespace

std::string in_options(std::string text) {
  for (auto& x : transcode_settings()) {
    if (x.member.find('.') == std::string_view::npos)
      continue;
    auto is_part = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; };
    for (auto at = text.find(x.member); at != std::string::npos; at = text.find(x.member, at + 1)) {
      auto end = at + x.member.size();
      if ((end < text.size() && is_part(text[end])) || (at > 0 && is_part(text[at - 1])))
        continue;
      text.replace(at, x.member.size(), "--" + std::string{x.option});
    }
  }
  return text;
}

std::string order_text(const options& with) {
  json::object order{{"input", base::to_path_text(with.input)}, {"output", base::to_path_text(with.output)}};
  if (with.overwrite)
    order["overwrite"] = true;
  for (auto& x : transcode_settings()) {
    auto given = with.settings.find(std::string{x.option});
    if (given == with.settings.end())
      continue;
    auto dot = x.member.find('.');
    auto* part = &order;
    if (dot != std::string_view::npos) {
      auto& inner = order[x.member.substr(0, dot)];
      part = inner.is_object() ? &inner.get_object() : &inner.emplace_object();
    }
    auto name = x.member.substr(dot == std::string_view::npos ? 0 : dot + 1);
    if (name == "limits" || name == "options")
      (*part)[name] = members_of(given->second);
    else
      (*part)[name] = x.member.starts_with("chunk.") ? number_or_text(given->second) : json::value(given->second);
  }
  return json::serialize(order);
}

} // namespace troupe::ctl

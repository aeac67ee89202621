#include "config/option_value.hpp"

#include "base/mask_url.hpp"
#include "config/text.hpp"
#include "core/trust/network.hpp"

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <utility>

namespace troupe::config {

namespace {

using result = tl::expected<void, complaint>;

template <class T>
constexpr bool is_number = std::is_arithmetic_v<T> && !std::is_same_v<T, bool>;

bool is_word(std::string_view text) {
  constexpr size_t word_bytes_max = 64;
  constexpr std::string_view punctuation = "_.:+-";
  return text.size() <= word_bytes_max && std::ranges::all_of(text, [punctuation](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                  || punctuation.find(c) != std::string_view::npos;
         });
}

bool is_host(std::string_view text) {
  constexpr size_t host_bytes_max = 253; // of a DNS name
  return !text.empty() && text.size() <= host_bytes_max && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-'
           || c == '_';
  });
}

/// A number in the base unit of the row's kind, written with the usual unit.
std::string format_bound(kind k, double value) {
  const auto whole = static_cast<int64_t>(value);
  switch (k) {
  case kind::duration:
    return format_duration(std::chrono::milliseconds{whole});
  case kind::size:
    return format_size(whole);
  case kind::rate:
    return format_rate(whole);
  case kind::integer:
    return std::to_string(whole);
  default:
    return format_number(value);
  }
}

bool has_bounds(const option& row) {
  return row.max < std::numeric_limits<double>::max();
}

std::string describe_range(const option& row) {
  return has_bounds(row) ? "from " + format_bound(row.kind, row.min) + " to " + format_bound(row.kind, row.max)
                         : std::string{};
}

std::string shown(const option& row, std::string_view text) {
  if (row.secret)
    return "the value";
  return row.kind == kind::url || row.kind == kind::url_list ? quote(base::mask_url(text)) : quote(text);
}

/// Sets `target` if `value` is within the row's bounds, or is the default.
template <class T>
result set_bounded(const option& row, std::string_view text, double value, T& target, T parsed) {
  configuration fresh;
  const auto fallback = *std::get<T*>(row.at(fresh, names{"fresh", "fresh"}));
  if ((value < row.min || value > row.max) && parsed != fallback)
    return tl::unexpected(shown(row, text) + " is out of range: allowed is " + describe_range(row));
  target = parsed;
  return {};
}

result wrong(const option& row, std::string_view text, std::string_view expected) {
  return tl::unexpected(shown(row, text) + " is not accepted: allowed is " + std::string{expected});
}

tl::expected<int64_t, complaint> parse_whole(kind k, std::string_view text) {
  if (k == kind::size)
    return parse_size(text);
  return k == kind::rate ? parse_rate(text) : parse_integer(text);
}

template <class T>
requires is_number<T> result assign_to(const option& row, std::string_view text, T& target) {
  if constexpr (std::is_floating_point_v<T>) {
    const auto parsed = parse_number(text);
    return parsed ? set_bounded<T>(row, text, *parsed, target, *parsed) : wrong(row, text, parsed.error());
  } else {
    if constexpr (std::is_same_v<T, uint64_t>) {
      // Identifiers use all 64 bits.
      T parsed = 0;
      const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
      if (error == std::errc{} && at == text.data() + text.size())
        return set_bounded<T>(row, text, static_cast<double>(parsed), target, parsed);
    }
    const auto parsed = parse_whole(row.kind, text);
    if (!parsed)
      return wrong(row, text, parsed.error());
    if (!std::in_range<T>(*parsed))
      return tl::unexpected(shown(row, text) + " is out of range: allowed is " + describe_range(row));
    return set_bounded<T>(row, text, static_cast<double>(*parsed), target, static_cast<T>(*parsed));
  }
}

result assign_to(const option& row, std::string_view text, bool& target) {
  const auto parsed = parse_bool(text);
  if (!parsed)
    return wrong(row, text, parsed.error());
  target = *parsed;
  return {};
}

result assign_to(const option& row, std::string_view text, std::chrono::milliseconds& target) {
  const auto parsed = parse_duration(text);
  return parsed ? set_bounded(row, text, static_cast<double>(parsed->count()), target, *parsed)
                : wrong(row, text, parsed.error());
}

result assign_to(const option& row, std::string_view text, rational& target) {
  const auto parsed = parse_frame_rate(text);
  return parsed ? set_bounded(row, text, parsed->value(), target, *parsed) : wrong(row, text, parsed.error());
}

result assign_to(const option& row, std::string_view text, endpoint& target) {
  auto has_port = row.needs_port || text.find(':') != std::string_view::npos;
  auto parsed = parse_endpoint(has_port ? std::string{text} : std::string{text} + ':' + std::to_string(target.port));
  if (!parsed)
    return wrong(row, text, parsed.error());
  target = std::move(*parsed);
  return {};
}

result check_choice(const option& row, std::string_view text) {
  if (std::ranges::find(row.choices, text) != row.choices.end())
    return {};
  auto why = wrong(row, text, describe_allowed(row));
  if (const auto near = closest(text, row.choices); !near.empty())
    why.error() += "; did you mean " + std::string{near} + '?';
  return why;
}

template <class T>
requires std::is_enum_v<T> result assign_to(const option& row, std::string_view text, T& target) {
  if (row.key == "log.level" && text == "warn")
    text = "warning";
  auto checked = check_choice(row, text);
  if (checked)
    target = static_cast<T>(std::ranges::find(row.choices, text) - row.choices.begin());
  return checked;
}

result check_string(const option& row, std::string_view text) {
  const auto of_paths = row.kind == kind::path || row.kind == kind::path_list;
  const auto bytes_max = of_paths ? defaults::path_bytes_max : defaults::value_bytes_max;
  if (text.size() > bytes_max)
    return tl::unexpected("the value has " + std::to_string(text.size()) + " bytes: allowed are at most "
                          + std::to_string(bytes_max));
  const auto accepted = [&] {
    switch (row.kind) {
    case kind::word:
    case kind::word_list:
      return is_word(text);
    case kind::name:
    case kind::name_list:
      return is_valid_name(text);
    case kind::url:
    case kind::url_list:
      return !text.empty() && is_clean_text(text);
    case kind::host_list:
      return is_host(text);
    case kind::path_list:
      return text.starts_with('/') && is_clean_text(text);
    case kind::network_list:
      return core::network::parse(text).has_value();
    default:
      return is_clean_text(text);
    }
  }();
  return accepted ? result{} : wrong(row, text, describe_allowed(row));
}

result assign_to(const option& row, std::string_view text, std::string& target) {
  // An empty choice stands for a default that is described in words.
  auto by_default = row.kind == kind::choice && text.empty() && !row.default_text.empty();
  auto checked = by_default ? result{} : row.kind == kind::choice ? check_choice(row, text) : check_string(row, text);
  if (checked)
    target = text;
  return checked;
}

result assign_list(const option& row, const raw_value& value, std::vector<std::string>& target) {
  const auto of_places = row.kind == kind::host_list || row.kind == kind::network_list || row.kind == kind::path_list;
  const auto may_be_empty = of_places || row.kind == kind::word_list;
  const auto least = may_be_empty ? size_t{0} : size_t{1};
  const auto most = row.kind == kind::path_list   ? defaults::paths_max
                    : of_places                   ? defaults::http_hosts_max
                    : row.kind == kind::word_list ? defaults::languages_max
                    : row.kind == kind::name_list ? core::ladder_profiles_max
                                                  : defaults::urls_max;
  if (value.items.size() < least || value.items.size() > most)
    return tl::unexpected("a list of " + std::to_string(value.items.size()) + ": allowed are " + std::to_string(least)
                          + " to " + std::to_string(most) + " entries");
  for (const auto& item : value.items)
    if (auto checked = check_string(row, item); !checked)
      return checked;
  target = value.items;
  return {};
}

std::string format_of(const option& row, const auto& x) {
  using type = std::remove_cvref_t<decltype(x)>;
  if constexpr (std::is_same_v<type, bool>)
    return x ? "true" : "false";
  else if constexpr (std::is_same_v<type, std::string>)
    return x;
  else if constexpr (std::is_same_v<type, std::chrono::milliseconds>)
    return format_duration(x);
  else if constexpr (std::is_same_v<type, rational>)
    return format_frame_rate(x);
  else if constexpr (std::is_same_v<type, double>)
    return format_number(x);
  else if constexpr (std::is_integral_v<type>)
    return row.kind == kind::integer ? std::to_string(x) : format_bound(row.kind, static_cast<double>(x));
  else if constexpr (std::is_enum_v<type>)
    return std::string{row.choices.at(static_cast<size_t>(x))};
  else
    return std::string{to_string(x)};
}

} // namespace

tl::expected<void, complaint> assign(const option& row, configuration& x, const names& filled, const raw_value& value) {
  const auto target = row.at(x, filled);
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&target)) {
    if (row.kind == kind::url && (value.is_list || value.items.size() != 1))
      return tl::unexpected(std::string{"a list is not accepted: allowed is one URL or path; urls takes a list"});
    return assign_list(row, value, **list);
  }
  if (value.is_list || value.items.size() != 1)
    return tl::unexpected("a list is not accepted: allowed is " + describe_allowed(row));
  const auto& text = value.items.front();
  return std::visit(
    [&](auto* place) -> result {
      if constexpr (std::is_same_v<decltype(place), std::vector<std::string>*>)
        return {};
      else
        return assign_to(row, text, *place);
    },
    target);
}

raw_value value_of(const option& row, configuration& x, const names& filled) {
  const auto target = row.at(x, filled);
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&target))
    return {**list, true};
  return {{std::visit(
            [&row](auto* place) -> std::string {
              if constexpr (std::is_same_v<decltype(place), std::vector<std::string>*>)
                return {};
              else
                return format_of(row, *place);
            },
            target)},
          false};
}

std::string describe_allowed(const option& row) {
  const auto within = [&row](std::string what) {
    return has_bounds(row) ? std::move(what) + ' ' + describe_range(row) : std::move(what);
  };
  switch (row.kind) {
  case kind::boolean:
    return "true or false";
  case kind::integer:
    return within("a whole number");
  case kind::number:
    return within("a number");
  case kind::duration:
    return within("a duration");
  case kind::size:
    return within("a size");
  case kind::rate:
    return within("a rate in bit/s");
  case kind::frame_rate:
    return within("a frame rate");
  case kind::address:
    return row.needs_port ? "host:port" : "host or host:port";
  case kind::text:
    return "text of at most " + std::to_string(defaults::value_bytes_max) + " bytes";
  case kind::word:
    return "at most 64 letters, digits and _ . : + -";
  case kind::name:
    return "1 to 64 letters, digits and . _ -";
  case kind::path:
    return "a path";
  case kind::url:
    return "a URL or a path";
  case kind::url_list:
    return "1 to " + std::to_string(defaults::urls_max) + " URLs or paths";
  case kind::word_list:
    return "0 to " + std::to_string(defaults::languages_max) + " words of letters, digits and _ . : + -";
  case kind::name_list:
    return "1 to " + std::to_string(core::ladder_profiles_max) + " names of profiles";
  case kind::host_list:
    return "0 to " + std::to_string(defaults::http_hosts_max) + " names of hosts, without ports";
  case kind::path_list:
    return "0 to " + std::to_string(defaults::paths_max) + " absolute paths";
  case kind::network_list:
    return "0 to " + std::to_string(defaults::http_hosts_max) + " addresses or networks, such as 10.0.0.0/8";
  case kind::choice:
    break;
  }
  std::string all;
  for (size_t i = 0; i < row.choices.size(); ++i)
    all += (i == 0 ? "" : i + 1 == row.choices.size() ? " or " : ", ") + std::string{row.choices[i]};
  return all;
}

std::string describe_default(const option& row) {
  if (!row.default_text.empty())
    return std::string{row.default_text};
  configuration fresh;
  const auto value = value_of(row, fresh, names{"fresh", "fresh"});
  return value.items.empty() || value.items.front().empty() ? "none" : value.items.front();
}

} // namespace troupe::config

#include "telemetry/log.hpp"

#include "base/mask_url.hpp"
#include "base/utf8.hpp"
#include "config/defaults.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cctype>
#include <charconv>
#include <cmath>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>

namespace troupe::telemetry::log {

namespace {

using namespace config::defaults;

constexpr std::array<std::string_view, 6> level_names{"trace", "debug", "info", "warning", "error", "off"};

spdlog::level::level_enum to_spdlog(level x) {
  constexpr std::array<spdlog::level::level_enum, 6> levels{spdlog::level::trace, spdlog::level::debug,
                                                            spdlog::level::info,  spdlog::level::warn,
                                                            spdlog::level::err,   spdlog::level::off};
  return levels[static_cast<size_t>(x)];
}

struct setup {
  std::shared_ptr<spdlog::logger> logger;
  log::format form = format::text;
};

std::shared_ptr<const setup> make_setup(level least, format form, std::ostream* out) {
  spdlog::sink_ptr sink;
  if (out != nullptr)
    sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(*out, true);
  else
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  auto result = std::make_shared<setup>();
  result->logger = std::make_shared<spdlog::logger>("troupe", std::move(sink));
  result->form = form;
  // In JSON the time and level begin the object, and the payload continues it.
  result->logger->set_pattern(form == format::json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                                   : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v",
                              spdlog::pattern_time_type::utc);
  result->logger->set_level(to_spdlog(least));
  result->logger->flush_on(spdlog::level::trace);
  // A full disk or a closed pipe must not stop the work that is logged.
  result->logger->set_error_handler([](const std::string&) {});
  return result;
}

/// The current setup. It is replaced as a whole, so that a line in progress keeps its setup.
class current_setup {
public:
  std::shared_ptr<const setup> get() {
    const std::scoped_lock lock{mutex_};
    if (!setup_)
      setup_ = make_setup(level::info, format::text, nullptr);
    return setup_;
  }

  void set(std::shared_ptr<const setup> x, level least) {
    const std::scoped_lock lock{mutex_};
    setup_ = std::move(x);
    least_.store(least, std::memory_order_relaxed);
  }

  bool is_enabled(level x) const {
    return x != level::off && x >= least_.load(std::memory_order_relaxed);
  }

private:
  std::mutex mutex_;
  std::shared_ptr<const setup> setup_;
  std::atomic<level> least_{level::info};
};

/// Never destroyed: lines may come from threads that outlive main().
current_setup& current() {
  static auto& instance = *new current_setup;
  return instance;
}

bool is_sensitive(std::string_view key) {
  std::string lower;
  for (char c : key)
    lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr std::array<std::string_view, 6> telling{"token",      "secret",        "passw",
                                                    "credential", "authorization", "private_key"};
  // The path of a secret is not a secret.
  return !lower.ends_with("_file")
         && std::ranges::any_of(telling, [&lower](auto part) { return lower.find(part) != std::string::npos; });
}

/// Appends `text` as the inside of a quoted string that both JSON parsers and humans can read: at most `bytes_max` of
/// it, invalid bytes as U+FFFD, and characters that could end the line or the string escaped.
void append_escaped(std::string& out, std::string_view text, size_t bytes_max) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto limit = out.size() + bytes_max;
  while (!text.empty()) {
    if (out.size() >= limit) {
      out += "...";
      return;
    }
    const auto x = base::take_character(text);
    const auto last = static_cast<unsigned char>(x.bytes.back());
    if (x.what == base::character::kind::ill_formed)
      out += "\xEF\xBF\xBD";
    else if (x.bytes == "\"" || x.bytes == "\\")
      out.append("\\").append(x.bytes);
    else if (x.bytes == "\n")
      out += "\\n";
    else if (x.bytes == "\t")
      out += "\\t";
    else if (x.what == base::character::kind::control) // its last byte is its number, below U+00A0
      out.append("\\u00").append(1, digits[last >> 4]).append(1, digits[last & 15]);
    else
      out += x.bytes;
  }
}

template <class T>
std::string number(T x) {
  std::array<char, 64> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), x);
  return error == std::errc{} ? std::string{buffer.data(), end} : std::string{"0"};
}

void append_value(std::string& out, const field& x, format form, std::string_view value) {
  const auto shown =
    is_sensitive(x.key()) ? std::string{"***"} : base::mask_urls(value.substr(0, 4 * log_value_bytes_max));
  const auto is_plain = !shown.empty() && std::ranges::all_of(shown, [](char c) {
    return c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
  });
  // In text mode only values that need quotes get them.
  const std::string_view quotes = form == format::json || !is_plain ? "\"" : "";
  out += quotes;
  append_escaped(out, shown, log_value_bytes_max);
  out += quotes;
}

void append_value(std::string& out, const field&, format, bool value) {
  out += value ? "true" : "false";
}

void append_value(std::string& out, const field&, format, double value) {
  out += std::isfinite(value) ? number(value) : "null";
}

template <std::integral T>
void append_value(std::string& out, const field&, format form, T value) {
  // Above this value a JSON reader may round, so larger identifiers are written as text.
  constexpr double exact_max = 9007199254740992.0;
  const auto is_exact = form == format::text || std::abs(static_cast<double>(value)) < exact_max;
  out += is_exact ? number(value) : '"' + number(value) + '"';
}

void append_value(std::string& out, const field& x, format form) {
  std::visit([&](const auto& value) { append_value(out, x, form, value); }, x.value());
}

void append_key(std::string& out, std::string_view key) {
  constexpr size_t key_bytes_max = 64;
  append_escaped(out, key, key_bytes_max);
}

std::string payload(format form, std::string_view message, std::span<const field> more) {
  std::string line;
  const auto shown = base::mask_urls(message.substr(0, 4 * log_message_bytes_max));
  const auto count = std::min(more.size(), log_fields_max);
  if (form == format::text) {
    append_escaped(line, shown, log_message_bytes_max);
    for (const auto& x : more.first(count)) {
      append_key(line += ' ', x.key());
      append_value(line += '=', x, form);
    }
    return line;
  }
  append_escaped(line = "\"message\":\"", shown, log_message_bytes_max);
  line += '"';
  for (const auto& x : more.first(count)) {
    append_key(line += ",\"", x.key());
    append_value(line += "\":", x, form);
  }
  return line;
}

} // namespace

std::optional<level> level_of(std::string_view name) {
  if (name == "warn")
    return level::warning;
  const auto* const found = std::ranges::find(level_names, name);
  return found == level_names.end() ? std::nullopt : std::optional{static_cast<level>(found - level_names.begin())};
}

std::optional<format> format_of(std::string_view name) {
  if (name == "text")
    return format::text;
  return name == "json" ? std::optional{format::json} : std::nullopt;
}

void configure(level least, format form, std::ostream* out) {
  current().set(make_setup(least, form, out), least);
}

bool is_enabled(level x) {
  return current().is_enabled(x);
}

void write(level at, std::string_view message, std::span<const field> more) noexcept {
  try {
    if (!is_enabled(at))
      return;
    const auto in_use = current().get();
    in_use->logger->log(to_spdlog(at), spdlog::string_view_t{payload(in_use->form, message, more)});
  } catch (...) {
    // Out of memory: the line is lost, the work continues.
    return;
  }
}

context::context(fields own) {
  for (const auto& x : own)
    add(x);
}

context context::with(fields more) const {
  auto result = *this;
  for (const auto& x : more)
    result.add(x);
  return result;
}

void context::add(const field& x) {
  owned mine{std::string{x.key()}, int64_t{0}};
  std::visit(
    [&mine](const auto& value) {
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string_view>)
        mine.value = std::string{value};
      else
        mine.value = value;
    },
    x.value());
  fields_.push_back(std::move(mine));
}

void context::write(level at, std::string_view message, fields more) const {
  if (!is_enabled(at))
    return;
  std::vector<field> all;
  all.reserve(fields_.size() + more.size());
  for (const auto& x : fields_)
    std::visit([&](const auto& value) { all.emplace_back(x.key, value); }, x.value);
  all.insert(all.end(), more.begin(), more.end());
  log::write(at, message, all);
}

void context::trace(std::string_view message, fields more) const {
  write(level::trace, message, more);
}

void context::debug(std::string_view message, fields more) const {
  write(level::debug, message, more);
}

void context::info(std::string_view message, fields more) const {
  write(level::info, message, more);
}

void context::warning(std::string_view message, fields more) const {
  write(level::warning, message, more);
}

void context::error(std::string_view message, fields more) const {
  write(level::error, message, more);
}

} // namespace troupe::telemetry::log

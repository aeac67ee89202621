#include "store/text.hpp"

#include "base/utf8.hpp"
#include "messages/job_states.hpp"
#include "store/limits.hpp"

#include <algorithm>
#include <limits>

namespace troupe::store {

namespace {

tl::unexpected<error> invalid(const std::string& what) {
  return tl::unexpected{error{error_kind::invalid_argument, what}};
}

/// Records the first error in an operation.
class checker {
public:
  void text(std::string_view value, const char* what, size_t limit) {
    if (value.size() > limit)
      wrong(std::string{what} + " has " + std::to_string(value.size()) + " bytes; at most " + std::to_string(limit)
            + " are stored");
    else if (!is_text(value))
      wrong(std::string{what} + " is not UTF-8 text, or has a NUL in it");
  }

  void name(std::string_view value, const char* what) {
    text(value, what, limits::name_bytes);
    if (std::ranges::any_of(value, [](char c) { return static_cast<unsigned char>(c) < ' '; }))
      wrong(std::string{what} + " has a control character in it");
  }

  void require(bool good, const char* otherwise) {
    if (!good)
      wrong(otherwise);
  }

  void changes(const job_changes& x) {
    if (x.error)
      text(*x.error, "the error", limits::error_bytes);
    if (x.result)
      text(*x.result, "the result", limits::request_bytes);
    if (x.progress_ppm)
      require(*x.progress_ppm <= 1'000'000, "the progress is beyond 1000000 millionths");
  }

  expected<void> result() && {
    if (wrong_.empty())
      return {};
    return invalid("cannot store this: " + wrong_);
  }

private:
  void wrong(std::string what) {
    if (wrong_.empty())
      wrong_ = std::move(what);
  }

  std::string wrong_;
};

void check(checker& c, const submit_job& x) {
  c.name(x.name, "the job's name");
  c.text(x.idempotency_key, "the idempotency key", limits::key_bytes);
  c.text(x.callback_url, "the callback URL", limits::url_bytes);
  c.text(x.request, "the request", limits::request_bytes);
  c.name(x.node, "the node's name");
}

void check(checker& c, const move_job& x) {
  c.text(x.why, "the reason", limits::reason_bytes);
  c.name(x.node, "the node's name");
  c.changes(x.changes);
}

void check(checker& c, const edit_job& x) {
  c.changes(x.changes);
}

void check(checker& c, const add_chunks& x) {
  c.require(!x.chunks.empty(), "a plan without chunks");
  c.require(x.chunks.size() <= limits::chunks_per_job, "too many chunks");
  for (const auto& chunk : x.chunks) {
    c.require(chunk.number < limits::chunks_per_job, "a chunk's number is too large");
    c.require(chunk.from_pts < chunk.to_pts, "a chunk ends where it begins, or before");
  }
}

bool is_sha256(std::string_view x) {
  return x.size() == 64
         && std::ranges::all_of(x, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

void check(checker& c, const move_chunk& x) {
  constexpr auto largest = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  c.text(x.why, "the reason", limits::reason_bytes);
  c.name(x.node, "the node's name");
  c.require(x.result.has_value() == (x.to == chunk_state::done), "a chunk has a result exactly when it is done");
  if (x.result) {
    c.text(x.result->file, "the result's file", limits::path_bytes);
    c.require(is_sha256(x.result->sha256), "the SHA-256 is not 64 lower-case hexadecimal digits");
    c.require(x.result->bytes <= largest && x.result->frames <= largest, "a count is beyond 63 bits");
  }
}

void check(checker&, const remove_chunks&) {}

void check(checker&, const remove_job&) {}

void check(checker& c, const add_log& x) {
  c.require(x.lines.size() <= limits::log_lines_per_job, "too many lines for a log");
  for (const auto& line : x.lines) {
    c.name(line.level, "a log line's level");
    c.name(line.part, "a log line's part");
    c.text(line.text, "a log line", limits::log_line_bytes);
  }
}

void check(checker& c, const edit_callback& x) {
  c.text(x.note, "the result of a callback", limits::reason_bytes);
}

} // namespace

bool is_text(std::string_view x) {
  return x.find('\0') == std::string_view::npos && base::is_utf8(x);
}

namespace {

void mend(std::string& words, size_t limit) {
  words = base::to_utf8(base::cut(words, limit));
  std::ranges::replace(words, '\0', '?');
}

} // namespace

void mend_words(operation& x) {
  if (auto* job = std::get_if<move_job>(&x)) {
    mend(job->why, limits::reason_bytes);
    if (job->changes.error)
      mend(*job->changes.error, limits::error_bytes);
  } else if (auto* chunk = std::get_if<move_chunk>(&x)) {
    mend(chunk->why, limits::reason_bytes);
  }
}

expected<void> check(const operation& x) {
  checker c;
  std::visit(
    [&c](const auto& op) {
      c.require(static_cast<bool>(op.id), "the job has no id");
      check(c, op);
    },
    x);
  return std::move(c).result();
}

std::string lower(std::string_view x) {
  std::string result{x};
  for (char& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::string contains_pattern(std::string_view x) {
  std::string result = "%";
  for (char c : x) {
    if (c == '%' || c == '_' || c == '\\')
      result += '\\';
    result += c;
  }
  return result + '%';
}

} // namespace troupe::store

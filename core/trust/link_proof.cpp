#include "core/trust/link_proof.hpp"

#include "base/sha256.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace troupe::core {

namespace {

constexpr std::string_view greeting_word = "troupe-link 1 ";
constexpr std::string_view welcome_word = "welcome ";
constexpr std::string_view refusal_word = "refused ";
constexpr size_t digits = 64; ///< of a challenge and of a proof
constexpr size_t name_bytes_max = 256;

/// A task may lose its coordinator and look for it again weeks after its start.
constexpr int64_t pass_life_s = int64_t{30} * 24 * 3600;

bool are_digits(std::string_view x) {
  return x.size() == digits
         && std::ranges::all_of(x, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// Takes the text up to the next blank.
std::string_view take_word(std::string_view& text) {
  auto word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

/// A number in its only notation: "7", but neither "07" nor "+7".
template <class Number>
bool read_number(std::string_view text, Number& into) {
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), into);
  return failed == std::errc{} && end == text.data() + text.size() && std::to_string(into) == text;
}

} // namespace

std::string_view to_string(link_role x) noexcept {
  return x == link_role::worker ? "worker" : "task";
}

std::string link_proof(link_side side, std::string_view secret, const link_claim& x, std::string_view gate_challenge,
                       std::string_view binding) {
  // The name comes last and may hold anything; all parts before it have no line ends.
  std::string all{greeting_word};
  for (auto part : {side == link_side::gate ? std::string_view{"gate"} : std::string_view{"node"}, to_string(x.role),
                    gate_challenge, std::string_view{x.challenge}, binding, std::string_view{x.name}}) {
    all += '\n';
    all += part;
  }
  return base::hmac_sha256(secret, all);
}

std::string greeting_line(std::string_view challenge) {
  return std::string{greeting_word} + std::string{challenge} + '\n';
}

std::string claim_line(const link_claim& x) {
  return std::string{to_string(x.role)} + ' ' + x.challenge + ' ' + x.proof + ' ' + x.name + '\n';
}

std::string welcome_line(std::string_view proof) {
  return std::string{welcome_word} + std::string{proof} + '\n';
}

std::string refusal_line(std::string_view reason) {
  return std::string{refusal_word} + std::string{reason} + '\n';
}

std::optional<std::string> read_greeting(std::string_view line) {
  if (!line.starts_with(greeting_word))
    return {};
  line.remove_prefix(greeting_word.size());
  if (!are_digits(line))
    return {};
  return std::string{line};
}

std::optional<link_claim> read_claim(std::string_view line) {
  link_claim result;
  auto role = take_word(line);
  if (role == to_string(link_role::task))
    result.role = link_role::task;
  else if (role != to_string(link_role::worker))
    return {};
  result.challenge = take_word(line);
  result.proof = take_word(line);
  result.name = line;
  auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; };
  if (!are_digits(result.challenge) || !are_digits(result.proof) || result.name.empty()
      || result.name.size() > name_bytes_max || std::ranges::any_of(result.name, is_control))
    return {};
  return result;
}

bool may_become_claim(std::string_view begin) noexcept {
  return std::ranges::any_of(std::array{link_role::worker, link_role::task}, [begin](auto role) {
    auto word = to_string(role);
    return begin.substr(0, word.size()) == word.substr(0, begin.size());
  });
}

tl::expected<std::string, std::string> read_welcome(std::string_view line) {
  if (line.starts_with(refusal_word))
    return tl::unexpected(std::string{line.substr(refusal_word.size())});
  if (!line.starts_with(welcome_word) || !are_digits(line.substr(welcome_word.size())))
    return tl::unexpected(std::string{"the other side does not speak the protocol of this cluster's nodes"});
  return std::string{line.substr(welcome_word.size())};
}

std::string node_secret(std::string_view cluster_secret, std::string_view node) {
  return base::hmac_sha256(cluster_secret, "troupe-node 1\n" + std::string{node});
}

std::string name_of(const task_pass& x) {
  return std::to_string(x.task) + '.' + std::to_string(x.host) + '.' + std::to_string(x.made_s) + '.' + x.node;
}

std::optional<task_pass> read_pass(std::string_view name) {
  auto next = [&name]() -> std::string_view {
    auto dot = name.find('.');
    if (dot == std::string_view::npos)
      return {};
    auto part = name.substr(0, dot);
    name.remove_prefix(dot + 1);
    return part;
  };
  task_pass result;
  if (!read_number(next(), result.task) || !read_number(next(), result.host) || !read_number(next(), result.made_s)
      || name.find(' ') != std::string_view::npos)
    return {};
  result.node = name;
  return result;
}

std::string secret_of(const task_pass& x, std::string_view node_secret) {
  return base::hmac_sha256(node_secret, "troupe-pass 1\n" + name_of(x));
}

bool is_current(const task_pass& x, int64_t now_s) noexcept {
  return x.made_s >= now_s - pass_life_s && x.made_s <= now_s + pass_life_s;
}

} // namespace troupe::core

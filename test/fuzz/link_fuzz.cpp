// What a stranger, and then a node, sends to the cluster port: lines of the proof, and BASP. A line that is read comes
// back as it was; the filter passes nothing of a node that has not said who it is, and nothing to unknown actors.
#include "core/trust/link_filter.hpp"
#include "core/trust/link_proof.hpp"

#include "test/fuzz/fuzz.hpp"

#include <algorithm>
#include <span>
#include <string>

using namespace troupe::core;
using troupe::fuzz::require;
using fate = link_filter::fate;

namespace {

const std::string own_node(25, '\1');
constexpr uint64_t published = 5;

link_filter make_filter() {
  link_rules rules;
  rules.requests = {{300}, {301, 303}};
  rules.answers = {{}, {27}, {303}};
  rules.large = {{300}};
  rules.handles = {303};
  rules.error = 27;
  rules.text = 12;
  rules.join = 301;
  rules.control_bytes_max = 256;
  rules.message_bytes_max = 1024;
  return {rules, {own_node, published, std::string(16, '\2'), [](const std::string&) { return true; }}};
}

void read_lines(std::string_view line) {
  if (auto x = read_greeting(line))
    require(greeting_line(*x) == std::string{line} + '\n', "a greeting comes back");
  if (auto x = read_claim(line)) {
    require(claim_line(*x) == std::string{line} + '\n', "a claim comes back");
    require(claim_line(*x).size() <= link_line_bytes_max, "a claim is bounded");
  }
  (void)read_welcome(line);
  if (auto x = read_pass(line))
    require(name_of(*x) == line, "a pass has one name");
}

/// True if the filter has ended the connection.
bool send(link_filter& filter, byte_view header, byte_view payload, bool greeted) {
  auto first = filter.header(header);
  require(first.what != fate::drop, "headers are not dropped");
  if (first.what == fate::end)
    return true;
  require(basp_payload_bytes(header) <= 4096, "sizes are bounded");
  auto judged = filter.message(header, payload);
  auto operation = std::to_integer<int>(header[0]);
  if (judged.what == fate::pass && operation == 2) {
    require(greeted, "a node says first who it is");
    require(std::to_integer<int>(header[31]) == published || std::to_integer<int>(header[8]) >= 128,
            "only the published actor is reached");
    require(header[3] == std::byte{0}, "no server of CAF is reached");
  }
  return judged.what == fate::end;
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read_lines(troupe::fuzz::text_of(data, size));
  auto bytes = std::as_bytes(std::span{data, size});
  auto filter = make_filter();
  auto greeted = false;
  while (bytes.size() >= basp_header_bytes) {
    auto header = bytes.first(basp_header_bytes);
    auto length = std::min<size_t>(basp_payload_bytes(header), bytes.size() - basp_header_bytes);
    if (length < basp_payload_bytes(header) || send(filter, header, bytes.subspan(basp_header_bytes, length), greeted))
      break;
    greeted = true;
    bytes = bytes.subspan(basp_header_bytes + length);
  }
  auto learning = make_filter();
  for (auto [from, count] : learning.learn(std::as_bytes(std::span{data, size})))
    require(from + count <= size, "what is held back is there");
  return 0;
}

// Rows are tried in order. The first row with a word that is in the card's name decides. Names are compared
// case-insensitively, by whole words, so that "A10" is not found in "A100".
#include "core/placement/gpu_limits.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <span>

namespace troupe::core {

namespace {

enum class rule : uint8_t {
  none,        ///< no encoder on the chip
  none_at_all, ///< neither encoder nor decoder
  unlimited,
  geforce, ///< by driver, for all GeForce cards of the machine together
  fixed    ///< `sessions`
};

struct row {
  std::string_view words; ///< any of these, separated by "|"
  rule limit = rule::fixed;
  uint32_t sessions = 0;
  std::string_view why{};
};

/// NVIDIA chips without NVENC, and chips with unlimited NVENC. Sources: NVIDIA's "Video Encode and Decode GPU Support
/// Matrix" (developer.nvidia.com/video-encode-and-decode-gpu-support-matrix-new) for chips with no NVENC; the licensing
/// policy in the NVENC Application Note ("qualified" cards have no limit); vmix.com knowledge base 171 for Quadro,
/// where the classes below M2000 and P2000 are limited like GeForce.
constexpr row nvidia[] = {
  {"A100|A100X|A800|A30|A30X", rule::none, 0, "the chip GA100 has no NVENC; it decodes only"},
  {"H100|H200|H800|H20|GH200", rule::none, 0, "the chip GH100 has no NVENC; it decodes only"},
  {"B100|B200|B300|GB200|GB300", rule::none, 0, "this data-centre Blackwell chip has no NVENC; it decodes only"},
  {"CMP", rule::none_at_all, 0, "mining cards have their media units switched off"},
  {"GT 1030|MX110|MX130|MX150|MX230|MX250|MX330|MX350|940MX|930MX|920MX|940M|930M|920M", rule::none, 0,
   "this small chip has no NVENC"},
  {"P4|P6|P40|P100|V100|V100S|T4|T4G|A2|A10|A10G|A10M|A16|A40|L2|L4|L20|L40|L40S|L40G|M4|M6|M10|M40|M60",
   rule::unlimited, 0, "data-centre cards with NVENC have no limit on sessions"},
  {"GeForce|TITAN", rule::geforce},
  {"Tesla|GRID", rule::unlimited, 0, "Tesla cards have no limit on sessions"},
  {"K420|K600|K620|K1200|K2000|K2000D|K2200|P400|P600|P620|P1000|NVS|T400|T600|T1000", rule::geforce},
  {"Quadro", rule::unlimited, 0, "Quadro cards of this class have no limit on sessions"},
  {"RTX", rule::unlimited, 0, "professional RTX cards have no limit on sessions"},
  {"Orin|Xavier|Thor|Tegra", rule::unlimited, 0, "Jetson modules have no limit on sessions"},
};

struct driver_step {
  uint32_t from; ///< major version of the Linux driver
  uint32_t sessions;
};

/// Sessions on all GeForce cards of a machine together: "the combined number of encoding sessions executed on all
/// non-qualified cards present in the system" (licensing policy in the NVENC Application Note). The numbers: 2 before
/// the Video Codec SDK 9.1, which needs driver 435; 3, then 5 from driver 530, 8 from 550 and 12 from 590
/// (jellyfin.org, "Known Issues" of hardware acceleration).
constexpr driver_step geforce_steps[] = {{590, 12}, {550, 8}, {530, 5}, {435, 3}, {0, 2}};

/// Quick Sync, VA-API and VCN drivers have no session limit: sessions share the engines' time, and too many make each
/// slower than real time. These figures say how many 1080p transcodes a chip gets by default. They follow the "4-8,
/// varies by generation" of the session table in the distributed transcoding design that this project started from;
/// chips with several media engines get more (Arc, Flex, Data Center GPU).
constexpr row intel[] = {
  {"GPU Max|Ponte Vecchio", rule::none_at_all, 0, "this compute card has no media engine"},
  {"Flex", rule::fixed, 16, "Data Center GPU Flex: two media engines or more"},
  {"Arc", rule::fixed, 12, "Arc: two media engines"},
  {"Battlemage|Alchemist|DG2", rule::fixed, 12, "Arc: two media engines"},
  {"DG1|Xe|Iris|UHD 770|UHD 750|UHD 730|UHD 710|Alder|Raptor|Rocket|Tiger|Meteor|Lunar|Arrow|Gen12", rule::fixed, 8,
   "Intel graphics of generation 12 and later"},
  {"UHD|Ice|Gen11|Coffee|Comet|Kaby|Skylake|HD 530|HD 630|HD 620|HD 520|Gen9", rule::fixed, 6,
   "Intel graphics of generations 9 to 11"},
  {"Haswell|Broadwell|Ivy|Sandy|Gen7|Gen8|HD", rule::fixed, 4, "Intel graphics before generation 9"},
};

constexpr row amd[] = {
  {"MI100|MI200|MI210|MI250|MI250X|MI300|MI300X|MI300A|MI325X|MI350X|Instinct", rule::none, 0,
   "Instinct cards have no encoder; they decode only"},
  {"6500|6400|Navi24", rule::none, 0, "the chip Navi 24 has no encoder; it decodes only"},
  {"7900|7800|7700|W7900|W7800|9070|9060|V710|Navi31|Navi32|Navi48", rule::fixed, 8, "VCN 4 and later, two engines"},
  {"6900|6800|6950|W6800|Navi21", rule::fixed, 8, "VCN 3, two engines"},
  {"Polaris|Fiji|Tonga|Vega|RX 480|RX 580|R9", rule::fixed, 4, "VCE"},
};

constexpr uint32_t unknown_nvidia = 2; ///< the lowest that a GeForce card ever had
constexpr uint32_t unknown_shared = 4; ///< lower end of "4-8"
constexpr uint32_t apple_sessions = 8; ///< "~8, varies by chip" of the session table cited above

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-';
}

bool equal_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

/// Whether `word` is a whole word of `name`. "A100" is also found in "A100-SXM4-40GB".
bool has_word(std::string_view name, std::string_view word) {
  for (size_t at = 0; at + word.size() <= name.size(); ++at) {
    auto starts = at == 0 || !is_word_char(name[at - 1]);
    auto end = at + word.size();
    auto ends = end == name.size() || !is_word_char(name[end]) || name[end] == '-';
    if (starts && ends && equal_text(name.substr(at, word.size()), word))
      return true;
  }
  return false;
}

bool matches(std::string_view name, std::string_view alternatives) {
  while (!alternatives.empty()) {
    auto bar = std::min(alternatives.find('|'), alternatives.size());
    if (has_word(name, alternatives.substr(0, bar)))
      return true;
    alternatives.remove_prefix(std::min(bar + 1, alternatives.size()));
  }
  return false;
}

gpu_limits geforce(const gpu_description& card) {
  auto version = major_version(card.driver);
  gpu_limits result;
  result.encode_scope = limit_scope::machine;
  // A driver that does not report its version is taken for an old one.
  for (auto& step : geforce_steps)
    if (version >= step.from) {
      result.encode = session_limit::of(step.sessions);
      break;
    }
  result.why = "GeForce cards of one machine share " + to_string(result.encode) + " sessions with driver "
               + (card.driver.empty() ? "of an unknown version" : card.driver);
  return result;
}

gpu_limits apply(const row& x, const gpu_description& card) {
  gpu_limits result;
  switch (x.limit) {
  case rule::geforce:
    return geforce(card);
  case rule::none_at_all:
    result.decode = session_limit::none();
    break;
  case rule::none:
    break;
  case rule::unlimited:
    result.encode = session_limit::unlimited();
    break;
  case rule::fixed:
    result.encode = session_limit::of(x.sessions);
    break;
  }
  result.why = x.why;
  return result;
}

gpu_limits look_up(std::span<const row> table, const gpu_description& card, uint32_t otherwise) {
  for (auto& x : table)
    if (matches(card.name, x.words))
      return apply(x, card);
  gpu_limits result;
  result.encode = session_limit::of(otherwise);
  result.why = "the model \"" + card.name.substr(0, 64) + "\" is not in the table: a conservative guess";
  return result;
}

} // namespace

uint32_t major_version(std::string_view driver) {
  uint32_t result = 0;
  auto [end, error] = std::from_chars(driver.data(), driver.data() + driver.size(), result);
  return error == std::errc{} ? result : 0;
}

gpu_limits limits_from_table(const gpu_description& card) {
  switch (card.vendor) {
  case gpu_vendor::nvidia:
    return look_up(nvidia, card, unknown_nvidia);
  case gpu_vendor::intel:
    return look_up(intel, card, unknown_shared);
  case gpu_vendor::amd:
    return look_up(amd, card, unknown_shared);
  case gpu_vendor::apple: {
    gpu_limits result;
    result.encode = session_limit::of(apple_sessions);
    result.why = "VideoToolbox shares its engines with the system";
    return result;
  }
  case gpu_vendor::unknown:
    break;
  }
  return look_up({}, card, unknown_nvidia);
}

} // namespace troupe::core

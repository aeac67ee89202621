// The table of everything that can be configured. Files, environment, flags, their checks, the printed configuration
// and the reference in docs/configuration.md all come from it: a key exists if and only if it has a row here.
//
// A key is a path with dots. `*` in it stands for a name that people choose: that of a channel, a profile or an
// encoder option.
#pragma once

#include "config/config.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::config {

/// How a value is written and what of it is checked.
enum class kind : uint8_t {
  boolean,
  integer,
  number,
  duration,
  size,
  rate,
  frame_rate,
  address,
  choice, ///< one of `option::choices`
  text,   ///< any printable text
  word,   ///< a name that libav* or the product knows: letters, digits and "_.:+-"
  name,   ///< a node's name: 1 to 64 letters, digits and "._-"
  path,
  url,
  url_list,
  host_list, ///< names and addresses of hosts, without ports
};

/// What the stars of a key stand for, in their order.
using names = std::vector<std::string>;

/// The place of a value in a `configuration`.
using slot = std::variant<bool*, int32_t*, uint32_t*, int64_t*, uint64_t*, double*, std::chrono::milliseconds*,
                          endpoint*, rational*, std::string*, std::vector<std::string>*, role*, strategy*, log_level*,
                          log_format*, exhaustion_policy*>;

enum class value_part : uint8_t { whole, host, port };

/// An environment variable of another product that sets a key, or of an address only its host or its port.
struct alias {
  std::string_view variable;
  value_part part = value_part::whole;
};

struct option {
  std::string_view key;
  config::kind kind = kind::text;
  slot (*at)(configuration&, const names&) = nullptr; ///< creates the channel or profile that a name stands for
  std::string_view help;
  double min = 0; ///< in the base unit of the kind: ms, bytes, bit/s
  double max = std::numeric_limits<double>::max();
  std::vector<std::string_view> choices = {}; ///< of an enumeration in the order of its enumerators
  std::string_view default_text = {};         ///< where the default is no constant, or "" says too little
  bool secret = false;
  std::vector<std::string_view> flags = {}; ///< short forms beside "--<key>"
  std::vector<alias> aliases = {};          ///< the first that is set wins
};

/// All rows, in the order in which they are documented and printed.
std::span<const option> options();

/// A variable of another product that is accepted without effect, and why.
struct ignored_variable {
  std::string_view variable;
  std::string_view reason;
};

std::span<const ignored_variable> ignored_variables();

/// A row and what its stars stand for.
struct matched {
  const option* row = nullptr;
  config::names names;
};

/// The row of a path of a file, already split: a name may hold dots.
std::optional<matched> match_path(std::span<const std::string> path);

/// The row of a key as flags write it: "channels.demo.url".
std::optional<matched> match_key(std::string_view key);

/// Whether a path of a file leads to keys, as "cluster" and "channels.demo" do.
bool is_section(std::span<const std::string> path);

/// The row with its stars filled in: "channels.demo.url".
std::string full_key(const option& row, const names& filled);

/// Parts of a key between its dots.
std::vector<std::string> split_key(std::string_view key);

/// The environment variable of a row; `<NAME>` stands for a free name: "TROUPE_CHANNELS__<NAME>__URL".
std::string variable_of(const option& row);

/// Whether people may choose this name for a channel, a profile or a node.
bool is_valid_name(std::string_view name);

/// What is allowed where `key` stands, and what it may have meant, as a sentence for people.
std::string suggest_key(std::string_view key);

/// The closest of `candidates` that is close enough to be meant; empty if none is.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

} // namespace troupe::config

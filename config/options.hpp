// The table of all configuration options. Files, environment, flags, their checks, the printed configuration and the
// reference in docs/configuration.md all come from it. A key exists if and only if it has a row here.
//
// A key is a path with dots. A `*` in it stands for a name: of a channel, a profile, a ladder, an encoder option or a
// GPU.
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

/// How a value is written and checked.
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
  word,   ///< a name known to libav* or the product: letters, digits and "_.:+-"
  name,   ///< a node's name: 1 to 64 letters, digits and "._-"
  path,
  url,
  word_list,
  path_list,
  url_list,
  name_list,    ///< names of profiles
  host_list,    ///< host names and addresses, without ports
  network_list, ///< addresses, and networks such as 10.0.0.0/8
};

/// True if a value of this kind is a list of texts.
constexpr bool is_list(kind x) {
  return x == kind::word_list || x == kind::path_list || x == kind::url_list || x == kind::name_list
         || x == kind::host_list || x == kind::network_list;
}

/// The names for a key's stars, in their order.
using names = std::vector<std::string>;

/// A pointer to a value in a `configuration`.
using slot = std::variant<bool*, int32_t*, uint32_t*, int64_t*, uint64_t*, double*, std::chrono::milliseconds*,
                          endpoint*, rational*, std::string*, std::vector<std::string>*, role*, core::ranking*,
                          log_level*, log_format*, exhaustion_policy*, slate_kind*>;

enum class value_part : uint8_t { whole, host, port };

/// An environment variable of another product that sets a key, or only the host or the port of an address.
struct alias {
  std::string_view variable;
  value_part part = value_part::whole;
};

struct option {
  std::string_view key;
  config::kind kind = kind::text;
  slot (*at)(configuration&, const names&) = nullptr; ///< creates the channel, profile or ladder with the name
  std::string_view help;
  double min = 0; ///< in the base unit of the kind: ms, bytes, bit/s
  double max = std::numeric_limits<double>::max();
  std::vector<std::string_view> choices = {}; ///< for an enumeration, in the order of its enumerators
  std::string_view default_text = {};         ///< used if the default is not a constant, or if "" would say too little
  bool secret = false;
  bool needs_port = true;                   ///< of an address; if not, a missing port is the default's
  std::vector<std::string_view> flags = {}; ///< short forms besides "--<key>"
  std::vector<alias> aliases = {};          ///< the first that is set wins
};

/// All rows, in the order in which they are documented and printed.
std::span<const option> options();

/// A variable of another product that is accepted but has no effect, and the reason.
struct ignored_variable {
  std::string_view variable;
  std::string_view reason;
};

std::span<const ignored_variable> ignored_variables();

/// A row and the names for its stars.
struct matched {
  const option* row = nullptr;
  config::names names;
};

/// The row for a path in a file, already split: a name may contain dots.
std::optional<matched> match_path(std::span<const std::string> path);

/// The row for a key in the form of flags: "channels.demo.url".
std::optional<matched> match_key(std::string_view key);

/// True if a path in a file leads to keys, as "cluster" and "channels.demo" do.
bool is_section(std::span<const std::string> path);

/// The row's key with its stars filled in: "channels.demo.url".
std::string full_key(const option& row, const names& filled);

/// The parts of a key between its dots.
std::vector<std::string> split_key(std::string_view key);

/// The environment variable of a row; `<NAME>` stands for a free name: "TROUPE_CHANNELS__<NAME>__URL".
std::string variable_of(const option& row);

/// True if users may choose this name for a channel, a profile or a node.
bool is_valid_name(std::string_view name);

/// What is allowed in place of `key`, and which key may have been meant, as a sentence.
std::string suggest_key(std::string_view key);

/// The closest of `candidates` that is similar enough; empty if none is.
std::string_view closest(std::string_view word, std::span<const std::string_view> candidates);

} // namespace troupe::config

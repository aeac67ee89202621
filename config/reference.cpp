// The reference page, made from the table: docs/configuration.md is its output, and a test compares them.
#include "config/option_value.hpp"
#include "config/print.hpp"
#include "config/units.hpp"

#include <string>
#include <string_view>

namespace troupe::config {

namespace {

constexpr std::string_view opening = R"(# Configuration

<!-- Made by `caf-node --print-config-reference` from config/option_table.cpp. Change the table, not this page. -->

A node is configured by a YAML file, the environment and flags. A flag overrides the environment, the environment
overrides the file, and the file overrides the default. One file can describe a whole cluster: each node takes from it
what its role needs.

```sh
caf-node --config=config/quickstart.yaml --http.listen=127.0.0.1:8000
TROUPE_LOG_FORMAT=json caf-node --role=worker --coordinator=10.0.0.1:9090 --config=config/worker.yaml
```

An error in the configuration stops the node before it starts: an unknown key, a value of the wrong type or out of
range, a key that appears twice. The message names file, line and key, and says what is allowed.

## Flags

Every key is a flag: `--<key>=<value>`, or `--<key> <value>`. The flag of a true-or-false key means true if it
has no value. There are also these flags:

)";

constexpr std::string_view rules = R"(
## The file

One YAML document of at most 1 MiB, nested at most 16 deep. Anchors, aliases and tags are not accepted. In values
`${VAR}` stands for the environment variable VAR, which must be set; `${VAR:-text}` falls back to the text; `$${` is a
literal `${`.

Example files: `config/quickstart.yaml` (one machine, one process), `config/coordinator.yaml` and
`config/worker.yaml` (one role each), `config/cluster.yaml` (two machines with TLS, channels and profiles).

## The environment

A variable is `TROUPE_` and the key in capitals with `_` for `.`: `http.listen` is `TROUPE_HTTP_LISTEN`. Names that you
choose stand between double underscores: `channels.demo.url` is `TROUPE_CHANNELS__DEMO__URL`, and
`profiles.hd.video.options.x264-params` is `TROUPE_PROFILES__HD__VIDEO_OPTIONS__X264_PARAMS`. Such a name refers to the
name in the file (or a built-in one) that is equal if case is ignored and `.` and `-` count as `_`. If no name is equal,
the variable's name is taken in lower case. A variable that is empty counts as not set. An unknown `TROUPE_` variable is
an error; `TROUPE_CONFIG` names the file, `TROUPE_URL`, `TROUPE_KEY` and `TROUPE_KEY_FILE` are for `caf-ctl`, and
`TROUPE_CACHE` belongs to the scripts.

## Values

| kind | written as |
|---|---|
| duration | number and unit, `ms`, `s`, `m`, `h`: `250ms`, `5s`, `1.5s`, `1m30s` |
| size | bytes, or with `B`, `kB`, `MB`, `GB`, `KiB`, `MiB`, `GiB`: `65536`, `64MiB` |
| rate | bit/s, or with `k`, `M`, `G`, or `bit/s`, `kbit/s`, `Mbit/s`, `Gbit/s`: `128000`, `2500k`, `2.5M` |
| frame rate | a number or a fraction: `25`, `29.97`, `30000/1001` |
| address | `host:port`, `[::1]:9090`; `:9090` means all interfaces |
| true or false | also `yes`, `no`, `on`, `off` |
| list | in a file a YAML list; as a flag or variable one entry, or `[first, second]` |

Names of channels, profiles, ladders and nodes are 1 to 64 letters, digits, `.`, `_` and `-`. Paths are relative to the
folder in which the node was started.

## Keys
)";

constexpr std::string_view built_in_note = R"(
These profiles are built in. A configured profile of the same name changes the keys that it sets.

| profile | video | height | rate | at most | preset | audio |
|---|---|---|---|---|---|---|
)";

constexpr std::string_view alias_note = R"(
## Names of tvarr

Variables of tvarr and its daemon are accepted as aliases. They override the file, and `TROUPE_` variables override
them. Where several of them set one key, the first in this table wins. A `TVARR_` variable that has no meaning here
causes a warning.

| variable | key |
|---|---|
)";

struct section {
  std::string_view prefix;
  std::string_view title;
};

constexpr section sections[] = {{"role", "Node"},
                                {"node.", ""},
                                {"cluster.", "Cluster"},
                                {"gpu.", "GPUs"},
                                {"http.", "HTTP"},
                                {"worker.", "Worker"},
                                {"coordinator.", "Coordinator"},
                                {"task.", "Tasks"},
                                {"audit.", "Audit"},
                                {"log.", "Logs"},
                                {"live.", "Live"},
                                {"jobs.", "File jobs"},
                                {"paths.", "What may be reached"},
                                {"urls.", ""},
                                {"channels.", "Channels"},
                                {"profiles.", "Profiles"},
                                {"ladders.", "Ladders"}};

std::string code(std::string_view text) {
  return '`' + std::string{text} + '`';
}

/// Prose is unchanged, values become code.
std::string default_cell(const option& row) {
  if (!row.default_text.empty())
    return std::string{row.default_text};
  const auto text = describe_default(row);
  return text == "none" && row.kind != kind::choice ? text : code(text);
}

std::string row_text(const option& row) {
  auto result = "| " + code(row.key);
  for (const auto flag : row.flags)
    if (flag != row.key)
      result += "<br>" + code("--" + std::string{flag});
  return result + " | " + describe_allowed(row) + " | " + default_cell(row) + " | " + std::string{row.help}
         + (row.secret ? " Secret." : "") + "<br>" + code(variable_of(row)) + " |\n";
}

std::string all_keys() {
  std::string result;
  for (const auto& [prefix, title] : sections) {
    if (!title.empty())
      result +=
        "\n### " + std::string{title} + "\n\n| key | allowed | default | meaning and variable |\n|---|---|---|---|\n";
    for (const auto& row : options())
      if (row.key.starts_with(prefix))
        result += row_text(row);
  }
  return result;
}

std::string built_ins() {
  std::string result{built_in_note};
  for (const auto& [name, x] : built_in_profiles()) {
    const auto or_source = [](std::string text) { return text == "0" || text.empty() ? std::string{"–"} : text; };
    result += "| " + code(name) + " | " + x.video.codec + " | " + or_source(std::to_string(x.video.height)) + " | "
              + or_source(format_rate(x.video.bit_rate)) + " | " + or_source(format_rate(x.video.max_bit_rate)) + " | "
              + or_source(x.video.preset) + " | " + x.audio.codec
              + (x.audio.bit_rate > 0 ? ' ' + format_rate(x.audio.bit_rate) + ' ' + x.audio.channel_layout : "")
              + " |\n";
  }
  return result;
}

std::string all_aliases() {
  std::string result{alias_note};
  for (const auto& row : options())
    for (const auto& x : row.aliases)
      result += "| " + code(x.variable) + " | " + code(row.key)
                + (x.part == value_part::host   ? ", its host"
                   : x.part == value_part::port ? ", its port"
                                                : "")
                + " |\n";
  result += "\nWithout effect:\n\n| variable | because |\n|---|---|\n";
  for (const auto& x : ignored_variables())
    result += "| " + code(x.variable) + " | " + std::string{x.reason} + " |\n";
  return result;
}

} // namespace

std::string print_reference() {
  std::string result{opening};
  result += "| flag | meaning |\n|---|---|\n";
  for (const auto& x : special_flags())
    result += "| " + code(x.flag) + " | " + std::string{x.help} + " |\n";
  result.append(rules).append(all_keys()).append(built_ins()).append(all_aliases());
  return result;
}

} // namespace troupe::config

// Goal: the table is complete: file, environment and flag all reach each row, and each row checks its bounds, is
// printed and documented. Method: properties over all rows with a value made for each. The tests contain no list of
// keys: they treat each row by its kind.
#include "test/config/support.hpp"

#include <set>
#include <sstream>

using namespace troupe;
using namespace troupe::config;

BOOST_AUTO_TEST_SUITE(table_test)

namespace {

constexpr auto channel_name = "demo";
constexpr auto option_name = "threads";

names names_for(const option& row) {
  names result;
  for (char c : row.key)
    if (c == '*')
      result.push_back(result.empty() ? channel_name : option_name);
  return result;
}

/// A value that differs from the default, and that no rule between keys concerns.
std::string value_for(const option& row) {
  const auto key = std::string{row.key};
  const auto unit = row.kind == kind::duration ? "ms" : "";
  configuration fresh;
  const auto standard = value_of(row, fresh, names_for(row)).items;
  switch (row.kind) {
  case kind::boolean:
    return standard.front() == "true" ? "false" : "true";
  case kind::choice:
    return std::string{standard.front() == row.choices.front() ? row.choices.back() : row.choices.front()};
  case kind::address:
    return "127.0.0.1:1234";
  case kind::text:
    return "0123456789abcdefg";
  case kind::frame_rate:
    return "50";
  case kind::path_list:
    return "/sample";
  case kind::network_list:
    return "10.0.0.0/8";
  case kind::integer:
  case kind::number:
  case kind::duration:
  case kind::size:
  case kind::rate:
    return std::to_string(static_cast<int64_t>(row.max < 1e15 ? row.max : 77)) + unit;
  default:
    return "sample";
  }
}

/// `value` at the place of `row` in YAML.
std::string yaml_for(const option& row, const std::string& value) {
  std::string result;
  size_t depth = 0;
  auto star = 0;
  for (const auto& part : split_key(row.key)) {
    const auto name = part != "*" ? part : star++ == 0 ? channel_name : option_name;
    result += (depth > 0 ? "\n" : "") + std::string(2 * depth, ' ') + name + ':';
    ++depth;
  }
  return result + ' ' + value + '\n';
}

/// The further settings that rules between keys demand if only this row's sample value is set.
std::vector<std::string> companions(const option& row) {
  const auto key = std::string{row.key};
  std::vector<std::string> result;
  if (key.starts_with("channels.") && !key.ends_with(".url") && !key.ends_with(".urls"))
    result.emplace_back("--channels.demo.url=a.ts");
  if (key.starts_with("profiles.*.video.") && !key.ends_with(".codec"))
    result.emplace_back("--profiles.demo.video.codec=h264");
  if (key.starts_with("profiles.*.audio.") && !key.ends_with(".codec"))
    result.emplace_back("--profiles.demo.audio.codec=aac");
  return result;
}

std::string read_back(const option& row, const configuration& x) {
  auto copy = x;
  std::string result;
  for (const auto& item : value_of(row, copy, names_for(row)).items)
    result += item + '\n';
  return result;
}

/// True if the configuration loads, or only rules between keys refuse it: then the value itself was accepted.
bool is_accepted_or_concerns_other_rules(const tl::expected<loaded, problems>& x) {
  if (x)
    return true;
  for (const auto& one : x.error())
    if (contains(one.text, "unknown") || contains(one.text, "not accepted") || contains(one.text, "out of range"))
      return false;
  return true;
}

} // namespace

BOOST_AUTO_TEST_CASE(keys_flags_and_variables_are_unique) {
  std::set<std::string> seen;
  for (const auto& row : options()) {
    BOOST_TEST(seen.insert("--" + std::string{row.key}).second, row.key);
    BOOST_TEST(seen.insert(variable_of(row)).second, variable_of(row));
    for (const auto flag : row.flags)
      BOOST_TEST((flag == row.key || seen.insert("--" + std::string{flag}).second), flag);
    for (const auto& x : row.aliases)
      BOOST_TEST(seen.insert(std::string{x.variable}).second, x.variable);
  }
}

BOOST_AUTO_TEST_CASE(every_row_says_what_it_means) {
  for (const auto& row : options()) {
    BOOST_TEST(row.help.size() > 5, row.key);
    BOOST_TEST(row.help.ends_with('.'), row.key);
    BOOST_TEST(!describe_allowed(row).empty(), row.key);
    BOOST_TEST((row.kind == kind::choice) == !row.choices.empty(), row.key);
  }
}

BOOST_AUTO_TEST_CASE(every_row_is_reached_by_file_environment_and_flag_alike) {
  for (const auto& row : options()) {
    const auto key = full_key(row, names_for(row));
    auto variable = variable_of(row);
    for (const auto* name : {"DEMO", "THREADS"})
      if (const auto at = variable.find("<NAME>"); at != std::string::npos)
        variable.replace(at, 6, name);
    BOOST_TEST_CONTEXT(key) {
      const auto value = value_for(row);
      scratch_folder folder;
      const auto file = folder.write("one.yaml", yaml_for(row, value));
      auto with_file = companions(row);
      with_file.push_back("--config=" + file);
      auto with_flag = companions(row);
      with_flag.push_back("--" + key + '=' + value);
      const auto by_file = load(with_file, {});
      const auto by_flag = load(with_flag, {});
      const auto by_variable = load(companions(row), {{variable, value}});
      for (const auto* one : {&by_file, &by_flag, &by_variable}) {
        BOOST_TEST(is_accepted_or_concerns_other_rules(*one), problems_of(*one));
        if (*one) {
          BOOST_TEST((*one)->origins.contains(key));
        }
      }
      BOOST_TEST(by_file.has_value() == by_flag.has_value());
      BOOST_TEST(by_file.has_value() == by_variable.has_value());
      if (by_file && by_flag && by_variable) {
        BOOST_TEST(read_back(row, by_file->config) == read_back(row, by_flag->config));
        BOOST_TEST((by_file->config == by_flag->config));
        BOOST_TEST((by_file->config == by_variable->config));
        configuration fresh;
        BOOST_TEST(read_back(row, by_file->config) != read_back(row, fresh));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(beyond_its_bounds_a_row_names_them) {
  for (const auto& row : options()) {
    if (row.max > 1e15 || row.kind == kind::frame_rate)
      continue;
    const auto unit = row.kind == kind::duration ? "ms" : "";
    BOOST_TEST_CONTEXT(row.key) {
      configuration x;
      const auto above = std::to_string(static_cast<int64_t>(row.max) + 1) + unit;
      const auto refused = assign(row, x, names_for(row), {{above}, false});
      BOOST_REQUIRE(!refused);
      BOOST_TEST(contains(refused.error(), "out of range: allowed is from"), refused.error());
      const auto highest = std::to_string(static_cast<int64_t>(row.max)) + unit;
      BOOST_TEST(assign(row, x, names_for(row), {{highest}, false}).has_value());
    }
  }
}

BOOST_AUTO_TEST_CASE(no_row_takes_what_is_no_text) {
  for (const auto& row : options()) {
    configuration x;
    for (const std::string& bad :
         {std::string{"a\nb"}, std::string{"a\0b", 3}, std::string{"\xFF"}, std::string(100'000, 'x')})
      BOOST_TEST(!assign(row, x, names_for(row), {{bad}, false}), row.key);
  }
}

BOOST_AUTO_TEST_CASE(a_default_is_always_accepted_in_its_own_words) {
  for (const auto& row : options()) {
    configuration x;
    const auto value = value_of(row, x, names_for(row));
    if (row.kind == kind::url || row.kind == kind::url_list || row.kind == kind::name || row.kind == kind::name_list)
      continue; // no default: a channel must have a source, a ladder profiles, a node is named after its host
    const auto done = assign(row, x, names_for(row), value);
    BOOST_TEST(done.has_value(), row.key << ": " << (done ? "" : done.error()));
  }
}

BOOST_AUTO_TEST_CASE(the_reference_page_is_in_step_with_the_table) {
  std::ifstream file{TROUPE_SOURCE_DIR "/docs/configuration.md"};
  std::stringstream committed;
  committed << file.rdbuf();
  BOOST_TEST((committed.str() == print_reference()),
             "docs/configuration.md differs: caf-node --print-config-reference > docs/configuration.md");
}

BOOST_AUTO_TEST_CASE(every_public_row_is_in_the_reference_and_the_help) {
  const auto page = print_reference();
  const auto help = print_help();
  for (const auto& row : options()) {
    BOOST_TEST(contains(page, '`' + std::string{row.key} + '`'), row.key);
    BOOST_TEST(contains(page, '`' + variable_of(row) + '`'), row.key);
    BOOST_TEST(contains(help, "--" + std::string{row.key} + '='), row.key);
  }
}

// A look-up that copies each prefix of the key would take minutes.
BOOST_AUTO_TEST_CASE(a_key_of_a_megabyte_is_looked_up_at_once) {
  const std::string name(1 << 20, 'k');
  BOOST_TEST(!match_key("profiles.job.video." + name));
  BOOST_TEST(!match_key("channels." + name));
  BOOST_TEST(match_key("channels." + name + ".url").value().names.front().size() == name.size());
}

BOOST_AUTO_TEST_SUITE_END()

// Goal: any broken or malicious text is only refused, in bounded time and with its line. Method: hand-made hostile
// texts, and a few thousand mutations of an example from a fixed seed, under sanitizers.
#include "test/config/support.hpp"

#include "config/yaml.hpp"

#include <random>

using namespace troupe;
using namespace troupe::config;

BOOST_AUTO_TEST_SUITE(yaml_test)

namespace {

std::string refusal(std::string_view text) {
  const auto x = parse_yaml(text, "t.yaml");
  return x ? std::string{} : to_string(x.error().front());
}

std::string repeated(std::string_view text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i)
    result += text;
  return result;
}

} // namespace

BOOST_AUTO_TEST_CASE(nodes_know_their_lines) {
  const auto x = parse_yaml("a: 1\nb:\n  - x\n  - y\n", "t.yaml").value();
  BOOST_TEST((x.is == yaml_node::type::map));
  BOOST_TEST(x.children[0].line == 1);
  BOOST_TEST(x.children[1].children[1].line == 4);
  BOOST_TEST(x.children[1].children[1].text == "y");
}

BOOST_AUTO_TEST_CASE(an_empty_text_is_an_empty_configuration) {
  for (auto text : {"", "\n", "# nothing\n", "---\n", "\xEF\xBB\xBF"})
    BOOST_TEST(load_yaml(text, "t.yaml").has_value(), text);
}

BOOST_AUTO_TEST_CASE(broken_yaml_is_refused_with_its_line) {
  BOOST_TEST(contains(refusal("a: 1\nb: [1, 2\n"), "t.yaml:"));
  BOOST_TEST(contains(refusal("a: 1\n b: 2\n"), "not valid YAML"));
  BOOST_TEST(contains(refusal("b: 1\na: \"x\nc: 1\n"), "t.yaml:2: not valid YAML: a quote that opens here"));
  BOOST_TEST(contains(refusal("a: 1\na: 2\n"), "t.yaml:2: \"a\" is here for the second time"));
  BOOST_TEST(contains(refusal("a: 1\n---\nb: 1\n"), "second document"));
  BOOST_TEST(contains(refusal("? [a, b]\n: 1\n"), "key must be a plain word"));
}

BOOST_AUTO_TEST_CASE(a_root_that_is_no_map_is_refused) {
  BOOST_TEST(!load_yaml("just text", "t.yaml"));
  BOOST_TEST(!load_yaml("- a\n- b\n", "t.yaml"));
}

BOOST_AUTO_TEST_CASE(anchors_aliases_and_tags_are_refused) {
  BOOST_TEST(contains(refusal("a: &x 1\n"), "an anchor"));
  BOOST_TEST(contains(refusal("a: &x [lol]\nb: &y [*x, *x]\n"), "an anchor"));
  BOOST_TEST(!refusal("a: *x\n").empty());
  BOOST_TEST(contains(refusal("a: !!binary aGVsbG8=\n"), "a tag"));
}

BOOST_AUTO_TEST_CASE(a_text_that_is_too_large_or_no_text_is_refused) {
  BOOST_TEST(contains(refusal(std::string(defaults::file_bytes_max + 1, ' ')), "larger than 1048576 bytes"));
  BOOST_TEST(contains(refusal("a: \xFF\xFE"), "not UTF-8"));
  BOOST_TEST(contains(refusal(std::string_view{"a: b\0c", 6}), "control characters"));
}

BOOST_AUTO_TEST_CASE(deep_nesting_is_refused_in_every_form) {
  for (const std::string_view step : {"[", "{a: ", "- ", "{", "[[", "? ", "[a, "})
    BOOST_TEST(!refusal(repeated(step, 100'000 / step.size())).empty(), step);
  std::string indented;
  for (size_t depth = 0; depth < 300; ++depth)
    indented += std::string(depth, ' ') + "a:\n";
  BOOST_TEST(contains(refusal(indented), "nested too deeply"));
}

BOOST_AUTO_TEST_CASE(many_values_are_refused) {
  BOOST_TEST(contains(refusal('[' + repeated("1,", 200'000) + ']'), "too many values"));
  std::string keys;
  for (int i = 0; i < 5000; ++i)
    keys += 'k' + std::to_string(i) + ": 1\n";
  BOOST_TEST(contains(refusal(keys), "too many keys"));
}

BOOST_AUTO_TEST_CASE(mutations_of_an_example_do_no_harm) {
  std::ifstream file{TROUPE_SOURCE_DIR "/config/cluster.yaml"};
  const std::string example{std::istreambuf_iterator<char>{file}, {}};
  const std::string_view alphabet = "{}[]:,-&*!|>'\"%@`#?~ \n\t\\$0aZ.\xC3\xFF";
  std::mt19937 random{4711};
  for (int i = 0; i < 1500; ++i) {
    auto text = example.substr(0, random() % 3 == 0 ? random() % example.size() : example.size());
    for (auto edits = 1 + random() % 8; edits > 0 && !text.empty(); --edits) {
      const auto at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = alphabet[random() % alphabet.size()];
      else
        text.insert(at, std::string(1 + random() % 4, alphabet[random() % alphabet.size()]));
    }
    const auto x = load_yaml(text, "t.yaml", {{"CLUSTER_TOKEN", "0123456789abcdef"}});
    if (!x)
      BOOST_TEST(!x.error().empty());
    else
      BOOST_TEST(!print_yaml(*x).empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

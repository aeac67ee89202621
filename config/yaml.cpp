#include "config/yaml.hpp"

#include "config/defaults.hpp"
#include "config/text.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace troupe::config {

namespace {

/// Thrown by a callback to end yaml-cpp's parser; caught in this file.
struct refused : std::runtime_error {
  refused(const YAML::Mark& mark, const std::string& text) : std::runtime_error(text), line(mark.line + 1) {}

  int line;
};

/// A comment that is appended to the text, to detect an open quote. yaml-cpp ends an open quote at the end of the text:
/// the comment is then part of a value.
constexpr std::string_view end_mark = "\n# \xEE\x80\x80 end\n";
constexpr std::string_view end_mark_inside = "\xEE\x80\x80 end";

/// Builds the tree from the parser's events, and stops at the first exceeded limit or forbidden feature.
class tree_builder final : public YAML::EventHandler {
public:
  yaml_node take() {
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      throw refused(mark, "a second document starts here: only one is allowed");
  }

  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(mark, "", anchor, yaml_node::type::null);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw refused(mark, "an alias (*name) is not accepted: write the value out");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (value.find(end_mark_inside) != std::string::npos)
      throw refused(mark, "not valid YAML: a quote that opens here is not closed");
    if (!expects_key()) {
      add(mark, tag, anchor, yaml_node::type::scalar).text = value;
      return;
    }
    check(mark, tag, anchor);
    start_entry(mark, value);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, yaml_node::type::list);
  }

  void OnSequenceEnd() override {
    close();
  }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, yaml_node::type::map);
  }

  void OnMapEnd() override {
    close();
  }

private:
  /// True if the next node is the key of an entry: a map is open, and each of its keys has a value.
  bool expects_key() const {
    return !open_.empty() && open_.back()->is == yaml_node::type::map
           && open_.back()->keys.size() == open_.back()->children.size();
  }

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0)
      throw refused(mark, "an anchor (&name) is not accepted: write the value out where it is needed");
    // "?" stands for a plain scalar, "!" for a quoted one.
    if (!tag.empty() && tag != "?" && tag != "!")
      throw refused(mark, "a tag (" + quote(tag) + ") is not accepted");
    if (++nodes_ > defaults::yaml_nodes_max)
      throw refused(mark, "too many values: allowed are " + std::to_string(defaults::yaml_nodes_max));
  }

  void start_entry(const YAML::Mark& mark, const std::string& key) {
    auto& keys = open_.back()->keys;
    if (key.empty() || key.size() > defaults::value_bytes_max)
      throw refused(mark, "a key is empty or too long");
    if (std::ranges::find(keys, key) != keys.end())
      throw refused(mark, quote(key) + " is here for the second time: it may be set only once");
    if (keys.size() >= std::max(defaults::channels_max, defaults::profiles_max))
      throw refused(mark, "too many keys in one section: allowed are " + std::to_string(defaults::channels_max));
    keys.push_back(key);
  }

  yaml_node& add(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, yaml_node::type type) {
    check(mark, tag, anchor);
    auto* place = &root_;
    if (!open_.empty()) {
      auto& parent = *open_.back();
      if (expects_key())
        throw refused(mark, "a key must be a plain word");
      place = &parent.children.emplace_back();
    }
    place->is = type;
    place->line = mark.line + 1;
    return *place;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, yaml_node::type type) {
    if (open_.size() >= defaults::yaml_depth_max)
      throw refused(mark, "nested too deeply: allowed are " + std::to_string(defaults::yaml_depth_max) + " levels");
    // A parent grows only while none of its children is open, so the pointers stay valid.
    open_.push_back(&add(mark, tag, anchor, type));
  }

  void close() {
    open_.pop_back();
  }

  yaml_node root_;
  std::vector<yaml_node*> open_; ///< from the root to the list or map in progress
  size_t nodes_ = 0;
  size_t documents_ = 0;
};

tl::unexpected<problems> fail(std::string_view name, int line, std::string text) {
  return tl::unexpected(problems{{{std::string{name}, line, {}}, {}, std::move(text)}});
}

/// yaml-cpp parses flow collections recursively, and its scanner looks far ahead, so absurd nesting is refused before
/// the parser sees it. Brackets in quotes or comments count too: no sensible configuration has so many in one run.
int line_of_bracket_run(std::string_view text) {
  constexpr size_t run_max = 64;
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = text[i];
    run = c == '[' || c == '{' ? run + 1 : c == ' ' || c == '\n' || c == '\t' ? run : 0;
    if (run > run_max)
      return static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(i), '\n')) + 1;
  }
  return 0;
}

} // namespace

tl::expected<yaml_node, problems> parse_yaml(std::string_view text, std::string_view name) {
  if (text.size() > defaults::file_bytes_max)
    return fail(name, 0, "the file is larger than " + std::to_string(defaults::file_bytes_max) + " bytes");
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  if (!is_clean_text(text, true))
    return fail(name, 0, "the file is not UTF-8 text, or has control characters in it");
  if (const auto line = line_of_bracket_run(text); line != 0)
    return fail(name, line, "nested too deeply");
  try {
    std::istringstream stream{std::string{text}.append(end_mark)};
    YAML::Parser parser{stream};
    tree_builder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.take();
  } catch (const refused& x) {
    return fail(name, x.line, x.what());
  } catch (const YAML::Exception& x) {
    return fail(name, x.mark.line + 1, "not valid YAML: " + x.msg);
  } catch (const std::exception& x) {
    return fail(name, 0, std::string{"not valid YAML: "} + x.what());
  }
}

} // namespace troupe::config

// Configuration files with any text: either a problem is reported in words, or a configuration comes out. Nothing
// outside the text is read: the environment variables are fixed here.
#include "config/load.hpp"

#include "test/fuzz/fuzz.hpp"

using namespace troupe;
using fuzz::require;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const config::environment variables{{"NAME", "news"}, {"EMPTY", ""}, {"NESTED", "${NAME}"}};
  auto result = config::load_yaml(fuzz::text_of(data, size), "fuzz.yaml", variables);
  if (result)
    return 0;
  require(!result.error().empty(), "a refusal names its problems");
  for (auto& problem : result.error())
    require(!problem.text.empty() && !config::to_string(problem).empty(), "a problem is told in words");
  return 0;
}

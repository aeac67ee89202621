// The text that a machine shows to join. Texts that are accepted as a token are written back unchanged.
#include "core/trust/join_token.hpp"

#include "test/fuzz/fuzz.hpp"

#include <string_view>

using namespace troupe;
using fuzz::require;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  auto read = core::read_join_text(text);
  if (!read) {
    require(!read.error().empty(), "a refusal has a reason");
    return 0;
  }
  require(core::to_string(*read) == text, "a token has one form");
  require(size <= core::join_text_bytes_max, "a token is bounded");
  return 0;
}

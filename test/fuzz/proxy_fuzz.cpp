// The first bytes that a proxy sends. A header that is accepted is bounded, does not depend on what follows it, and is
// not complete before its last byte.
#include "core/trust/proxy_header.hpp"
#include "test/fuzz/fuzz.hpp"

#include <algorithm>
#include <span>

using namespace troupe::core;
using troupe::fuzz::require;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using enum proxy_header::state;
  std::span bytes{data, size};
  auto whole = read_proxy_header(bytes);
  require(whole.what != more || size < proxy_header_bytes_max, "a header that is too long is refused");
  if (whole.what == done) {
    require(whole.size > 0 && whole.size <= std::min(size, proxy_header_bytes_max), "a header is bounded");
    require(data[0] != 'P' || whole.size <= proxy_line_bytes_max, "a line is bounded");
    require(read_proxy_header(bytes.first(whole.size)) == whole, "what follows does not matter");
  } else {
    require(whole.size == 0 && !whole.from, "only a whole header says anything");
  }
  // Once it is known that something is no header, it stays so.
  auto before = more;
  for (size_t n = 0; n <= std::min<size_t>(size, 256); ++n) {
    auto now = read_proxy_header(bytes.first(n)).what;
    require(before == more || now == before, "more bytes change no verdict");
    require(now != done || n >= whole.size, "no header is done before its end");
    before = now;
  }
  return 0;
}

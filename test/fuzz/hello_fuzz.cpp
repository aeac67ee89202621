// The first bytes that a client of the cluster port sends. Bytes that are accepted as a handshake are one, have a
// bounded size, and are not the first bytes of another protocol.
#include "actors/cluster/link_hello.hpp"

#include "test/fuzz/fuzz.hpp"

#include <algorithm>
#include <span>

using namespace troupe;
using fuzz::require;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto first = std::as_bytes(std::span{data, size});
  auto whole = hello_bytes(first);
  if (!whole)
    return 0;
  require(size >= hello_header_bytes, "a handshake has a header");
  require(*whole > hello_header_bytes && *whole <= hello_bytes_max, "a handshake is bounded");
  require(data[0] != 0x16, "TLS is no handshake of BASP");
  require(hello_bytes(first.first(hello_header_bytes)) == whole, "the header alone says how long the handshake is");
  require(std::ranges::all_of(first.subspan(8, hello_header_bytes - 8), [](auto x) { return x == std::byte{0}; }),
          "a handshake names no actor");
  return 0;
}

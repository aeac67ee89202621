// Bytes that a peer sends in place of a message: the first byte chooses the type, the rest is what the deserializer of
// CAF gets. Bad bytes must give an error; what loads must be written again to bytes that load to the same. libFuzzer
// limits the memory: no memory may be allocated for an announced size before its bytes have arrived.
#include "messages/actors.hpp"
#include "messages/register.hpp"
#include "messages/type_ids.hpp"
#include "test/fuzz/fuzz.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>
#include <caf/byte_buffer.hpp>
#include <caf/message.hpp>

#include <array>

using namespace troupe;
using fuzz::require;

namespace {

using bytes = caf::span<const caf::byte>;

template <class T>
bool load(bytes from, T& to) {
  caf::binary_deserializer source{nullptr, from};
  return source.apply(to);
}

template <class T>
caf::byte_buffer save(T& x) {
  caf::byte_buffer result;
  caf::binary_serializer sink{nullptr, result};
  require(sink.apply(x), "what was loaded can be written");
  return result;
}

template <class T>
void check(bytes from) {
  T x;
  if (!load(from, x))
    return;
  auto first = save(x);
  T y;
  require(load(bytes{first}, y), "what was written can be loaded");
  require(save(y) == first, "a round trip changes nothing");
}

/// A whole message with the type list in front, as BASP carries it.
template <>
void check<caf::message>(bytes from) {
  caf::message x;
  load(from, x);
}

constexpr std::array checks{
  check<caf::message>,  check<sample_batch>,  check<registration>, check<heartbeat>,     check<transcode_work>,
  check<ingest_work>,   check<format_change>, check<stream_end>,   check<batch_ack>,     check<task_join>,
  check<lease_request>, check<lease>,         check<work_label>,   check<daemon_status>, check<session_status>,
  check<profile>,       check<channel>,
};

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  [[maybe_unused]] static const bool registered = (register_message_types(), true);
  if (size == 0)
    return 0;
  checks[data[0] % checks.size()]({reinterpret_cast<const caf::byte*>(data + 1), size - 1});
  return 0;
}

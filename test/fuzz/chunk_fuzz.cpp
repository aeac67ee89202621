// Chunk files with any content, unchanged and with corrected checksums, which no fuzzer would guess. For each packet,
// the reader's promises to the assembler are checked.
#include "encoder/chunks/chunk_file.hpp"

#include "encoder/av_ptr.hpp"
#include "encoder/chunks/wire.hpp"
#include "test/fuzz/memory_file.hpp"

#include <algorithm>
#include <span>
#include <string>

extern "C" {
#include <libavutil/crc.h>
#include <libavutil/log.h>
}

using namespace troupe;
using fuzz::require;

namespace {

/// The input without its first byte is a sequence of record bodies, each after its length in 16 bits.
std::string with_checksums(std::span<const uint8_t> input) {
  std::string result{"TROUPECHUNK1\n"};
  while (input.size() > 2) {
    auto size = std::min<size_t>(input[0] | input[1] << 8, input.size() - 2);
    auto body = input.subspan(2, size);
    av::wire_writer head;
    head.put(static_cast<uint32_t>(size));
    head.put(static_cast<uint32_t>(::av_crc(::av_crc_get_table(AV_CRC_32_IEEE_LE), 0xffffffff, body.data(), size)));
    result += head.bytes();
    result.append(reinterpret_cast<const char*>(body.data()), size);
    input = input.subspan(2 + size);
  }
  return result;
}

void read(const std::string& path) {
  auto reader = av::chunk_reader::open(path, true);
  if (!reader) {
    require(!reader.error().what.empty(), "a refusal says why");
    return;
  }
  require(reader->tracks().size() <= av::chunk_tracks_max, "tracks have a limit");
  auto packet = av::make_packet();
  for (;;) {
    auto more = reader->next(*packet);
    if (!more) {
      require(!more.error().what.empty(), "a refusal says why");
      return;
    }
    if (!*more)
      break;
    require(static_cast<size_t>(packet->stream_index) < reader->tracks().size(), "a packet's track exists");
    require(packet->pts != AV_NOPTS_VALUE && packet->dts != AV_NOPTS_VALUE, "a packet has both timestamps");
    require(packet->buf != nullptr, "data is reference-counted");
  }
  require(reader->digest().size() == 64, "a whole file has a digest");
}

} // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  ::av_log_set_level(AV_LOG_QUIET);
  std::span<const uint8_t> input{data + 1, size - 1};
  auto bytes = data[0] % 2 == 0 ? with_checksums(input) : std::string{input.begin(), input.end()};
  fuzz::memory_file file{reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
  read(file.path());
  return 0;
}

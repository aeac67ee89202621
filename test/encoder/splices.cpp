// Collects the fields of sections bit by bit, in the order of the standard.
#include "splices.hpp"

#include <string>

namespace troupe::av::test {

namespace {

/// Collects big-endian fields; they fill whole bytes at the end.
class bit_writer {
public:
  void put(uint64_t value, int bits) {
    for (auto i = bits - 1; i >= 0; --i, ++count_) {
      if (count_ % 8 == 0)
        bytes.push_back(0);
      bytes.back() = static_cast<uint8_t>(bytes.back() | (value >> i & 1) << (7 - count_ % 8));
    }
  }

  std::vector<uint8_t> bytes;

private:
  size_t count_ = 0;
};

std::vector<uint8_t> section(uint8_t type, const std::vector<uint8_t>& command, const std::vector<uint8_t>& descriptors,
                             int64_t adjustment = 0, bool encrypted = false) {
  bit_writer to;
  to.put(0xfc, 8);
  to.put(3, 4);
  to.put(11 + command.size() + 2 + descriptors.size() + 4, 12);
  to.put(0, 8);
  to.put(encrypted ? 1 : 0, 1);
  to.put(0, 6);
  to.put(static_cast<uint64_t>(adjustment), 33);
  to.put(0, 8);
  to.put(0xfff, 12);
  to.put(command.size(), 12);
  to.put(type, 8);
  for (auto x : command)
    to.put(x, 8);
  to.put(descriptors.size(), 16);
  for (auto x : descriptors)
    to.put(x, 8);
  to.put(section_crc(to.bytes), 32);
  return to.bytes;
}

void put_time(bit_writer& to, int64_t time) {
  to.put(0x7f, 7);
  to.put(static_cast<uint64_t>(time), 33);
}

} // namespace

std::vector<uint8_t> splice_insert(const insert_fields& x) {
  bit_writer to;
  to.put(x.event, 32);
  to.put(0x7f, 8);
  to.put(x.out ? 1 : 0, 1);
  to.put(1, 1);
  to.put(x.duration ? 1 : 0, 1);
  to.put(x.time ? 0 : 1, 1);
  to.put(0xf, 4);
  if (x.time)
    put_time(to, *x.time);
  if (x.duration)
    put_time(to, *x.duration);
  to.put(1, 16);
  to.put(0x0101, 16);
  return section(5, to.bytes, {}, x.adjustment, x.encrypted);
}

std::vector<uint8_t> segment_signal(int64_t time, uint32_t event, uint8_t type) {
  bit_writer command;
  put_time(command, time);
  bit_writer descriptor;
  descriptor.put(0x020f, 16);
  descriptor.put(0x43554549, 32);
  descriptor.put(event, 32);
  descriptor.put(0x7fbf, 16);
  descriptor.put(0, 16);
  descriptor.put(type, 8);
  descriptor.put(0x0101, 16);
  return section(6, command.bytes, descriptor.bytes);
}

std::vector<uint8_t> splice_null() {
  return section(0, {}, {});
}

std::vector<uint8_t> bytes_of(std::string_view hex) {
  std::vector<uint8_t> result;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    result.push_back(static_cast<uint8_t>(std::stoi(std::string{hex.substr(i, 2)}, nullptr, 16)));
  return result;
}

} // namespace troupe::av::test

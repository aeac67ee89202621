// The machine that a scenario file describes: its cards, their drivers, and the sessions in use. It is read again for
// each call, so that a test can change the machine while programs run. One entry a line:
//
//   driver 550.54            driver version of all cards that follow; 550.00 if it is not given
//   init 9                   the return code of NVML's start
//   shared-limit 3           limit on the encode sessions of all cards together; more are refused
//   card                     a card begins, in the order of their PCI addresses: "cuda:0", "cuda:1" ...
//   name NVIDIA GeForce RTX 4090
//   uuid GPU-1
//   pci 00000000:3B:00.0
//   device 2684              PCI number of the model, hexadecimal
//   utilisation 10           percent; `encoder` and `decoder` are written alike
//   memory 24000 1000        MB: total, and in use
//   temperature 55           °C
//   power 120000             mW
//   session 4711             a process that holds an encode session; once for each session
//   anonymous 2              sessions without a process number; the driver then names no process at all
//   fail 15                  the return code of every NVML call for this card; its encoders and decoders fail, too
//   absent temperature       a value that this card does not have
//
// What the stand-ins for the card's encoders and decoders do (see test/fake_gpu):
//   node /dev/dri/renderD128 the card is not from NVIDIA: its device node
//   encoders h264_nvenc hevc_nvenc
//   decoders h264 hevc       codecs
//   limit 3                  encode sessions; more are refused
//   refuse no such thing     every encoder that opens is refused, with this text
//   decoder-fails-after 30   packets after which a decoder fails
//
// Sessions of test programs: each file in the folder <scenario>.sessions/<uuid> whose name begins with the number of a
// living process is one session.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace troupe::test {

struct card {
  std::string name = "NVIDIA Fake", uuid, pci = "00000000:01:00.0", node;
  unsigned number = 0;
  unsigned utilisation = 0, encoder = 0, decoder = 0, temperature = 40, power = 0, anonymous = 0;
  unsigned long long memory_total_mb = 0, memory_used_mb = 0;
  std::vector<unsigned> sessions; ///< processes
  int fails = 0;
  std::set<std::string> absent;
  std::set<std::string> encoders, decoders;
  unsigned limit = ~0u;
  std::string refuses;
  int decoder_fails_after = -1;
};

struct scenario {
  std::string driver = "550.00";
  int init = 0;
  unsigned shared_limit = ~0u;
  std::vector<card> cards;
};

scenario read_scenario(const std::string& path);

/// The folder of a card's session files.
std::string sessions_folder(const std::string& path, const card& c);

} // namespace troupe::test

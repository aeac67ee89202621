// Simulated graphics cards: stand-ins for hardware encoders and decoders, controlled by the same scenario file as
// fake_nvml.
//
// A session is a file in the card's folder, named after the process, for as long as the encoder is open and the process
// lives. Processes that open encoders of one card at the same time count their sessions under a lock, so that a limit
// holds like a driver's.
#pragma once

#include "encoder/codec/stand_in.hpp"
#include "test/fake_nvml/scenario.hpp"

#include <memory>
#include <string>

namespace troupe::test {

class fake_gpus : public av::stand_in_driver {
public:
  explicit fake_gpus(std::string scenario) : path_(std::move(scenario)) {}

  av::expected<std::shared_ptr<void>> open_encoder(const std::string& encoder, const std::string& device) override;
  av::expected<std::unique_ptr<av::stand_in_decoder>> open_decoder(const std::string& codec,
                                                                   const std::string& device) override;

private:
  std::string path_;
};

/// Installs the machine of the scenario file that the variable FAKE_GPUS names, if it is set.
void install_fake_gpus();

} // namespace troupe::test

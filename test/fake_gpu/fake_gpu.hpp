// Graphics cards that are not there: the stand-ins for encoders and decoders in hardware, played from the scenario file
// that fake_nvml plays, too.
//
// A session is a file in the card's folder, named after the process, for as long as the encoder is open and the process
// lives. Processes that open encoders of one card at a time count each other under a lock, so that a limit holds as a
// driver's does.
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

/// Installs the machine that the variable FAKE_GPUS names, if it does.
void install_fake_gpus();

} // namespace troupe::test

// A seam for tests: it imitates GPU drivers on machines without a GPU.
//
// Only a test program installs a stand-in; the product's programs never do, and no configuration or message can. While
// one is installed, each hardware encoder goes through the product's full set-up, but then opens as a session of the
// stand-in. A software encoder makes its pictures. A hardware decoder is replaced by a software one that fails when the
// stand-in says so.
#pragma once

#include "encoder/error.hpp"

#include <memory>
#include <string>

namespace troupe::av {

/// A decoder on a simulated device. The destructor ends its session.
class stand_in_decoder {
public:
  virtual ~stand_in_decoder() = default;

  /// Called for each packet. False: the device fails, now and from now on.
  virtual bool works() = 0;
};

class stand_in_driver {
public:
  virtual ~stand_in_driver() = default;

  /// Opens a session for `encoder` ("h264_nvenc") on `device`; an empty name means the first device that accepts it.
  /// The session ends with the returned object. An error is `errc::device` with the driver's message.
  virtual expected<std::shared_ptr<void>> open_encoder(const std::string& encoder, const std::string& device) = 0;

  /// The same for a decoder of `codec` ("h264").
  virtual expected<std::unique_ptr<stand_in_decoder>> open_decoder(const std::string& codec,
                                                                   const std::string& device) = 0;
};

/// Valid for the life of the process. Call it before any encoder or decoder opens; null removes the stand-in.
void install_stand_in(std::shared_ptr<stand_in_driver> driver);

/// Null except in tests.
stand_in_driver* stand_in() noexcept;

} // namespace troupe::av

// A seam for tests: what drivers of graphics cards would do, on machines that have none.
//
// A program that is written for it installs one; nothing in the product's own programs does, and neither configuration nor message leads here. While one is
// installed, every encoder in hardware, set up in full by the product's own path, opens as a session of the stand-in, and an encoder in software
// makes its pictures; a decoder in hardware is one in software that fails when the stand-in says so.
#pragma once

#include "encoder/error.hpp"

#include <memory>
#include <string>

namespace troupe::av {

/// A decoder on a device that is not there. Ends with the object.
class stand_in_decoder {
public:
  virtual ~stand_in_decoder() = default;

  /// Asked for each packet. False: the device fails, now and from now on.
  virtual bool works() = 0;
};

class stand_in_driver {
public:
  virtual ~stand_in_driver() = default;

  /// Opens a session for `encoder` ("h264_nvenc") on `device`, the first that serves it where the name is empty. The session ends with the object. An error is
  /// `errc::device` in the driver's words.
  virtual expected<std::shared_ptr<void>> open_encoder(const std::string& encoder, const std::string& device) = 0;

  /// The same for a decoder of `codec` ("h264").
  virtual expected<std::unique_ptr<stand_in_decoder>> open_decoder(const std::string& codec,
                                                                   const std::string& device) = 0;
};

/// For the life of the process, before any encoder or decoder opens; null takes it away.
void install_stand_in(std::shared_ptr<stand_in_driver> driver);

/// Null in everything but tests.
stand_in_driver* stand_in() noexcept;

} // namespace troupe::av

// NVIDIA cards, through the driver's management library, which is loaded when it is there and never linked.
//
// Calls go into the driver and take as long as it likes: measure on a thread that may block, not in a scheduled actor. Cards are numbered in the order of
// their PCI addresses, which is the encoders' "cuda:N" where tasks run with CUDA_DEVICE_ORDER=PCI_BUS_ID.
#pragma once

#include "telemetry/gpu_probe.hpp"

#include <tl/expected.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::telemetry {

class nvml {
public:
  /// Loads the library by name or path and starts it. What the environment's CUDA_VISIBLE_DEVICES hides is not there. The error says which of the two failed, in the loader's or the driver's words.
  static tl::expected<nvml, std::string> open(const std::string& library = "libnvidia-ml.so.1");

  nvml(nvml&&) noexcept;
  nvml& operator=(nvml&&) noexcept;
  ~nvml();

  /// Every visible card as it is now, at most 64. One that does not answer has a `fault`; values that its driver does not offer are absent.
  std::vector<gpu_measurement> measure() const;

private:
  struct functions;

  explicit nvml(std::unique_ptr<functions> library);

  std::unique_ptr<functions> library_;
  std::optional<std::string> visible_;
};

} // namespace troupe::telemetry

// Measures NVIDIA GPUs through the driver's management library, which is loaded at run time if present, never linked.
//
// Calls go into the driver and may take any time: measure on a thread that may block, not in a scheduled actor. GPUs
// are numbered in the order of their PCI addresses. This matches the encoders' "cuda:N" if tasks run with
// CUDA_DEVICE_ORDER=PCI_BUS_ID.
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
  /// Loads the library by name or path and starts it. GPUs hidden by CUDA_VISIBLE_DEVICES are left out. The error says
  /// which step failed, in the loader's or driver's words.
  static tl::expected<nvml, std::string> open(const std::string& library = "libnvidia-ml.so.1");

  nvml(nvml&&) noexcept;
  nvml& operator=(nvml&&) noexcept;
  ~nvml();

  /// The current state of every visible GPU, at most 64. A GPU that does not answer has a `fault`; values that its
  /// driver does not offer are absent.
  std::vector<gpu_measurement> measure() const;

private:
  struct functions;

  explicit nvml(std::unique_ptr<functions> library);

  std::unique_ptr<functions> library_;
  std::optional<std::string> visible_;
};

} // namespace troupe::telemetry

// The few types of NVML's public binary interface that we use, written from NVIDIA's "NVML API Reference Guide"
// (docs.nvidia.com/deploy/nvml-api). The tests' stand-in library is built from the same declarations.
#pragma once

namespace troupe::telemetry::nvml_abi {

/// nvmlReturn_t: 0 is success.
using status = int;

enum : status {
  success = 0,
  uninitialized = 1,
  invalid_argument = 2,
  not_supported = 3,
  insufficient_size = 7,
  driver_not_loaded = 9,
  gpu_is_lost = 15,
  unknown = 999,
};

/// nvmlDevice_t: opaque.
using device = struct device_handle*;

/// nvmlPciInfo_t of version 3.
struct pci_info {
  char bus_id_legacy[16];
  unsigned domain;
  unsigned bus;
  unsigned device_on_bus;
  unsigned device_and_vendor; ///< the device's number in the upper half
  unsigned subsystem;
  char bus_id[32];
};

/// nvmlUtilization_t: percent over the last sample period.
struct utilization {
  unsigned gpu;
  unsigned memory;
};

/// nvmlMemory_t of version 1: bytes.
struct memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};

/// nvmlEncoderSessionInfo_t
struct encoder_session {
  unsigned session;
  unsigned pid;
  unsigned virtual_gpu;
  unsigned codec;
  unsigned width;
  unsigned height;
  unsigned average_fps;
  unsigned average_latency;
};

inline constexpr unsigned temperature_of_gpu = 0; ///< NVML_TEMPERATURE_GPU
inline constexpr unsigned name_size = 96;         ///< NVML_DEVICE_NAME_V2_BUFFER_SIZE
inline constexpr unsigned uuid_size = 96;         ///< NVML_DEVICE_UUID_V2_BUFFER_SIZE
inline constexpr unsigned version_size = 80;      ///< NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE

} // namespace troupe::telemetry::nvml_abi

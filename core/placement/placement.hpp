// Which worker, and which of its devices, is the best for a piece of work: an index of all workers.
//
// A path is one way to use one worker: its software encoders, its slots for probes, or one of its GPUs. Paths with the
// same encoders and decoders form a class. Each class keeps its ready paths sorted by rank. A choice looks at the first
// path of each suitable class, and a change moves a few paths. Both take time logarithmic in the number of workers, and
// linear in the number of classes, that is, of different kinds of machines.
//
// The order of a request's rungs comes first: a path of the first rung is taken if any has room, else one of the
// second. Within a rung the strategy ranks; among equals, the path chosen longest ago is first.
//
// Events and conditions come in, choices go out. The caller must report what was taken; this class knows neither leases
// nor sessions.
#pragma once

#include "core/placement/gpu_tracker.hpp"
#include "core/placement/ready_order.hpp"
#include "messages/ids.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::core {

enum class slot_kind : uint8_t { cpu, gpu, probe };

inline constexpr size_t slot_kinds = 3;

/// "cpu", "gpu", "probe".
std::string_view to_string(slot_kind x);

/// What a worker can do. Constant for a registration.
struct worker_offer {
  struct device {
    gpu_id gpu;
    std::string name; ///< the name that the worker's encoders use
    std::vector<std::string> encoders;
    std::vector<std::string> decoders;
  };

  worker_id id;
  std::string name;
  std::array<uint32_t, slot_kinds> slots{}; ///< by `slot_kind`
  uint32_t slots_total = 0;                 ///< for cpu and gpu work together
  std::vector<std::string> encoders;        ///< proven, software; names of encoders and of their codecs
  std::vector<std::string> decoders;
  std::vector<device> devices;
};

enum class readiness : uint8_t { good, degraded, last_resort, none };

/// The present condition of a worker.
struct worker_condition {
  readiness ready = readiness::good;
  double cpu_percent = 0;

  bool operator==(const worker_condition&) const = default;
};

/// The present condition of one device of one worker.
struct device_condition {
  float session_load = 0; ///< share of the sessions in use
  float utilisation_percent = 0;
  float temperature_celsius = 0;
  uint32_t jobs = 0;
  bool room = false; ///< one more session fits, and nothing else forbids it

  bool operator==(const device_condition&) const = default;
};

/// One suitable encoder, and what it runs on.
struct rung {
  std::string encoder; ///< empty for work that encodes nothing
  bool hardware = false;
  bool fallback = false; ///< not what was asked for: causes a warning

  bool operator==(const rung&) const = default;
};

struct placement_request {
  std::vector<rung> rungs;       ///< best first
  std::vector<std::string> also; ///< further encoders that the worker must have proven in software: those for audio
  std::vector<std::string> decoders;
  std::vector<worker_id> refused_by; ///< taken only if no other can, and never if `elsewhere` is set
  bool elsewhere = false;
  bool last_resort = false; ///< a worker that is avoided after failures may be taken
  bool probe = false;       ///< takes a slot for probes
  /// Only this worker is taken, if it has room on the rung that any worker would be taken for. Its process decodes
  /// already, so no session of a decoder is taken.
  worker_id only{};

  bool is_refused_by(worker_id id) const {
    return std::find(refused_by.begin(), refused_by.end(), id) != refused_by.end();
  }
};

struct choice {
  worker_id worker;
  gpu_id gpu; ///< none for software
  std::string device;
  slot_kind slot = slot_kind::cpu;
  size_t rung = 0;      ///< index in the request's rungs
  bool decodes = false; ///< the device has decoders: the work may also use one of their sessions

  bool operator==(const choice&) const = default;
};

/// A path that was considered, and why it was rejected; empty for the path that was taken.
struct candidate {
  worker_id worker;
  std::string worker_name;
  gpu_id gpu;
  std::string device;
  std::string why_not;

  bool operator==(const candidate&) const = default;
};

class placement {
public:
  /// Identifies a path. If the worker is added again, its paths have other numbers.
  using path_number = uint32_t;

  explicit placement(placement_config config) : config_(config) {}

  // -- events -----------------------------------------------------------------

  /// Adds a worker, or updates its offer: slots in use stay in use.
  void add(const worker_offer& x);
  void remove(worker_id id);
  void set(worker_id id, const worker_condition& x);
  void set(worker_id id, gpu_id gpu, const device_condition& x);

  /// A slot of the choice is in use from now on.
  void take(const choice& x);

  /// Frees the slot; no effect for an unknown worker.
  void free(worker_id id, slot_kind slot);

  // -- choices ----------------------------------------------------------------

  std::optional<choice> choose(const placement_request& x);

  /// The paths considered for the request: first the choice, then the runners-up, then those that cannot take it, with
  /// reasons.
  std::vector<candidate> explain(const placement_request& x, const gpu_tracker& gpus);

  /// Whether any worker could serve one of the rungs if it had room.
  bool could_ever(const placement_request& x) const;

  /// Whether the worker could serve one of the rungs if it had a slot.
  bool could_take(worker_id id, const placement_request& x) const;

  /// Encoders of the paths that became ready since the last call. An empty name stands for work that encodes nothing.
  std::vector<std::string> take_woken();

  bool contains(worker_id id) const {
    return workers_.contains(id);
  }

  size_t classes() const noexcept {
    return classes_.size();
  }

private:
  using name_number = uint32_t;
  using names = std::vector<name_number>; // sorted

  struct offer_class {
    names own;        ///< encoders of the device
    names companions; ///< the worker's software encoders
    names decoders;
    slot_kind slot = slot_kind::cpu;
    bool hardware = false;
    ready_order ready;
    std::vector<path_number> all; ///< for explanations

    bool same_offer(const offer_class& x) const {
      return own == x.own && companions == x.companions && decoders == x.decoders && slot == x.slot;
    }
  };

  struct worker;

  static constexpr path_number no_path = ~path_number{0};

  /// Paths of a large cluster do not fit the cache. A placement touches about a dozen of them at random, so each path
  /// is one cache line.
  struct alignas(64) path {
    worker* of = nullptr; ///< null: the number is free
    gpu_id gpu;
    uint64_t chosen = 0;
    device_condition condition;
    uint32_t in_class = 0;
    uint32_t place = 0;         ///< index in `offer_class::all`
    path_number next = no_path; ///< next path of the same worker
    bool dirty = false;         ///< its rank must be computed again
  };
  static_assert(sizeof(path) == 64);

  /// The fields that each placement reads come first, close together.
  struct worker {
    std::array<uint32_t, slot_kinds> in_use{};
    std::array<uint32_t, slot_kinds> slots{}; ///< as in the offer
    uint32_t slots_total = 0;
    path_number paths = no_path; ///< the first path
    worker_condition condition;
    worker_offer offer;
  };

  template <class F>
  void each_path(const worker& w, F&& f) const {
    for (auto n = w.paths; n != no_path;) {
      auto next = paths_[n].next;
      f(n);
      n = next;
    }
  }

  /// The names in a request, as numbers. Not `possible` if no worker ever offered one of `also` or `decoders`.
  struct wanted {
    names encoders; ///< by rung
    names also, decoders;
    std::vector<bool> known; ///< by rung
    bool possible = true;
  };

  name_number number_of(const std::string& name);
  names numbers_of(const std::vector<std::string>& list);
  std::optional<name_number> find_name(const std::string& name) const;
  wanted translate(const placement_request& x) const;
  uint32_t class_for(offer_class&& x);
  path_number add_path(worker& w, gpu_id gpu, offer_class&& offer);
  const worker_offer::device& device_of(const path& p) const;
  void drop_path(path_number n);
  bool has_slot(const worker& w, slot_kind slot) const;
  rank_key rank_of(const worker& w, const path& p, path_number n) const;
  void touch(path_number n);
  void touch(const worker& w);
  void refresh(path_number n);
  void refresh_touched();
  bool serves(const offer_class& c, const wanted& want, bool probe, const rung& on) const;
  /// `worst` is the last tier that may be taken, `only` the worker that may be; any if it is none.
  std::optional<rank_key> best_of(const offer_class& c, const placement_request& x, bool refused, readiness worst,
                                  worker_id only) const;
  std::optional<choice> choose(const placement_request& x, const wanted& want, bool refused, readiness worst) const;
  std::string structural_objection(const path& p, const placement_request& x) const;

  placement_config config_;
  std::unordered_map<std::string, name_number> name_numbers_;
  std::vector<std::string> name_texts_;
  std::vector<offer_class> classes_;
  std::unordered_map<name_number, std::vector<uint32_t>> classes_with_; ///< by encoder
  std::unordered_map<size_t, std::vector<uint32_t>> classes_by_hash_;
  std::vector<path> paths_;
  ready_order::positions where_; ///< by path
  std::vector<path_number> free_paths_;
  std::vector<path_number> touched_;
  std::unordered_map<worker_id, worker> workers_;
  std::set<uint32_t> woken_classes_;
  uint64_t choices_ = 0;
};

} // namespace troupe::core

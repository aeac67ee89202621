#include "core/cluster/lease_translation.hpp"

#include "core/placement/exhaustion.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <sstream>

namespace troupe::core {

namespace {

void add_once(std::vector<std::string>& to, const std::string& name) {
  if (std::find(to.begin(), to.end(), name) == to.end())
    to.push_back(name);
}

/// Names of the encoders or decoders that work and that `is_there` selects, and of their codecs.
template <class Is>
std::vector<std::string> proven(const std::vector<codec_capability>& all, Is is_there) {
  std::vector<std::string> result;
  for (auto& c : all)
    if (c.works && is_there(c)) {
      add_once(result, c.name);
      add_once(result, c.codec);
    }
  return result;
}

bool is_on(const codec_capability& c, const gpu_description& card) {
  if (c.device.empty())
    return false;
  return c.gpu.empty() ? c.device == card.device : c.gpu == gpu_key(card);
}

bool names_codec(const encoder_wish& x) {
  return x.encoder == codec_of(x.encoder);
}

} // namespace

registered_offer offer_of(const registration& x) {
  registered_offer result;
  auto& o = result.offer;
  o.id = x.worker;
  o.name = x.name;
  // Work that takes a session of a device also takes one of the worker's slots, because its task needs the machine,
  // too.
  o.slots[static_cast<size_t>(slot_kind::cpu)] = x.slots;
  o.slots[static_cast<size_t>(slot_kind::gpu)] = x.slots;
  o.slots_total = x.slots;
  auto software = [](const codec_capability& c) { return c.device.empty(); };
  o.encoders = proven(x.can.encoders, software);
  o.decoders = proven(x.can.decoders, software);
  std::istringstream opened{x.can.opened_decoders};
  o.decoders.insert(o.decoders.end(), std::istream_iterator<std::string>{opened}, {});
  auto cards = x.gpus;
  for (auto& c : x.can.encoders)
    if (c.works && !c.device.empty()
        && std::none_of(cards.begin(), cards.end(), [&](const gpu_report& r) { return is_on(c, r.card); })) {
      auto& r = cards.emplace_back();
      r.card.uuid = c.gpu;
      r.card.machine = "worker " + to_string(x.worker);
      r.card.pci = r.card.device = c.device;
      r.card.name = c.device;
    }
  for (auto& r : cards) {
    auto here = [&r](const codec_capability& c) { return is_on(c, r.card); };
    result.devices.push_back({r, proven(x.can.encoders, here), proven(x.can.decoders, here)});
  }
  return result;
}

tl::expected<placement_request, std::string> placement_request_of(const lease_request& x) {
  placement_request result;
  for (auto& name : x.encoders)
    if (name != x.video.encoder)
      result.also.push_back(name);
  result.decoders = x.decoders;
  result.refused_by = x.refused_by;
  result.elsewhere = x.elsewhere;
  result.last_resort = x.last_resort;
  if (x.video.encoder.empty()) {
    result.rungs.push_back({});
    return result;
  }
  auto rungs = rungs_of(x.video);
  if (!rungs)
    return tl::unexpected{std::move(rungs.error())};
  result.rungs = std::move(*rungs);
  // A worker may have a software encoder that makes the codec but is not in the ladder.
  if (names_codec(x.video) && !x.video.never_software)
    if (std::none_of(result.rungs.begin(), result.rungs.end(),
                     [&](const rung& r) { return r.encoder == x.video.encoder; }))
      result.rungs.push_back({x.video.encoder, false, false});
  return result;
}

encoder_seat seat_of(const encoder_wish& wish, const choice& at, const rung& on, const gpu_view* card) {
  encoder_seat result;
  if (wish.encoder.empty())
    return result;
  assert(!on.encoder.empty());
  result.encoder = on.encoder;
  if (card != nullptr) {
    result.gpu = card->key;
    result.device = at.device;
    result.decodes = at.decodes;
  }
  if (on.fallback)
    result.warning = fallback_warning(wish, on);
  return result;
}

bool is_refused_at_once(const lease_request& x, const placement_request& asked) {
  return x.video.policy == exhaustion_policy::reject && !x.resumes
         && std::any_of(asked.rungs.begin(), asked.rungs.end(), [](const rung& r) { return r.hardware; });
}

} // namespace troupe::core

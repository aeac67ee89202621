#include "bench/fanout_feed.hpp"

#include "actors/live/block_builder.hpp"
#include "encoder/source/demuxer.hpp"
#include "messages/unix_time.hpp"
#include "packaging/samples.hpp"

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace troupe::bench {

namespace {

template <class T>
T checked(av::expected<T> x) {
  if (!x)
    throw std::runtime_error(x.error().what);
  if constexpr (!std::is_void_v<T>)
    return std::move(*x);
}

} // namespace

fanout_feed::fanout_feed(const std::string& file, std::string name, on_block call)
  : output_(core::client_ring::limits{}, std::move(name)), call_(std::move(call)), thread_([this, file] {
      try {
        run(file);
      } catch (const std::exception& problem) {
        std::fprintf(stderr, "the feed ends: %s\n", problem.what());
        std::_Exit(1);
      }
    }) {}

fanout_feed::~fanout_feed() {
  stop_ = true;
  thread_.join();
}

void fanout_feed::run(const std::string& file) {
  av::source_options options;
  options.url = file;
  options.loop = true;
  auto source = checked(av::demuxer::open(std::move(options), stop_));
  auto packet = av::make_packet();
  if (!checked(source.read(*packet)))
    throw std::runtime_error(file + " is empty");
  origin from{packet->dts, clock::now()};
  checked(output_.set_format(to_format(source.tracks()), {}, {from.dts, unix_ms()}));
  auto now = from.at;
  block_builder blocks{[&](const sample_block& x) { checked(output_.write(x, now)); }};
  blocks.set_tracks(source.tracks());
  do {
    auto due = from.at + std::chrono::microseconds{(packet->dts - from.dts) * 100 / 9};
    std::this_thread::sleep_until(due);
    now = clock::now();
    blocks.add(*packet);
    blocks.flush();
    call_(from);
  } while (!stop_ && checked(source.read(*packet)));
}

} // namespace troupe::bench

#include "http/viewers.hpp"

#include "base/random_id.hpp"
#include "base/sha256.hpp"
#include "http/query.hpp"
#include "messages/unix_time.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace troupe::http {

namespace {

constexpr std::chrono::seconds clearing_interval{1};

/// Enough to tell viewers apart; nobody can find the key from it.
constexpr size_t id_size = 12;

std::string id_of(std::string_view text) {
  base::sha256 hash;
  hash.add(std::as_bytes(std::span{text.data(), text.size()}));
  return hash.digest().substr(0, id_size);
}

/// The parts of a path have no line break in them.
std::string name_of(const viewer_identity& x) {
  return x.key + '\n' + x.channel + '\n' + x.profile;
}

} // namespace

tl::expected<viewer_question, std::string> read_viewer_question(std::string_view query) {
  viewer_question result;
  auto read =
    read_query(query, [&](const std::string& key, const std::string& value) -> tl::expected<void, std::string> {
      if (key == "channel") {
        result.channel = value;
      } else if (key == "limit") {
        auto limit = to_number<uint32_t>(value);
        if (!limit || *limit == 0)
          return tl::unexpected(std::string{"limit is not accepted: allowed is a whole number from 1"});
        result.limit = *limit;
      }
      return {};
    });
  if (!read)
    return tl::unexpected(std::move(read.error()));
  return result;
}

bool viewer_list::has_place(const std::string& client) const {
  auto share = shares_.find(client);
  return !is_full() && (share == shares_.end() || share->second < max_.per_client);
}

viewer_ptr viewer_list::seen(const viewer_identity& who, std::optional<delivery_format> format,
                             std::chrono::milliseconds absence, clock::time_point now) {
  auto name = name_of(who);
  std::lock_guard guard{mutex_};
  clear(now);
  auto i = keyed_.find(name);
  if (i == keyed_.end()) {
    if (!has_place(who.client))
      return nullptr;
    auto made = std::make_shared<viewer>(who, format.value_or(delivery_format::hls), id_of(name), now);
    ++shares_[who.client];
    i = keyed_.emplace(std::move(name), std::move(made)).first;
  }
  auto& x = *i->second;
  if (format)
    x.format_ = *format;
  x.last_ = now;
  x.expires_ = now + absence;
  return i->second;
}

bool viewer_list::admits(const viewer_identity& who, clock::time_point now) {
  std::lock_guard guard{mutex_};
  clear(now);
  return has_place(who.client) || keyed_.contains(name_of(who));
}

viewer_ptr viewer_list::enter(viewer_identity who, clock::time_point now) {
  auto made =
    std::make_shared<viewer>(std::move(who), delivery_format::ts, id_of(std::to_string(base::random_id())), now);
  std::lock_guard guard{mutex_};
  clear(now);
  if (is_full())
    return nullptr;
  streams_.emplace(made.get(), made);
  return made;
}

void viewer_list::leave(const viewer_ptr& x) {
  std::lock_guard guard{mutex_};
  streams_.erase(x.get());
}

void viewer_list::clear(clock::time_point now) {
  if (now - cleared_ < clearing_interval)
    return;
  cleared_ = now;
  std::erase_if(keyed_, [&](auto& x) {
    if (now < x.second->expires_)
      return false;
    if (auto share = shares_.find(x.second->who_.client); --share->second == 0)
      shares_.erase(share);
    return true;
  });
}

viewer_listing viewer_list::list(const viewer_question& what, clock::time_point now) const {
  std::vector<viewer_ptr> chosen;
  {
    std::lock_guard guard{mutex_};
    auto take = [&](const viewer_ptr& x) {
      if (now < x->expires_ && (what.channel.empty() || x->who_.channel == what.channel))
        chosen.push_back(x);
    };
    for (auto& [name, x] : keyed_)
      take(x);
    for (auto& [self, x] : streams_)
      take(x);
  }
  std::ranges::sort(chosen, {}, [](const viewer_ptr& x) { return std::pair{x->since_, std::string_view{x->id_}}; });
  viewer_listing result{{}, chosen.size()};
  chosen.resize(std::min(chosen.size(), what.limit));
  auto unix_of = [now, unix_now = unix_ms()](clock::time_point x) {
    return unix_now - std::chrono::duration_cast<std::chrono::milliseconds>(now - x).count();
  };
  for (auto& x : chosen)
    result.viewers.push_back({x->id_, x->who_.channel, x->who_.profile, x->format_, x->who_.address, unix_of(x->since_),
                              unix_of(x->last_), x->sent_bytes_});
  return result;
}

by_format<uint64_t> viewer_list::count(clock::time_point now) const {
  by_format<uint64_t> result{};
  std::lock_guard guard{mutex_};
  for (auto& [name, x] : keyed_)
    if (now < x->expires_)
      ++result[static_cast<size_t>(x->format())];
  result[static_cast<size_t>(delivery_format::ts)] += streams_.size();
  return result;
}

} // namespace troupe::http

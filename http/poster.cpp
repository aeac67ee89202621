#include "http/poster.hpp"

#include "transfer/curl.hpp"

#include <sys/socket.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

namespace troupe::http {

namespace {

namespace curl = transfer::curl;

constexpr size_t answer_bytes_max = 64 * 1024;
constexpr int poll_ms = 1'000;

/// One request under way. libcurl holds its address, so it must not move.
struct posting {
  post_request what;
  std::function<void(post_answer)> done;
  curl::easy handle;
  curl::fields fields;
  curl::error_buffer detail{};
  size_t read = 0;
  std::string refused; ///< why an address was not connected to
};

/// Counts the answer's bytes and drops them.
size_t forget(const char*, size_t one, size_t size, void* to) {
  auto& x = *static_cast<posting*>(to);
  x.read += one * size;
  return x.read > answer_bytes_max ? 0 : one * size;
}

/// Every connection begins here, when its address is known.
curl_socket_t open_socket(void* of, curlsocktype, curl_sockaddr* to) {
  auto& x = *static_cast<posting*>(of);
  auto address = core::address_of(to->addr);
  x.refused = address ? x.what.refusal(*address) : "its address is none of the internet";
  return x.refused.empty() ? ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol) : CURL_SOCKET_BAD;
}

bool prepare(posting& x) {
  x.handle = curl::make_easy();
  if (!x.handle)
    return false;
  for (auto& field : x.what.fields)
    x.fields.add(field);
  curl::options set{x.handle.get(), x.detail};
  set(CURLOPT_URL, x.what.url.c_str());
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE, static_cast<long>(x.what.body.size()));
  set(CURLOPT_POSTFIELDS, x.what.body.c_str());
  set(CURLOPT_HTTPHEADER, x.fields.get());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(x.what.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(x.what.timeout.count()));
  set(CURLOPT_USERAGENT, "troupe/" TROUPE_VERSION);
  set(CURLOPT_WRITEFUNCTION, &forget);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&x));
  if (x.what.refusal) {
    set(CURLOPT_OPENSOCKETFUNCTION, &open_socket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(&x));
  }
  return set.code() == CURLE_OK;
}

} // namespace

class poster::impl {
public:
  impl() {
    if (multi_)
      thread_ = std::thread{[this] { run(); }};
  }

  ~impl() {
    stop_ = true;
    if (multi_)
      curl_multi_wakeup(multi_.get());
    if (thread_.joinable())
      thread_.join();
    for (auto& [handle, x] : under_way_)
      curl_multi_remove_handle(multi_.get(), handle);
  }

  void post(post_request x, std::function<void(post_answer)> done) {
    auto one = std::make_unique<posting>();
    one->what = std::move(x);
    one->done = std::move(done);
    if (!multi_ || !prepare(*one))
      return one->done({0, "libcurl cannot be set up for it"});
    {
      std::lock_guard guard{mutex_};
      fresh_.push_back(std::move(one));
    }
    curl_multi_wakeup(multi_.get());
  }

private:
  void run() {
    while (!stop_) {
      take_fresh();
      int running = 0;
      curl_multi_perform(multi_.get(), &running);
      finish();
      curl_multi_poll(multi_.get(), nullptr, 0, poll_ms, nullptr);
    }
  }

  void take_fresh() {
    std::vector<std::unique_ptr<posting>> fresh;
    {
      std::lock_guard guard{mutex_};
      fresh.swap(fresh_);
    }
    for (auto& x : fresh) {
      auto* handle = x->handle.get();
      curl_multi_add_handle(multi_.get(), handle);
      under_way_[handle] = std::move(x);
    }
  }

  void finish() {
    int left = 0;
    while (auto* message = curl_multi_info_read(multi_.get(), &left)) {
      auto i = message->msg == CURLMSG_DONE ? under_way_.find(message->easy_handle) : under_way_.end();
      if (i == under_way_.end())
        continue;
      auto code = message->data.result;
      auto x = std::move(i->second);
      curl_multi_remove_handle(multi_.get(), i->first);
      under_way_.erase(i);
      auto status = curl::status_of(x->handle.get());
      // We cut a long answer.
      auto answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && x->read > answer_bytes_max);
      auto why = x->refused.empty() ? std::string{curl_easy_strerror(code)} : x->refused;
      x->done(answered ? post_answer{status, {}} : post_answer{0, std::move(why)});
    }
  }

  curl::multi multi_ = curl::make_multi();
  std::atomic<bool> stop_{false};
  std::mutex mutex_; ///< guards `fresh_`
  std::vector<std::unique_ptr<posting>> fresh_;
  std::map<CURL*, std::unique_ptr<posting>> under_way_; ///< used only by the thread
  std::thread thread_;
};

poster::poster() : impl_(std::make_unique<impl>()) {}

poster::~poster() = default;

void poster::post(post_request x, std::function<void(post_answer)> done) {
  impl_->post(std::move(x), std::move(done));
}

} // namespace troupe::http

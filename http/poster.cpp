#include "http/poster.hpp"

#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <curl/curl.h>

namespace troupe::http {

namespace {

constexpr size_t answer_bytes_max = 64 * 1024;
constexpr int poll_ms = 1'000;

struct easy_cleanup {
  void operator()(CURL* x) const noexcept {
    curl_easy_cleanup(x);
  }
};

struct multi_cleanup {
  void operator()(CURLM* x) const noexcept {
    curl_multi_cleanup(x);
  }
};

struct list_cleanup {
  void operator()(curl_slist* x) const noexcept {
    curl_slist_free_all(x);
  }
};

/// One request under way. Its address is known to libcurl.
struct transfer {
  post_request what;
  std::function<void(post_answer)> done;
  std::unique_ptr<CURL, easy_cleanup> handle;
  std::unique_ptr<curl_slist, list_cleanup> fields;
  std::array<char, CURL_ERROR_SIZE> detail{};
  size_t read = 0;
};

/// Counts the answer and forgets it.
size_t forget(const char*, size_t one, size_t size, void* to) {
  auto& x = *static_cast<transfer*>(to);
  x.read += one * size;
  return x.read > answer_bytes_max ? 0 : one * size;
}

bool prepare(transfer& x) {
  x.handle.reset(curl_easy_init());
  if (!x.handle)
    return false;
  auto code = CURLE_OK;
  auto set = [&](CURLoption option, auto value) {
    if (code == CURLE_OK)
      code = curl_easy_setopt(x.handle.get(), option, value);
  };
  for (auto& field : x.what.fields)
    x.fields.reset(curl_slist_append(x.fields.release(), field.c_str()));
  set(CURLOPT_ERRORBUFFER, x.detail.data());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_URL, x.what.url.c_str());
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDSIZE, static_cast<long>(x.what.body.size()));
  set(CURLOPT_POSTFIELDS, x.what.body.c_str());
  set(CURLOPT_HTTPHEADER, x.fields.get());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(x.what.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(x.what.timeout.count()));
  set(CURLOPT_USERAGENT, "troupe/" TROUPE_VERSION);
  set(CURLOPT_WRITEFUNCTION, &forget);
  set(CURLOPT_WRITEDATA, static_cast<void*>(&x));
  return code == CURLE_OK;
}

} // namespace

class poster::impl {
public:
  impl() {
    static auto ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_.reset(ready == CURLE_OK ? curl_multi_init() : nullptr);
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
    auto one = std::make_unique<transfer>();
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
    std::vector<std::unique_ptr<transfer>> fresh;
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
      long status = 0;
      curl_easy_getinfo(x->handle.get(), CURLINFO_RESPONSE_CODE, &status);
      // A long answer was cut by us.
      auto answered = code == CURLE_OK || (code == CURLE_WRITE_ERROR && x->read > answer_bytes_max);
      x->done(answered ? post_answer{static_cast<unsigned>(status), {}} : post_answer{0, curl_easy_strerror(code)});
    }
  }

  std::unique_ptr<CURLM, multi_cleanup> multi_;
  std::atomic<bool> stop_{false};
  std::mutex mutex_; ///< guards `fresh_`
  std::vector<std::unique_ptr<transfer>> fresh_;
  std::map<CURL*, std::unique_ptr<transfer>> under_way_; ///< of the thread
  std::thread thread_;
};

poster::poster() : impl_(std::make_unique<impl>()) {}

poster::~poster() = default;

void poster::post(post_request x, std::function<void(post_answer)> done) {
  impl_->post(std::move(x), std::move(done));
}

} // namespace troupe::http

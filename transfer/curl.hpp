// libcurl's handles in owners, and the steps that every request of ours begins with: its users differ in the options they set, not in these.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <new>
#include <string>

namespace troupe::transfer::curl {

struct cleanup {
  void operator()(CURL* x) const noexcept {
    curl_easy_cleanup(x);
  }

  void operator()(curl_slist* x) const noexcept {
    curl_slist_free_all(x);
  }
};

/// CURLM is another name for CURL, or for nothing at all: its owner needs a deleter of its own.
struct multi_cleanup {
  void operator()(CURLM* x) const noexcept {
    curl_multi_cleanup(x);
  }
};

using easy = std::unique_ptr<CURL, cleanup>;
using multi = std::unique_ptr<CURLM, multi_cleanup>;

/// The library's one-time set-up, which any thread may come to first. False where it failed.
inline bool ready() {
  static const auto result = curl_global_init(CURL_GLOBAL_DEFAULT);
  return result == CURLE_OK;
}

/// Null where libcurl cannot be set up.
inline easy make_easy() {
  return easy{ready() ? curl_easy_init() : nullptr};
}

/// Null where libcurl cannot be set up.
inline multi make_multi() {
  return multi{ready() ? curl_multi_init() : nullptr};
}

/// The header lines of a request. It has to outlive the exchange.
class fields {
public:
  /// `line` is "Name: value". Throws std::bad_alloc where it cannot be kept: a request never goes without one of its lines.
  void add(const std::string& line) {
    auto* longer = curl_slist_append(list_.get(), line.c_str());
    if (longer == nullptr)
      throw std::bad_alloc{};
    (void)list_.release();
    list_.reset(longer);
  }

  /// Null where there is none.
  curl_slist* get() const noexcept {
    return list_.get();
  }

private:
  std::unique_ptr<curl_slist, cleanup> list_;
};

/// Where libcurl says what went wrong, in its words. It has to outlive the exchange.
using error_buffer = std::array<char, CURL_ERROR_SIZE>;

/// Sets options one after the other, up to the first that is refused.
class options {
public:
  /// Only HTTP and HTTPS, no signals, and what goes wrong into `detail`.
  options(CURL* handle, error_buffer& detail) : handle_(handle) {
    (*this)(CURLOPT_ERRORBUFFER, detail.data());
    (*this)(CURLOPT_PROTOCOLS_STR, "http,https");
    (*this)(CURLOPT_NOSIGNAL, 1L);
  }

  template <class T>
  void operator()(CURLoption option, T value) {
    if (code_ == CURLE_OK)
      code_ = curl_easy_setopt(handle_, option, value);
  }

  /// Of the first option that was refused.
  CURLcode code() const noexcept {
    return code_;
  }

  /// The exchange itself, where every option was taken.
  CURLcode perform() const {
    return code_ == CURLE_OK ? curl_easy_perform(handle_) : code_;
  }

private:
  CURL* handle_;
  CURLcode code_ = CURLE_OK;
};

/// Of the answer that `handle` had last; 0 where none came.
inline unsigned status_of(CURL* handle) {
  long result = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &result);
  return static_cast<unsigned>(result);
}

/// What went wrong: the detail, or what the code says.
inline std::string words(CURLcode code, const error_buffer& detail) {
  return detail[0] != '\0' ? std::string{detail.data()} : std::string{curl_easy_strerror(code)};
}

} // namespace troupe::transfer::curl

// What is written down about one request: who sends it and what it is for, and at its end the result.
//
// The request holds the mark. Every response says its result here. A request that ends without one, because its client
// left or the coordinator stops, is written down as not answered: nobody knows whether it did what it is for.
#pragma once

#include "http/message.hpp"
#include "trust/audit_log.hpp"

#include <memory>

namespace troupe::http {

class audit_mark {
public:
  audit_mark(std::shared_ptr<trust::audit_log> to, trust::audit_entry what);
  ~audit_mark();

  audit_mark(const audit_mark&) = delete;
  audit_mark& operator=(const audit_mark&) = delete;

  /// Only the first answer counts.
  void answered(const reply& x);

private:
  std::shared_ptr<trust::audit_log> to_; ///< null: it is written down
  trust::audit_entry what_;
};

/// The entry of a request, without its result. `pattern` is the path of its route.
trust::audit_entry entry_of(const request& of, core::need what, std::string_view pattern, const core::proof& shown,
                            int64_t now_ms);

} // namespace troupe::http

#include "http/audit_mark.hpp"

#include "base/mask_url.hpp"

#include <utility>

namespace troupe::http {

audit_mark::audit_mark(std::shared_ptr<trust::audit_log> to, trust::audit_entry what)
  : to_{std::move(to)}, what_{std::move(what)} {}

audit_mark::~audit_mark() {
  if (to_)
    to_->add(std::move(what_));
}

void audit_mark::answered(const reply& x) {
  auto to = std::exchange(to_, nullptr);
  if (!to)
    return;
  what_.status = static_cast<uint32_t>(x.code);
  if (x.code == status::created)
    for (auto& [name, value] : x.fields)
      if (name == "Location")
        what_.made = value;
  to->add(std::move(what_));
}

trust::audit_entry entry_of(const request& of, core::need what, std::string_view pattern, const core::proof& shown,
                            int64_t now_ms) {
  trust::audit_entry result;
  result.at_ms = now_ms;
  result.key = shown.who.key;
  result.name = shown.who.name;
  if (shown.what == core::proof::kind::good) {
    result.role = what == core::need::join ? to_string(what) : to_string(shown.who.role);
    if (result.key.empty())
      result.name = "this machine";
  }
  result.address = of.address;
  result.request = of.id;
  auto method = boost::beast::http::to_string(of.method);
  result.method.assign(method.data(), method.size());
  result.route = pattern;
  result.target = base::mask_query(of.target);
  return result;
}

} // namespace troupe::http

#include "store/audit_store.hpp"

#include "store/database.hpp"
#include "store/statement.hpp"
#include "store/text.hpp"

#include <utility>

namespace troupe::store {

namespace {

constexpr const char* columns =
  "number, at_ms, key_id, key_name, caller_role, address, request, method, route, target, made, status";

/// A row as the database has it.
struct variables {
  audit_record x;
  long long number = 0;
  long long at = 0;
  long long status = 0;

  void read_from(statement& s) {
    s.out(number).out(at).out(x.key).out(x.name).out(x.role).out(x.address).out(x.request).out(x.method).out(x.route);
    s.out(x.target).out(x.made).out(status);
  }

  void write_to(statement& s) {
    s.in(number, "number").in(at, "at").in(x.key, "key").in(x.name, "name").in(x.role, "role");
    s.in(x.address, "address").in(x.request, "request").in(x.method, "method").in(x.route, "route");
    s.in(x.target, "target").in(x.made, "made").in(status, "status");
  }

  void set(const audit_record& from) {
    x = from;
    number = from.number;
    at = from.at_ms;
    status = from.status;
  }

  audit_record get() const {
    auto result = x;
    result.number = number;
    result.at_ms = at;
    result.status = static_cast<uint32_t>(status);
    return result;
  }
};

} // namespace

class audit_store::impl : public database {
public:
  using database::database;

  expected<int64_t> newest() {
    return guarded("read the audit log", [&]() -> expected<int64_t> {
      long long result = 0;
      statement s{session()};
      s.out(result).prepare("SELECT coalesce(max(number), 0) FROM audit").run_one();
      return result;
    });
  }

  expected<void> add(std::span<const audit_record> rows) {
    return guarded("write the audit log", [&]() -> expected<void> {
      transaction all{session(), on().kind};
      {
        variables row;
        statement s{session()};
        row.write_to(s);
        s.prepare(std::string{"INSERT INTO audit ("} + columns
                  + ") VALUES (:number, :at, :key, :name, :role, :address, :request, :method, :route, :target, :made,"
                    " :status)"
                    " ON CONFLICT (number) DO NOTHING");
        for (auto& x : rows) {
          row.set(x);
          s.run_one();
        }
      }
      all.commit();
      return {};
    });
  }

  expected<audit_page> list(const audit_filter& filter, std::optional<int64_t> before, size_t count) {
    return guarded("read the audit log", [&]() -> expected<audit_page> {
      std::string where;
      auto also = [&where](const char* condition) {
        where += (where.empty() ? " WHERE " : " AND ") + std::string{condition};
      };
      statement s{session()};
      if (!filter.key.empty()) {
        also("key_id = :key");
        s.in(filter.key, "key");
      }
      if (!filter.address.empty()) {
        also("address = :address");
        s.in(filter.address, "address");
      }
      const auto pattern = contains_pattern(lower(filter.text));
      if (!filter.text.empty()) {
        also("lower(method || ' ' || target || ' ' || made || ' ' || key_name || ' ' || request) LIKE :pattern"
             " ESCAPE '\\'");
        s.in(pattern, "pattern");
      }
      const long long from = filter.from_ms.value_or(0);
      if (filter.from_ms) {
        also("at_ms >= :from");
        s.in(from, "from");
      }
      const long long to = filter.to_ms.value_or(0);
      if (filter.to_ms) {
        also("at_ms < :to");
        s.in(to, "to");
      }
      const long long last = before.value_or(0);
      if (before) {
        also("number < :before");
        s.in(last, "before");
      }
      variables row;
      row.read_from(s);
      s.prepare(std::string{"SELECT "} + columns + " FROM audit" + where + " ORDER BY number DESC LIMIT "
                + std::to_string(count + 1));
      audit_page result;
      s.run_all([&] { result.rows.push_back(row.get()); });
      if (result.rows.size() > count) {
        result.rows.resize(count);
        result.next = result.rows.back().number;
      }
      return result;
    });
  }

  expected<void> trim(const audit_bounds& to) {
    return guarded("shorten the audit log", [&]() -> expected<void> {
      const long long from = to.from_ms;
      transaction all{session(), on().kind};
      {
        statement s{session()};
        s.in(from, "from").prepare("DELETE FROM audit WHERE at_ms < :from").run_one();
      }
      // Nobodies first, so that they push out nobody else.
      keep("caller_role = ''", to.nobodies_max);
      keep("", to.entries_max);
      all.commit();
      return {};
    });
  }

private:
  /// Removes all but the latest `most` rows of those for which `condition` holds.
  void keep(const std::string& condition, uint64_t most) {
    statement s{session()};
    s.prepare("DELETE FROM audit WHERE " + (condition.empty() ? "" : condition + " AND ")
              + "number <= (SELECT number FROM audit" + (condition.empty() ? "" : " WHERE " + condition)
              + " ORDER BY number DESC LIMIT 1 OFFSET " + std::to_string(most) + ")");
    s.run_one();
  }
};

expected<audit_store> audit_store::open(settings from) {
  auto to = parse_target(from);
  if (!to)
    return tl::unexpected{std::move(to.error())};
  auto result = std::make_unique<impl>(std::move(from), std::move(*to));
  if (auto good = result->begin(migrations()); !good)
    return tl::unexpected{std::move(good.error())};
  return audit_store{std::move(result)};
}

audit_store::audit_store(std::unique_ptr<impl> x) : impl_{std::move(x)} {}

audit_store::audit_store(audit_store&&) noexcept = default;
audit_store& audit_store::operator=(audit_store&&) noexcept = default;
audit_store::~audit_store() = default;

expected<int64_t> audit_store::newest() {
  return impl_->newest();
}

expected<void> audit_store::add(std::span<const audit_record> rows) {
  return impl_->add(rows);
}

expected<audit_page> audit_store::list(const audit_filter& filter, std::optional<int64_t> before, size_t rows) {
  return impl_->list(filter, before, rows);
}

expected<void> audit_store::trim(const audit_bounds& to) {
  return impl_->trim(to);
}

} // namespace troupe::store

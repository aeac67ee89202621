// A prepared statement whose parameters and columns are variables that the caller fills and reads.
//
// Parameters are bound by name, so that one may occur twice. Variables are read and written through their addresses at each run; they
// must outlive the statement. A statement is always run to its end: one that is left in the middle keeps SQLite from committing, and
// its log of writes from being emptied.
#pragma once

#include <string>

#include <soci/soci.h>

namespace troupe::store {

class statement {
public:
  explicit statement(soci::session& session) : statement_{session} {
    statement_.alloc();
  }

  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;

  template <class T>
  statement& in(const T& variable, const char* name) {
    statement_.exchange(soci::use(variable, name));
    return *this;
  }

  template <class T>
  statement& out(T& variable) {
    statement_.exchange(soci::into(variable));
    return *this;
  }

  statement& prepare(const std::string& sql) {
    statement_.prepare(sql);
    statement_.define_and_bind();
    return *this;
  }

  /// Runs it for at most one row. True when there was one; its columns are in the variables.
  bool run_one() {
    const bool found = statement_.execute(true);
    // The step that finds no further row ends the statement. It leaves the variables as they are.
    if (found)
      while (statement_.fetch())
        continue;
    return found;
  }

  /// Runs it and calls `take` after each row has come into the variables.
  template <class F>
  void run_all(F take) {
    for (bool more = statement_.execute(true); more; more = statement_.fetch())
      take();
  }

private:
  soci::statement statement_;
};

} // namespace troupe::store

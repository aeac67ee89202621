// A prepared statement. Its parameters and columns are variables that the caller fills and reads.
//
// Parameters are bound by name, so that the same one may occur twice. Each run reads and writes the variables through
// their addresses, so they must outlive the statement. A statement is always run to its end: an unfinished one prevents
// SQLite from committing, and from emptying its write-ahead log.
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

  /// Runs it for at most one row. True if there was one; its columns are then in the variables.
  bool run_one() {
    const bool found = statement_.execute(true);
    // The step that finds no further row ends the statement. It leaves the variables as they are.
    if (found)
      while (statement_.fetch())
        continue;
    return found;
  }

  /// Runs it and calls `take` each time a row is in the variables.
  template <class F>
  void run_all(F take) {
    for (bool more = statement_.execute(true); more; more = statement_.fetch())
      take();
  }

private:
  soci::statement statement_;
};

} // namespace troupe::store

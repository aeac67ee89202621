// A simulated library: files that people add, change, rename, move and delete; scans; workers that take time and fail;
// replacements; a store that is slow and fails; and restarts at any moment. One seed determines a whole life.
//
// What is promised, and checked all the time:
// - work is asked for only when the store knows it, and by one asker at a time;
// - a film is replaced only by a result of its present content, and no content is lost that its owner did not delete;
// - a scan of an offline root forgets nothing;
// - what a conversion or a replacement began before a restart is continued;
// - when all is calm, each film comes to rest, a second look converts nothing, and the account is true.
#pragma once

#include "core/library/ledger.hpp"
#include "test/sim/clockwork.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace troupe::sim {

class library_world : core::ledger_effects {
public:
  library_world(uint64_t seed, bool trace);

  /// Throws a `violation`.
  void run();

  world& clock() noexcept {
    return world_;
  }

  uint64_t conversions() const noexcept {
    return conversions_;
  }

private:
  /// A file, hidden or not.
  struct file {
    core::film_identity identity;
    uint64_t content = 0;   ///< unique for each content that a person made
    bool is_result = false; ///< of that content
  };

  struct stored_write {
    core::film_row row;
    std::optional<core::film_replacement> entry;
    bool erases = false;
  };

  // effects
  void write(const core::film_row& x, const core::film_replacement* entry) override;
  void erase(uint64_t film) override;
  void write(const core::library_root& x) override;
  void examine(const core::film_row& x) override;
  void convert(const core::film_row& x) override;
  void verify(const core::film_row& x) override;
  void replace(const core::film_row& x) override;
  void drop_kept(const core::film_row& x) override;
  void stop(const core::film_row& x) override;
  void let_work(uint32_t root, bool may) override;

  void start();
  void restart();
  void tick();
  void people();
  void scan();
  void flush_store(bool all);
  void check_durable(const core::film_row& x, core::film_state state, const char* what);
  void answer(const core::film_row& x, std::function<void(core::ledger&, core::film_row)> what);
  void take_step(const core::film_row& x, core::replacing_facts facts, uint64_t life);
  void move(const std::string& from, const std::string& to);
  void look_at(const std::vector<std::string>& names, size_t i, bool is_cut, uint64_t life);
  void check_rest();
  void make_file(const std::string& path);
  file* at(const std::string& path);
  core::film_identity new_identity(uint64_t bytes);
  int64_t now_ms() const {
    return world_.unix_ms() + 1'000'000'000;
  }

  world world_;
  core::ledger_config config_;
  core::library_root root_;
  std::unique_ptr<core::ledger> ledger_;
  std::map<std::string, file> files_;
  std::map<uint64_t, core::film_row> durable_;
  std::deque<stored_write> pending_;
  core::library_totals account_;
  std::set<uint64_t> deleted_;             ///< contents that people deleted or overwrote
  std::map<uint64_t, uint64_t> originals_; ///< size of each content
  uint64_t life_ = 0;                      ///< counts restarts: answers to an older life are lost
  uint64_t next_content_ = 1;
  uint64_t next_inode_ = 1;
  uint64_t highest_ = 0;
  uint64_t conversions_ = 0;
  bool is_calm_ = false;
  bool is_store_up_ = true;
  bool is_online_ = true;
};

} // namespace troupe::sim

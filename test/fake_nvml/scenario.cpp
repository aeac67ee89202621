#include "test/fake_nvml/scenario.hpp"

#include <dirent.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace troupe::test {

namespace {

/// A process that has ended but was not waited for (a zombie) holds no sessions.
bool is_alive(int pid) {
  if (::kill(pid, 0) != 0 && errno == ESRCH)
    return false;
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string text;
  std::getline(file, text);
  auto name_end = text.rfind(") ");
  return name_end == std::string::npos || name_end + 2 >= text.size() || text[name_end + 2] != 'Z';
}

void add_sessions_of_programs(card& c, const std::string& path) {
  auto* folder = ::opendir(sessions_folder(path, c).c_str());
  if (folder == nullptr)
    return;
  while (auto* entry = ::readdir(folder)) {
    auto pid = std::atoi(entry->d_name);
    if (pid > 0 && is_alive(pid))
      c.sessions.push_back(static_cast<unsigned>(pid));
  }
  ::closedir(folder);
}

std::string rest_of(std::istringstream& line) {
  std::string text;
  std::getline(line >> std::ws, text);
  return text;
}

bool read_number(card& c, const std::string& word, std::istringstream& line) {
  const std::pair<const char*, unsigned card::*> numbers[] = {
    {"utilisation", &card::utilisation},
    {"encoder", &card::encoder},
    {"decoder", &card::decoder},
    {"temperature", &card::temperature},
    {"power", &card::power},
    {"anonymous", &card::anonymous},
    {"limit", &card::limit},
  };
  for (auto& [name, at] : numbers)
    if (word == name)
      return static_cast<bool>(line >> c.*at);
  return false;
}

bool read_text(card& c, const std::string& word, std::istringstream& line) {
  const std::pair<const char*, std::string card::*> texts[] = {{"name", &card::name},
                                                               {"uuid", &card::uuid},
                                                               {"pci", &card::pci},
                                                               {"node", &card::node},
                                                               {"refuse", &card::refuses}};
  for (auto& [name, at] : texts)
    if (word == name) {
      c.*at = rest_of(line);
      return true;
    }
  return false;
}

void read_card_line(card& c, const std::string& word, std::istringstream& line) {
  if (read_number(c, word, line) || read_text(c, word, line))
    return;
  unsigned number = 0;
  if (word == "device")
    line >> std::hex >> c.number;
  else if (word == "memory")
    line >> c.memory_total_mb >> c.memory_used_mb;
  else if (word == "session" && line >> number)
    c.sessions.push_back(number);
  else if (word == "fail")
    line >> c.fails;
  else if (word == "absent")
    c.absent.insert(rest_of(line));
  else if (word == "decoder-fails-after")
    line >> c.decoder_fails_after;
  else if (word == "encoders" || word == "decoders")
    for (std::string codec; line >> codec;)
      (word == "encoders" ? c.encoders : c.decoders).insert(codec);
}

} // namespace

std::string sessions_folder(const std::string& path, const card& c) {
  return path + ".sessions/" + c.uuid;
}

scenario read_scenario(const std::string& path) {
  scenario result;
  std::ifstream file{path};
  for (std::string text; std::getline(file, text);) {
    std::istringstream line{text};
    std::string word;
    if (!(line >> word) || word[0] == '#')
      continue;
    if (word == "card")
      result.cards.emplace_back();
    else if (word == "driver")
      line >> result.driver;
    else if (word == "init")
      line >> result.init;
    else if (word == "shared-limit")
      line >> result.shared_limit;
    else if (!result.cards.empty())
      read_card_line(result.cards.back(), word, line);
  }
  for (auto& c : result.cards)
    add_sessions_of_programs(c, path);
  return result;
}

} // namespace troupe::test

#include "ops/registration.h"

#include <cstdio>
#include <deque>
#include <mutex>
#include <vector>

namespace noether {

namespace {

struct Note {
  void (*run)(torch::Library&);
  const char* file;
  int line;
};

std::vector<Note>& notes() {
  static std::vector<Note> list;
  return list;
}

constexpr char kPublic[] = "noether::";

bool starts_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

}  // namespace

const std::string& own_namespace() {
  static const std::string name = [] {
    char text[40];
    std::snprintf(text, sizeof text, "noether_%zx", reinterpret_cast<size_t>(&notes()));
    return std::string(text);
  }();
  return name;
}

OwnLibrary::OwnLibrary(void (*run)(torch::Library&), const char* file, int line) {
  notes().push_back({run, file, line});
}

void register_operators() {
  static std::once_flag once;
  std::call_once(once, [] {
    // Never destroyed: the dispatcher may call them for as long as the process lives.
    static auto* libraries = new std::deque<torch::Library>();
    for (const Note& note : notes()) {
      libraries->emplace_back(torch::Library::FRAGMENT, own_namespace(), std::nullopt, note.file, note.line);
      note.run(libraries->back());
    }
  });
}

std::string dispatcher_name(const std::string& name) {
  return starts_with(name, kPublic) ? own_namespace() + "::" + name.substr(sizeof kPublic - 1) : name;
}

std::optional<std::string> public_name(const std::string& name) {
  const std::string own = own_namespace() + "::";
  if (starts_with(name, own)) return kPublic + name.substr(own.size());
  if (starts_with(name, "noether_") || starts_with(name, kPublic)) return std::nullopt;
  return name;
}

}  // namespace noether

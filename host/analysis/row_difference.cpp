#include "analysis/row_difference.h"

#include "analysis/gil_state.h"
#include "analysis/name_family.h"

namespace gilscope {
namespace {

// By its last number, or once there are many families by none of its numbers: see ProcessNote::family_of.
std::optional<ThreadId> find_family(const std::map<std::string, ThreadId>& families,
                                    const std::string& name) {
  for (const auto numbers : {Numbers::TheLast, Numbers::All}) {
    std::string family(name.size(), '\0');
    family.resize(write_family(name, numbers, family));
    const auto found = families.find(family);
    if (found != families.end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace

ThreadSuccessors::ThreadSuccessors(const std::vector<ThreadRecord>& before,
                                   const std::vector<ThreadRecord>& after) {
  std::map<std::string, ThreadId> families;
  for (const auto& thread : after) {
    add(thread.id);
    if (is_family(thread.id)) families.emplace(thread.name, thread.id);
  }
  for (const auto& thread : before) {
    if (threads_.contains(thread.id)) continue;
    const auto family = find_family(families, thread.name);
    if (family) threads_.emplace(thread.id, *family);
  }
}

}  // namespace gilscope

#include "analysis/held_work.h"

#include <algorithm>

namespace gilscope {

std::optional<HeldWork> work_of(const CodePlace& place) {
  if (place.line != 0) return std::nullopt;
  const auto* const file = std::ranges::find(kWorkFiles, place.file);
  if (file == kWorkFiles.end()) return std::nullopt;
  return HeldWork{static_cast<WorkKind>(file - kWorkFiles.begin()), place.function};
}

bool is_collection(const std::optional<HeldWork>& work) {
  return work && (work->kind == WorkKind::Collection || work->kind == WorkKind::Collect);
}

std::string_view name_of(WorkKind kind) noexcept {
  switch (kind) {
    case WorkKind::Call:
      return "call";
    case WorkKind::Freeing:
      return "freeing";
    case WorkKind::Collection:
      return "collection";
    case WorkKind::Collect:
      break;
  }
  return "collect";
}

}  // namespace gilscope

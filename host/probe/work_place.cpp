#include "probe/work_place.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <span>

namespace gilscope {
namespace {

struct WorkName {
  std::size_t bytes;
  WorkKind kind;
  std::array<char, 111> text;

  [[nodiscard]] std::string_view name() const noexcept { return {text.data(), bytes}; }
};

// Entries stay: a point is one's address.
struct WorkNames {
  std::array<WorkName, 512> entries;
  std::atomic<std::size_t> used;  // the release of a new number publishes what it stands for
  std::atomic_flag is_busy;

  [[nodiscard]] const WorkName* find(WorkKind kind, std::string_view name) const noexcept {
    const auto known = std::span(entries).first(used.load(std::memory_order_acquire));
    const auto found = std::ranges::find_if(
        known, [&](const WorkName& entry) { return entry.kind == kind && entry.name() == name; });
    return found == known.end() ? nullptr : &*found;
  }

  const WorkName* add(WorkKind kind, std::string_view name) noexcept {
    if (is_busy.test_and_set(std::memory_order_acquire)) return nullptr;
    const WorkName* added = find(kind, name);
    const auto number = used.load(std::memory_order_relaxed);
    if (added == nullptr && number < entries.size()) {
      WorkName& entry = entries.at(number);
      entry.kind = kind;
      entry.bytes = name.copy(entry.text.data(), entry.text.size());
      used.store(number + 1, std::memory_order_release);
      added = &entry;
    }
    is_busy.clear(std::memory_order_release);
    return added;
  }
};

constinit WorkNames work_names{};

}  // namespace

std::optional<CodePoint> work_point(WorkKind kind, std::string_view name) noexcept {
  name = name.substr(0, std::tuple_size_v<decltype(WorkName::text)>);
  const WorkName* entry = work_names.find(kind, name);
  if (entry == nullptr) entry = work_names.add(kind, name);
  return entry == nullptr ? std::nullopt : std::optional(CodePoint{.code = entry});
}

bool describe_work(const CodePoint& point, CodeWords& words) noexcept {
  const auto* const entry = static_cast<const WorkName*>(point.code);
  const auto& entries = work_names.entries;
  if (std::less()(entry, entries.data()) || !std::less()(entry, entries.data() + entries.size())) {
    return false;
  }
  words.line = 0;
  words.file_bytes = kWorkFiles.at(static_cast<std::size_t>(entry->kind))
                         .copy(words.file_text.data(), CodeWords::kFileBytes);
  words.function_bytes = entry->name().copy(words.function_text.data(), CodeWords::kFunctionBytes);
  return true;
}

}  // namespace gilscope

// The machine-readable twin of the table of several Pythons.
#include <string_view>

#include "report/pythons_report.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

std::string_view name_of(Engine engine) noexcept {
  switch (engine) {
    case Engine::Host:
      return "host";
    case Engine::Package:
      return "package";
    case Engine::Timing:
      return "timing";
  }
  return "";
}

}  // namespace

ordered_json pythons_json(const std::vector<PythonComparison>& pythons) {
  const auto& first = pythons.front();
  auto list = ordered_json::array();
  for (const auto& python : pythons) {
    ordered_json entry{
        {"path", python.path},
        {"engine", name_of(python.context.engine)},
        {"sequential_ratio", ratio_json(sequential_ratio(python.comparison, first.comparison))}};
    entry.update(comparison_json(python.comparison, python.context));
    list.push_back(std::move(entry));
  }
  return {{"schema", "gilscope.compare-pythons/1"},
          {"command", first.context.command},
          {"tasks", first.context.tasks},
          {"workers", first.context.workers},
          {"rounds", first.context.rounds},
          {"rounds_done", first.context.rounds_done},
          {"pythons", std::move(list)}};
}

}  // namespace gilscope

// Words and JSON for what `gilscope compare --python` measured under several Pythons.
#pragma once

#include <string>
#include <vector>

#include "report/compare_report.h"

namespace gilscope {

// What was measured under one Python; the contexts of all have the same command, tasks and rounds.
struct PythonComparison {
  std::string path;  // as it was given
  Comparison comparison;
  CompareContext context;
};

// The Pythons, the modes of all of them side by side, and of each the notes and the verdict. Never empty.
[[nodiscard]] std::string format_pythons(const std::vector<PythonComparison>& pythons,
                                         const TextStyle& style = {});

// docs/schemas/compare-pythons.schema.json describes it.
[[nodiscard]] nlohmann::ordered_json pythons_json(const std::vector<PythonComparison>& pythons);

}  // namespace gilscope

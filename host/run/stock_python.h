// A stock Python as the engine of trials: the Python of this folder, written out as files that it can run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/temporary_folder.h"

namespace gilscope {

// The files, for as long as it lives.
class StockTrialFolder {
 public:
  StockTrialFolder();  // throws Error

  // What a stock Python is started with: `python` itself, then the folder.
  [[nodiscard]] std::vector<std::string> command_of(const std::string& python) const;

 private:
  TemporaryFolder folder_;
};

// What a stock Python answered, among whatever else it printed; "" where it did not.
[[nodiscard]] std::string find_answer(std::string_view output);

// What a Python says of itself.
struct PythonFacts {
  nlohmann::ordered_json python;  // with the keys that doctor's JSON has
  std::string base_executable;    // of the installation, whatever environment it is in; no symbolic link
  std::string prefix;             // of the environment
  bool is_environment = false;    // a virtual one
};

// Throws Error where the answer is neither CPython's nor PyPy's; its words follow the path of what answered.
[[nodiscard]] PythonFacts parse_python_facts(std::string_view output);

}  // namespace gilscope

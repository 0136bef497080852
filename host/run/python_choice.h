// From the paths after `compare --python` to the programs that run trials under these Pythons.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/stock_python.h"
#include "run/trial_program.h"
#include "run/trial_runner.h"

namespace gilscope {

struct ChosenPython {
  std::string path;      // as it was given
  std::string identity;  // the same for all paths of one Python in one environment
  TrialProgram program;
  Surroundings surroundings;
};

// In the order given, each Python once. Of each the best engine that there is: a host that embeds it (itself,
// `own` where that is a binary, or one that was built beside it), its own gilscope package, or `stock` files.
// Throws Error (usage) where a path is no Python that can be compared, and Interrupted.
[[nodiscard]] std::vector<ChosenPython> choose_pythons(const std::vector<std::string>& paths,
                                                       const TrialProgram& own,
                                                       const StockTrialFolder& stock);

// The parts of it that ask nobody.

// The file that a shell would run for `name`, as given where it has a slash. Throws Error (usage) where it
// cannot be run. `search_path` is PATH.
[[nodiscard]] std::string find_program(const std::string& name, std::string_view search_path);

// What the output of `PROGRAM --version` is a version of. Throws Error where that is neither a gilscope host
// nor a Python that is new enough; its words follow the path of the program.
enum class ProgramKind { Host, Python };
[[nodiscard]] ProgramKind parse_version(std::string_view output);

// The hosts that tools/build.sh has built beside this one, of other Pythons:
// FOLDER/cpython-*/release/host/gilscope. This one comes first.
[[nodiscard]] std::vector<std::string> find_hosts(const std::filesystem::path& own);

}  // namespace gilscope

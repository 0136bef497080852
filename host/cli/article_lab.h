// Measures what `gilscope article` judges: each of the article's programs and comparisons in child hosts of
// its own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "analysis/article.h"
#include "cli/compare_rounds.h"
#include "cli/progress.h"
#include "run/trial_runner.h"
#include "support/time.h"

namespace gilscope::cli {

struct ArticlePlan {
  std::vector<std::string> programs;  // "count_threads"; of article_programs(), in any order
  std::filesystem::path folder;       // for captures, which are overwritten; exists
  std::filesystem::path sources;      // of the programs
  TrialProgram host;                  // runs them
  std::filesystem::path database;     // the company's, made on first use
  std::uint64_t iterations = 0;       // of each count of bytecode
  double scale = 1;                   // of each wait
  double seconds = 0;                 // of each measurement of exchange.py, and of a count in flavours.py
  unsigned rounds = 0;
  Nanoseconds timeout{};  // of one program, or one trial
  Surroundings surroundings;
};

// Those of ARTICLE.md, in the order in which they run, and then those that measure what is behind a claim.
[[nodiscard]] const std::vector<std::string>& article_programs();

// Has the children find the extension that `make build` made: nobody need activate its environment. `sources`
// are those of the programs; where they are no repository's, nothing changes.
void use_repository_environment(const std::filesystem::path& sources);

class ArticleLab {
 public:
  // Throws Error where the programs are not there. `measurements` outlives it.
  ArticleLab(ArticlePlan plan, ArticleMeasurements& measurements);

  // About how long measure() takes, in the steps of its progress.
  [[nodiscard]] std::size_t steps() const;
  // Throws Interrupted: what was measured by then is there. What cannot be measured is there with its reason.
  void measure(Progress& progress);

 private:
  struct Step {
    std::string name;
    std::size_t weight;  // seconds, about, of the default sizes; a comparison has a step a trial
    std::function<void()> take;
  };

  void plan_programs();
  void plan_comparisons();
  void plan_comparison(const std::string& name, const std::string& program,
                       const std::vector<std::string>& functions, const std::vector<Mode>& modes,
                       Measured<TaskRounds>& into);
  void plan_intervals();
  template <typename Value>
  void plan_measuring(const std::string& name, const std::string& program, std::size_t weight,
                      const std::vector<std::string>& options, Value (*parse)(std::string_view),
                      Measured<Value>& into);

  [[nodiscard]] bool is_chosen(std::string_view program) const;
  [[nodiscard]] std::string path_of(std::string_view program) const;
  [[nodiscard]] std::uint64_t iterations_of(std::string_view program) const;
  [[nodiscard]] std::vector<std::string> arguments(std::uint64_t iterations) const;

  [[nodiscard]] std::string run(const std::vector<std::string>& arguments, Nanoseconds timeout) const;
  [[nodiscard]] std::string run_to_measure(const std::string& program,
                                           std::vector<std::string> options) const;
  [[nodiscard]] ProgramRun run_program(const std::string& program) const;
  [[nodiscard]] ForcedHolds run_at_interval(double interval_s) const;
  void compare(const std::string& name, Measured<TaskRounds>& into, const Plan& plan);

  ArticlePlan plan_;
  ArticleMeasurements& measurements_;
  std::vector<Step> steps_;
  std::size_t steps_of_comparisons_ = 0;
  Progress* progress_ = nullptr;
};

}  // namespace gilscope::cli

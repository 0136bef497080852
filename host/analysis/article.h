// What `gilscope article` measured, and what that says of the article's claims. Pure functions: a verdict is
// computed from the figures, none is known in advance.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "analysis/comparison.h"
#include "analysis/run_summary.h"
#include "run/article_records.h"
#include "support/time.h"

namespace gilscope {

// A value, or why there is none; neither where it was not asked for.
template <typename Value>
struct Measured {
  std::optional<Value> value;
  std::string reason;

  [[nodiscard]] bool is_wanted() const noexcept { return value || !reason.empty(); }
};

// One of the article's programs, run once, with every event recorded.
struct ProgramRun {
  std::vector<std::string> command;
  int exit_code = 0;
  Nanoseconds wall{};  // of the whole process, from its start to its end
  std::vector<std::string> lines;
  std::optional<RunSummary> summary;  // empty: this Python has no GIL
  bool can_be_true = true;            // by the truth check
};

struct NamedProgram {
  std::string name;  // "count_threads"
  Measured<ProgramRun> run;
};

// How long threads were let keep the GIL that others asked for, while the article's two counts ran in
// threads.
struct ForcedHolds {
  Nanoseconds interval{};  // sys.getswitchinterval()
  bool is_default = false;
  std::vector<Nanoseconds> holds;  // that ended in a forced release, in order of their ends
};

// The article's tasks in several modes.
struct TaskRounds {
  std::vector<std::string> tasks;
  unsigned workers = 0;
  unsigned rounds_done = 0;
  Comparison comparison;
  // Time of all tasks / time of the longest, in the sequential rounds: what running them at once can gain at
  // most.
  std::optional<double> bound;
};

struct ArticleMeasurements {
  bool has_gil = true;
  unsigned usable_cpus = 0;
  std::vector<NamedProgram> programs;               // in the order of their runs
  Measured<TaskRounds> counting;                    // count_up and count_down of bytecode
  Measured<TaskRounds> native_held;                 // the sum in C++, the GIL held
  Measured<TaskRounds> native_released;             // the same, the GIL released
  Measured<TaskRounds> queries;                     // get_employees and get_active_projects
  Measured<TaskRounds> waits;                       // add and sub of add_sub_threads.py
  std::vector<Measured<ForcedHolds>> forced_holds;  // by the default switch interval, and by another one
  Measured<std::vector<ProcessCount>> process_counts;
  Measured<std::vector<ExchangeRow>> exchange;
  Measured<std::vector<FlavourRow>> flavours;

  // Null where it was not asked for.
  [[nodiscard]] const Measured<ProgramRun>* find_program(std::string_view name) const noexcept;
};

enum class Unit : std::uint8_t { None, Factor, Share, Seconds, Bytes };

// A figure behind a verdict. Its name is the JSON's key, and with blanks for underscores what people read.
struct Figure {
  std::string name;
  Unit unit = Unit::None;
  std::variant<std::uint64_t, double, Estimate> value;  // times in seconds; an estimate is of a factor
};

enum class ClaimVerdict : std::uint8_t { Holds, DoesNotHold, NotTestableHere };

// "holds", "does not hold", "not testable here".
[[nodiscard]] std::string_view name_of(ClaimVerdict verdict) noexcept;

struct Claim {
  int id = 0;  // as ARTICLE.md numbers them, 1 to 13
  std::string_view article_says;
  std::vector<Figure> measured;
  ClaimVerdict verdict = ClaimVerdict::NotTestableHere;
  std::string reason;
};

// The claims for which something was measured, by number.
[[nodiscard]] std::vector<Claim> judge_article(const ArticleMeasurements& measurements);

// Seconds that the article printed for its counting programs, one after the other, in threads, in processes.
inline constexpr double kArticleSequentialS = 25.86127805709839;
inline constexpr double kArticleThreadsS = 24.498752117156982;
inline constexpr double kArticleProcessesS = 8.376060724258423;

// The article's seconds beside ours, of one way to run both counts.
struct ArticleSeconds {
  Mode mode = Mode::Sequential;
  double article_s = 0;
  double here_s = 0;
  Estimate here_ratio;  // to sequential; the article's is article_s / kArticleSequentialS
};

// Of the modes that ended well, in the order above.
[[nodiscard]] std::vector<ArticleSeconds> compare_seconds(const ArticleMeasurements& measurements);

}  // namespace gilscope

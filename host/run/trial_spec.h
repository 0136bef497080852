// What a trial is asked to do: the tasks, and the mode to run them in.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gilscope {

enum class Mode { Sequential, Threads, Subinterpreters, Processes, Asyncio };

inline constexpr std::array kModes{Mode::Sequential, Mode::Threads, Mode::Subinterpreters, Mode::Processes,
                                   Mode::Asyncio};

// More than this is a slip of the hand rather than an experiment.
inline constexpr unsigned kMaxWorkers = 1024;

std::string_view name_of(Mode mode) noexcept;
std::optional<Mode> mode_of(std::string_view name) noexcept;

// FILE.py, FILE.py:FUNCTION or MODULE:FUNCTION.
struct Task {
  std::string text;      // as the user wrote it
  std::string file;      // absolute; "" for a module
  std::string module;    // "" for a file
  std::string function;  // dotted; "" for a whole script

  friend bool operator==(const Task&, const Task&) = default;
};

// Throws Error (usage) where the text is no task, or its file is not there or cannot be read.
Task parse_task(const std::string& text);

struct TrialSpec {
  Mode mode = Mode::Sequential;
  unsigned workers = 1;
  std::string start_method;  // of processes; "" for this Python's own
  std::vector<Task> tasks;
  std::vector<std::string> arguments;  // sys.argv[1:] of the tasks
  bool is_traced = true;               // what the GIL does during the work
};

// Which task each job runs: one task given alone is run by every worker, several are run once each.
std::vector<std::size_t> jobs_of(const TrialSpec& spec);

// The spec as host/run/trial_tasks.py reads it.
std::string to_json(const TrialSpec& spec);

}  // namespace gilscope

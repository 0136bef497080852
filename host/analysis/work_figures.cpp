#include "analysis/work_figures.h"

#include <algorithm>
#include <cstdint>
#include <map>

#include "support/time.h"

namespace gilscope {

WorkFigures compute_work_figures(const std::vector<JobSpan>& jobs) {
  struct CpuWindow {
    Nanoseconds begin{Nanoseconds::max()};
    Nanoseconds end{};
  };
  Nanoseconds begin = Nanoseconds::max();
  Nanoseconds end{};
  Nanoseconds in_progress{};
  std::optional<Nanoseconds> cpu_wait = Nanoseconds{};
  std::map<std::int64_t, CpuWindow> windows;  // the CPU clock is a process's: its workers' windows merge
  for (const auto& job : jobs) {
    begin = std::min(begin, job.begin);
    end = std::max(end, job.end);
    in_progress += job.end - job.begin;
    cpu_wait = cpu_wait && job.cpu_wait ? std::optional(*cpu_wait + *job.cpu_wait) : std::nullopt;
    auto& window = windows[job.pid];
    window.begin = std::min(window.begin, job.cpu_begin);
    window.end = std::max(window.end, job.cpu_end);
  }
  Nanoseconds cpu{};
  for (const auto& [pid, window] : windows) cpu += window.end - window.begin;
  WorkFigures figures{.wall_ns = std::max(1.0, count_ns(end - begin)), .cpu_ns = count_ns(cpu)};
  if (cpu_wait) figures.cpu_wait_ns = count_ns(*cpu_wait);
  figures.concurrency = count_ns(in_progress) / figures.wall_ns;
  figures.parallelism = figures.cpu_ns / figures.wall_ns;
  return figures;
}

}  // namespace gilscope

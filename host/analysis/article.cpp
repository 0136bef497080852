#include "analysis/article.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gilscope {

const Measured<ProgramRun>* ArticleMeasurements::find_program(std::string_view name) const noexcept {
  const auto found = std::ranges::find(programs, name, &NamedProgram::name);
  return found == programs.end() ? nullptr : &found->run;
}

std::string_view name_of(ClaimVerdict verdict) noexcept {
  switch (verdict) {
    case ClaimVerdict::Holds:
      return "holds";
    case ClaimVerdict::DoesNotHold:
      return "does not hold";
    case ClaimVerdict::NotTestableHere:
      break;
  }
  return "not testable here";
}

std::vector<ArticleSeconds> compare_seconds(const ArticleMeasurements& measurements) {
  constexpr std::array<std::pair<Mode, double>, 3> kArticle{{{Mode::Sequential, kArticleSequentialS},
                                                             {Mode::Threads, kArticleThreadsS},
                                                             {Mode::Processes, kArticleProcessesS}}};
  std::vector<ArticleSeconds> rows;
  if (!measurements.counting.value) return rows;
  const auto& modes = measurements.counting.value->comparison.modes;
  for (const auto& [mode, article_s] : kArticle) {
    const auto* const found = find_mode(modes, mode);
    if (found == nullptr || !found->work_ns || !found->speedup) continue;
    const auto inverse = [](const std::optional<double>& value) {
      return value ? std::optional(1 / *value) : std::nullopt;
    };
    const auto& speedup = *found->speedup;
    rows.push_back({.mode = mode,
                    .article_s = article_s,
                    .here_s = found->work_ns->median / 1e9,
                    .here_ratio = {1 / speedup.median, inverse(speedup.high), inverse(speedup.low)}});
  }
  return rows;
}

}  // namespace gilscope

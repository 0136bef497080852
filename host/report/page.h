// One self-contained HTML page of a result: what host/report/page/ has, with the result in it as JSON. It
// asks nothing of the network; text of the user's stays text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/run_summary.h"
#include "report/article_report.h"
#include "report/pythons_report.h"
#include "report/summary_report.h"

namespace gilscope {

// The whole text of the page. `document` is what its script reads: see page/main.js.
[[nodiscard]] std::string format_page(const nlohmann::ordered_json& document);

// So that a page opens at once whatever a run did. What is beyond is left out, and counted.
struct PageBounds {
  std::size_t processes = 1'000;
  std::size_t threads = 1'000;
  std::size_t handoffs = 2'000;
  std::size_t blame_rows = 1'000;
  std::size_t blame_bytes = 1'500'000;  // as JSON
};

struct PageLosses {
  std::uint64_t processes = 0;
  std::uint64_t threads = 0;
  std::uint64_t handoffs = 0;
  std::uint64_t blame_rows = 0;
};

// Leaves of each kind those that say most: that held or waited longest, or caused most waiting.
PageLosses cut_summary(RunSummary& summary, PageBounds bounds = {});

// Lines of source files, by file and number.
using SourceLines = std::map<std::string, std::map<std::uint32_t, std::string>>;

// Of a recording: the JSON of its summary, with the words that its text has beside the figures. `timeline` as
// timeline_json() makes it, or null.
[[nodiscard]] nlohmann::ordered_json summary_page(const RunSummary& summary, const SummaryContext& context,
                                                  const PageLosses& losses, nlohmann::ordered_json timeline,
                                                  const SourceLines& sources);

// Of a comparison, under one Python or several; never empty.
[[nodiscard]] nlohmann::ordered_json compare_page(const std::vector<PythonComparison>& pythons);

// Of the article's programs and claims.
[[nodiscard]] nlohmann::ordered_json article_page(const ArticleMeasurements& measurements,
                                                  const ArticleContext& context);

}  // namespace gilscope

#include "report/handoff_text.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "report/blame_text.h"
#include "report/export_text.h"
#include "report/table.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

// With one blank between them: 95 columns. The busiest come first; --json has all.
constexpr std::size_t kThreadNameColumns = 32;
constexpr std::size_t kCountColumns = 8;
constexpr std::size_t kMostThreads = 7;
constexpr std::size_t kLeastThreads = 3;
constexpr std::size_t kMostGils = 3;

using Thread = std::optional<ThreadId>;  // empty: those that the recording has merged
using Handoffs = std::vector<HandoffSnapshot>;

// Of one GIL.
struct Matrix {
  Handoffs handoffs;
  std::vector<Thread> threads;  // the busiest first
  std::uint64_t count = 0;      // of all hand-offs
};

Matrix make_matrix(Handoffs handoffs) {
  std::map<Thread, std::uint64_t> counts;
  for (const auto& pair : handoffs) {
    counts[pair.from] += pair.count;
    counts[pair.to] += pair.count;
  }
  std::vector<std::pair<Thread, std::uint64_t>> list(counts.begin(), counts.end());
  sort_stably(list, [](const auto& left, const auto& right) { return left.second > right.second; });
  Matrix matrix{.handoffs = std::move(handoffs)};
  for (const auto& [thread, count] : list) matrix.threads.push_back(thread);
  for (const auto& pair : matrix.handoffs) matrix.count += pair.count;
  return matrix;
}

std::string format_matrix(const ProcessSummary& process, const Matrix& matrix, const TextStyle& style) {
  const auto& handoffs = matrix.handoffs;
  const auto& threads = matrix.threads;
  const bool has_others = threads.size() > kMostThreads;
  const std::size_t size = std::min(threads.size(), kMostThreads);
  const auto place_of = [&](Thread thread) {
    const auto place = static_cast<std::size_t>(std::ranges::find(threads, thread) - threads.begin());
    return std::min(place, size - 1);
  };
  std::vector<std::vector<std::uint64_t>> counts(size, std::vector<std::uint64_t>(size));
  for (const auto& pair : handoffs) counts[place_of(pair.from)][place_of(pair.to)] += pair.count;

  std::vector<Column> columns{{"", kThreadNameColumns, Align::Left}};
  std::vector<std::string> titles{
      fmt::format("GIL {}: who got it after whom", static_cast<std::uint32_t>(handoffs.front().gil))};
  for (std::size_t i = 1; i <= size; ++i) {
    columns.push_back({"", kCountColumns, Align::Right});
    titles.push_back(fmt::format("→ {}", i));
  }
  std::string text = paint(format_row(columns, titles), "1", style.colour) + '\n';
  for (std::size_t i = 0; i < size; ++i) {
    const bool is_others = has_others && i + 1 == size;
    const auto name = is_others    ? fmt::format("({} others)", threads.size() - i)
                      : threads[i] ? replace_controls(name_of(process, *threads[i]))
                                   : std::string(kMergedThreads);
    std::vector<std::string> row{shorten(fmt::format("{} {}", i + 1, name), kThreadNameColumns)};
    for (std::size_t j = 0; j < size; ++j) {
      row.push_back(i == j && counts[i][j] == 0 ? "-" : fmt::format("{}", counts[i][j]));
    }
    text += format_row(columns, row) + '\n';
  }
  return text;
}

}  // namespace

std::string format_handoffs(const ProcessSummary& process, const TextStyle& style) {
  std::map<GilId, Handoffs> by_gil;
  for (const auto& pair : process.handoffs) by_gil[pair.gil].push_back(pair);
  std::vector<Matrix> gils;
  for (auto& [gil, handoffs] : by_gil) {
    auto matrix = make_matrix(std::move(handoffs));
    if (matrix.threads.size() >= kLeastThreads) gils.push_back(std::move(matrix));
  }
  sort_stably(gils, [](const auto& left, const auto& right) { return left.count > right.count; });
  std::string text;
  for (std::size_t i = 0; i < std::min(gils.size(), kMostGils); ++i) {
    if (i > 0) text += '\n';
    text += format_matrix(process, gils[i], style);
  }
  if (gils.size() > kMostGils) {
    text += fmt::format("({} more GILs, with fewer hand-offs: --json has them)\n", gils.size() - kMostGils);
  }
  return text;
}

}  // namespace gilscope

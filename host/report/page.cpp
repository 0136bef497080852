#include "report/page.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "analysis/user_code.h"
#include "report/blame_text.h"
#include "report/compare_parts.h"
#include "report/summary_report.h"
#include "report/worker_time_text.h"
#include "support/json_values.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

struct EmbeddedFile {
  std::string_view name;
  std::string_view text;
};

// Made by cmake/embed_text.py: the page, its style, and its scripts in the order of their names.
#include "page_files.inc"

// What the page has in the places of these.
constexpr std::string_view kStyle = "/* style */";
constexpr std::string_view kScript = "/* script */";
constexpr std::string_view kDocument = "{document}";

std::string_view text_of(std::string_view name) {
  return std::ranges::find(kFiles, name, &EmbeddedFile::name)->text;
}

void replace(std::string& page, std::string_view place, std::string_view text) {
  page.replace(page.find(place), place.size(), text);
}

// No "</script>" and no "<!--" of a name or a line ends the element that it lies in.
std::string escape(std::string_view json) {
  std::string text;
  text.reserve(json.size());
  for (const char character : json) {
    if (character == '<') {
      text += "\\u003c";
    } else {
      text += character;
    }
  }
  return text;
}

// Leaves the `most` heaviest of all lists, in their order. Returns how many are gone.
template <typename Item, typename Weight>
std::uint64_t keep_heaviest(const std::vector<std::vector<Item>*>& lists, std::size_t most, Weight weight) {
  std::vector<std::pair<std::size_t, std::size_t>> items;  // list, index
  for (std::size_t list = 0; list < lists.size(); ++list) {
    for (std::size_t index = 0; index < lists[list]->size(); ++index) items.emplace_back(list, index);
  }
  if (items.size() <= most) return 0;
  const auto heavier = [&](const auto& left, const auto& right) {
    const auto of = [&](const auto& item) { return std::invoke(weight, (*lists[item.first])[item.second]); };
    return std::pair(of(right), left) < std::pair(of(left), right);
  };
  std::ranges::nth_element(items, items.begin() + static_cast<std::ptrdiff_t>(most), heavier);
  const std::uint64_t lost = items.size() - most;
  items.resize(most);
  std::ranges::sort(items);
  std::vector<std::vector<Item>> kept(lists.size());
  for (const auto& [list, index] : items) kept[list].push_back(std::move((*lists[list])[index]));
  for (std::size_t list = 0; list < lists.size(); ++list) *lists[list] = std::move(kept[list]);
  return lost;
}

// About, as JSON.
std::size_t size_of(const CodePlace& place) { return place.file.size() + place.function.size() + 40; }

std::size_t size_of(const BlameRow& row) {
  std::size_t size = 250 + 40 * row.waiters.size();
  if (row.from) size += size_of(*row.from);
  if (row.to) size += size_of(*row.to);
  for (const auto& place : row.stack) size += size_of(place);
  return size;
}

std::vector<std::vector<BlameRow>*> blame_of(RunSummary& summary) {
  std::vector<std::vector<BlameRow>*> lists;
  for (auto& process : summary.processes) {
    if (process.blame) lists.push_back(&*process.blame);
  }
  return lists;
}

// How many of the heaviest rows have room.
std::size_t count_blame_rows(RunSummary& summary, std::size_t bytes) {
  std::vector<std::pair<Nanoseconds, std::size_t>> rows;
  for (const auto* list : blame_of(summary)) {
    for (const auto& row : *list) rows.emplace_back(-row.caused_wait_ns, size_of(row));
  }
  std::ranges::sort(rows);
  std::size_t count = 0;
  for (std::size_t sum = 0; count < rows.size(); ++count) {
    sum += rows[count].second;
    if (sum > bytes) break;
  }
  return count;
}

Nanoseconds held(const ProcessSummary& process) {
  return std::accumulate(process.gils.begin(), process.gils.end(), Nanoseconds{},
                         [](Nanoseconds sum, const GilFigures& gil) { return add(sum, gil.hold_ns); });
}

template <typename Item>
std::vector<std::vector<Item>*> lists_of(RunSummary& summary, std::vector<Item> ProcessSummary::* list) {
  std::vector<std::vector<Item>*> lists;
  for (auto& process : summary.processes) lists.push_back(&(process.*list));
  return lists;
}

// The files of library code in the stacks: of a line in it the page names the caller, as the text does.
std::set<std::string> find_libraries(const RunSummary& summary) {
  std::set<std::string> files;
  for (const auto& process : summary.processes) {
    if (!process.blame) continue;
    for (const auto& row : *process.blame) {
      for (const auto& place : row.stack) {
        if (is_library(place)) files.insert(place.file);
      }
    }
  }
  return files;
}

// A line each.
ordered_json notes_json(const Comparison& comparison) {
  constexpr std::size_t kAnyLength = 10'000;
  const auto text = format_notes(comparison, {.columns = kAnyLength});
  auto notes = ordered_json::array();
  for (const auto& line : split(text, '\n')) notes.push_back(line);
  return notes;
}

}  // namespace

std::string format_page(const ordered_json& document) {
  std::string script;
  for (const auto& file : kFiles) {
    if (file.name.ends_with(".js")) script += file.text;
  }
  std::string page(text_of("page.html"));
  replace(page, kStyle, text_of("page.css"));
  replace(page, kScript, script);
  // The last place: nothing is looked for in what the user wrote.
  replace(page, kDocument, escape(dump_json(document)));
  return page;
}

PageLosses cut_summary(RunSummary& summary, PageBounds bounds) {
  PageLosses losses;
  for (auto& process : summary.processes) {
    for (auto& thread : process.threads) thread.longest_waits.clear();  // not shown, and long
  }
  losses.processes = keep_heaviest<ProcessSummary>({&summary.processes}, bounds.processes, held);
  losses.threads = keep_heaviest(
      lists_of(summary, &ProcessSummary::threads), bounds.threads,
      [](const NamedThread& thread) { return add(thread.figures.hold_ns, thread.figures.wait_ns); });
  losses.handoffs =
      keep_heaviest(lists_of(summary, &ProcessSummary::handoffs), bounds.handoffs, &HandoffSnapshot::count);
  losses.blame_rows = keep_heaviest(
      blame_of(summary), std::min(bounds.blame_rows, count_blame_rows(summary, bounds.blame_bytes)),
      [](const BlameRow& row) { return row.caused_wait_ns; });
  return losses;
}

ordered_json summary_page(const RunSummary& summary, const SummaryContext& context, const PageLosses& losses,
                          ordered_json timeline, const SourceLines& sources) {
  auto lines = ordered_json::object();
  for (const auto& [file, numbers] : sources) {
    auto& of_file = lines[file] = ordered_json::object();
    for (const auto& [number, line] : numbers) of_file[std::to_string(number)] = line;
  }
  return {{"kind", "summary"},
          {"report", summary_json(summary, context)},
          {"advice", advise(summary)},
          {"probe", describe_probe(summary.probe)},
          {"left_out",
           {{"processes", losses.processes},
            {"threads", losses.threads},
            {"handoffs", losses.handoffs},
            {"blame_rows", losses.blame_rows}}},
          {"timeline", std::move(timeline)},
          {"sources", std::move(lines)},
          {"libraries", find_libraries(summary)}};
}

ordered_json compare_page(const std::vector<PythonComparison>& pythons) {
  const auto& first = pythons.front();
  auto names = ordered_json::array();
  auto notes = ordered_json::array();
  for (const auto& python : pythons) {
    names.push_back(name_python(python.context));
    notes.push_back(notes_json(python.comparison));
  }
  return {{"kind", "compare"},
          {"report",
           pythons.size() > 1 ? pythons_json(pythons) : comparison_json(first.comparison, first.context)},
          {"what", describe_tasks(first.context)},
          {"names", std::move(names)},
          {"notes", std::move(notes)},
          {"losses", list_lost_time(pythons)}};
}

ordered_json article_page(const ArticleMeasurements& measurements, const ArticleContext& context) {
  const auto claims = judge_article(measurements);
  auto measured = ordered_json::array();
  for (const auto& claim : claims) {
    auto& figures = measured.emplace_back(ordered_json::array());
    for (const auto& figure : claim.measured) figures.push_back(describe_figure(figure));
  }
  return {{"kind", "article"},
          {"report", article_json(measurements, context)},
          {"what", describe_article(context)},
          {"count", claims.empty() ? "" : describe_claims(claims)},
          {"measured", std::move(measured)}};
}

}  // namespace gilscope

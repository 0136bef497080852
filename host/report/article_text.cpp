// The article's report as people read it.
#include <algorithm>
#include <array>
#include <variant>

#include <fmt/ranges.h>

#include "report/article_report.h"
#include "report/table.h"

namespace gilscope {
namespace {

constexpr std::size_t kLabelColumns = 14;

constexpr std::array kProgramColumns{
    Column{"program", 22, Align::Left},    Column{"time", 9, Align::Right},
    Column{"processes", 10, Align::Right}, Column{"threads", 8, Align::Right},
    Column{"holds", 10, Align::Right},     Column{"GIL held", 9, Align::Right},
    Column{"waited for", 11, Align::Right}};

constexpr std::array kSecondsColumns{Column{"both counts", 16, Align::Left},
                                     Column{"the article", 12, Align::Right},
                                     Column{"ratio", 6, Align::Right}, Column{"here", 10, Align::Right},
                                     Column{"ratio (95 %)", 18, Align::Right}};

constexpr std::array kExchangeColumns{Column{"through", 22, Align::Left}, Column{"between", 16, Align::Left},
                                      Column{"message", 10, Align::Right},
                                      Column{"latency", 10, Align::Right},
                                      Column{"throughput", 14, Align::Right}};

constexpr std::array kFlavourColumns{
    Column{"interpreter", 22, Align::Left}, Column{"version", 20, Align::Left},
    Column{"sequential", 10, Align::Right}, Column{"threads", 9, Align::Right},
    Column{"ratio", 6, Align::Right},       Column{"GIL", 11, Align::Right}};

template <std::size_t Size>
void add_row(std::string& text, const std::array<Column, Size>& columns,
             const std::array<std::string, Size>& row) {
  text += format_row(columns, row) + '\n';
}

template <std::size_t Size>
void add_titles(std::string& text, const std::array<Column, Size>& columns, std::string_view title,
                const TextStyle& style) {
  text += fmt::format("\n{}\n", title);
  text += paint(format_titles(columns), "1", style.colour) + '\n';
}

// Keeps what it stands for in one line, and is printed as a blank.
constexpr std::string_view kNoBreak = "\u00A0";

std::string replace_all(std::string_view text, std::string_view from, std::string_view to) {
  std::string replaced;
  for (auto at = text.find(from); at != std::string_view::npos; at = text.find(from)) {
    replaced.append(text.substr(0, at)).append(to);
    text.remove_prefix(at + from.size());
  }
  return replaced.append(text);
}

// "label       text, which goes on below itself".
void add_labelled(std::string& text, std::string_view label, const std::string& words,
                  const TextStyle& style) {
  const auto safe = replace_all(replace_controls(words), " ×", fmt::format("{}×", kNoBreak));
  const std::string indent(kLabelColumns, ' ');
  const std::size_t columns =
      style.columns > 2 * kLabelColumns ? style.columns - kLabelColumns : kLabelColumns;
  std::string begin = pad(label, kLabelColumns);
  for (const auto& line : wrap(safe, columns)) {
    text += begin + replace_all(line, kNoBreak, " ") + '\n';
    begin = indent;
  }
}

// "1.98 × (1.90–2.00)"; the unit with its blank.
std::string format_estimate(const Estimate& estimate, std::string_view unit = "") {
  if (!estimate.low || !estimate.high) return fmt::format("{:.2f}{}", estimate.median, unit);
  return fmt::format("{:.2f}{} ({:.2f}–{:.2f})", estimate.median, unit, *estimate.low, *estimate.high);
}

std::string format_number(double value, Unit unit) {
  switch (unit) {
    case Unit::Factor:
      return fmt::format("{:.2f} ×", value);
    case Unit::Share:
      return format_share(value);
    case Unit::Seconds:
      return format_duration(value * 1e9);
    case Unit::Bytes:
    case Unit::None:
      break;
  }
  return format_figure(value);
}

struct FormatValue {
  Unit unit;

  std::string operator()(std::uint64_t value) const {
    return unit == Unit::Bytes ? format_bytes(static_cast<double>(value)) : fmt::format("{}", value);
  }
  std::string operator()(double value) const { return format_number(value, unit); }
  std::string operator()(const Estimate& value) const { return format_estimate(value, " ×"); }
};

std::string_view colour_of(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::Holds:
      return "32";
    case ClaimVerdict::DoesNotHold:
      return "31";
    case ClaimVerdict::NotTestableHere:
      break;
  }
  return "33";
}

void add_claim(std::string& text, const Claim& claim, const TextStyle& style) {
  text += '\n';
  add_labelled(text, fmt::format("{:2}. says", claim.id), std::string(claim.article_says), style);
  std::vector<std::string> figures;
  for (const auto& figure : claim.measured) figures.push_back(describe_figure(figure));
  if (!figures.empty()) {
    add_labelled(text, "    measured", fmt::format("{}", fmt::join(figures, ", ")), style);
  }
  std::string verdict;
  add_labelled(verdict, "    verdict", fmt::format("{}: {}", name_of(claim.verdict), claim.reason), style);
  // Painted once it is wrapped: the codes take no columns.
  const auto name = name_of(claim.verdict);
  verdict.replace(kLabelColumns, name.size(), paint(name, colour_of(claim.verdict), style.colour));
  text += verdict;
}

void add_programs(std::string& text, const ArticleMeasurements& measurements, const TextStyle& style) {
  if (measurements.programs.empty()) return;
  add_titles(text, kProgramColumns,
             "The programs, each run once, with every event of their GILs recorded:", style);
  std::vector<std::string> failures;
  for (const auto& [name, run] : measurements.programs) {
    if (!run.value) {
      failures.push_back(fmt::format("{}: {}", name, run.reason));
      continue;
    }
    const std::string unknown(kUnknown);
    std::array<std::string, kProgramColumns.size()> row{
        name, format_duration(run.value->wall), unknown, unknown, unknown, unknown, unknown};
    if (run.value->summary && !run.value->summary->processes.empty()) {
      std::size_t threads = 0;
      std::uint64_t holds = 0;
      double held = 0;
      for (const auto& process : run.value->summary->processes) {
        threads += process.threads.size();
        for (const auto& gil : process.gils) {
          holds += gil.holds;
          held = std::max(held, gil.hold_share.value_or(0));
        }
      }
      row[2] = fmt::format("{}", run.value->summary->processes.size());
      row[3] = fmt::format("{}", threads);
      row[4] = fmt::format("{}", holds);
      row[5] = format_share(held);
      if (const auto waited = run.value->summary->verdict.wait_share) row[6] = format_share(*waited);
    }
    add_row(text, kProgramColumns, row);
  }
  for (const auto& failure : failures) add_labelled(text, "failed:", failure, style);
}

void add_seconds(std::string& text, const ArticleMeasurements& measurements, const TextStyle& style) {
  const auto rows = compare_seconds(measurements);
  if (rows.empty()) return;
  add_titles(text, kSecondsColumns, "The article's seconds beside ours:", style);
  for (const auto& row : rows) {
    add_row(text, kSecondsColumns,
            {std::string(name_of(row.mode)), fmt::format("{:.2f} s", row.article_s),
             fmt::format("{:.2f}", row.article_s / kArticleSequentialS), format_duration(row.here_s * 1e9),
             row.mode == Mode::Sequential ? "1.00" : format_estimate(row.here_ratio)});
  }
}

void add_exchange(std::string& text, const Measured<std::vector<ExchangeRow>>& exchange,
                  const TextStyle& style) {
  if (!exchange.value) return;
  add_titles(text, kExchangeColumns, "What passing bytes costs (claim 7):", style);
  std::string missing;
  for (const auto& row : *exchange.value) {
    if (!row.latency || !row.bytes_per_s) {
      add_labelled(missing, "not here:", fmt::format("{}: {}", row.way, row.reason), style);
      continue;
    }
    add_row(text, kExchangeColumns,
            {row.way, row.between, format_bytes(static_cast<double>(row.bytes)),
             format_duration(*row.latency), format_bytes(*row.bytes_per_s) + "/s"});
  }
  text += missing;
}

void add_flavours(std::string& text, const Measured<std::vector<FlavourRow>>& flavours,
                  const TextStyle& style) {
  if (!flavours.value) return;
  add_titles(
      text, kFlavourColumns,
      "The counts under every Python found, one after the other and in two threads (claim 11):", style);
  std::string missing;
  for (const auto& row : *flavours.value) {
    if (row.status != "ok" || !row.sequential_s || !row.threads_s || !row.ratio) {
      add_labelled(missing, "not here:", fmt::format("{}: {}", row.name, row.reason), style);
      continue;
    }
    const auto* gil = !row.has_gil ? "cannot tell" : *row.has_gil ? "yes" : "no";
    // Both are what the interpreter says of itself.
    add_row(text, kFlavourColumns,
            {shorten(replace_controls(row.name), kFlavourColumns[0].columns),
             shorten(replace_controls(row.version), kFlavourColumns[1].columns),
             format_duration(*row.sequential_s * 1e9), format_duration(*row.threads_s * 1e9),
             fmt::format("{:.2f}", *row.ratio), gil});
  }
  text += missing;
}

}  // namespace

std::string describe_figure(const Figure& figure) {
  auto name = figure.name;
  std::ranges::replace(name, '_', ' ');
  const auto text = fmt::format("{} {}", name, std::visit(FormatValue{figure.unit}, figure.value));
  return replace_all(text, " ", kNoBreak);
}

std::string describe_article(const ArticleContext& context) {
  return fmt::format(
      "The article under CPython {}, {} usable: counts of {}, waits × {:g}{}; {} of each comparison{}.",
      context.python.at("version").get<std::string>(),
      count_of(context.machine.at("usable_cpus").get<std::uint64_t>(), "CPU"),
      fmt::group_digits(context.iterations), context.scale,
      context.is_full ? "" : " (--full: the article's own)", count_of(context.rounds, "round"),
      context.is_complete ? "" : ", had it not been interrupted");
}

std::string describe_claims(const std::vector<Claim>& claims) {
  const auto count = [&](ClaimVerdict verdict) {
    return std::ranges::count(claims, verdict, &Claim::verdict);
  };
  const auto verb = [](auto number, const char* one, const char* more) {
    return fmt::format("{} {}", number, number == 1 ? one : more);
  };
  return fmt::format("{}: {}, {}, {} be tested here.", count_of(claims.size(), "claim"),
                     verb(count(ClaimVerdict::Holds), "holds", "hold"),
                     verb(count(ClaimVerdict::DoesNotHold), "does not", "do not"),
                     fmt::format("{} cannot", count(ClaimVerdict::NotTestableHere)));
}

std::string format_article(const ArticleMeasurements& measurements, const ArticleContext& context,
                           const TextStyle& style) {
  std::string text;
  append_wrapped(text, describe_article(context), style);
  add_programs(text, measurements, style);
  const auto claims = judge_article(measurements);
  for (const auto& claim : claims) add_claim(text, claim, style);
  add_seconds(text, measurements, style);
  add_exchange(text, measurements.exchange, style);
  add_flavours(text, measurements.flavours, style);
  if (!claims.empty()) text += '\n' + describe_claims(claims) + '\n';
  return text;
}

}  // namespace gilscope

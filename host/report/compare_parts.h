// What the table of one Python and that of several have in common.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "report/compare_report.h"

namespace gilscope {

inline constexpr std::size_t kModeColumns = 15;
inline constexpr std::size_t kGilKindColumns = 6;

// "0.98", "12.3", "1024".
[[nodiscard]] std::string format_ratio(double ratio);

// `figure` begins `text`, and its interval follows it in the same unit, with as many decimals as the figure
// has or, of an uncommonly wide one, as the column has room for: "1.23 s (1.20–1.30)".
[[nodiscard]] std::string with_interval(const std::string& text, double unit, const Estimate& estimate,
                                        std::size_t columns);

[[nodiscard]] std::string format_speedup(const ModeSummary& mode, std::size_t columns);

// Of a mode that has no figures: "failed", "timeout", "unavailable".
[[nodiscard]] std::string_view status_of(const ModeSummary& mode);

// The row of the best mode is green in all tables.
[[nodiscard]] std::string paint_row(const std::string& row, Mode mode, const Comparison& comparison,
                                    const TextStyle& style);

// A row without figures: the status, and why, over the rest of the line.
[[nodiscard]] std::string format_failed_row(const ModeSummary& mode, const TextStyle& style);

// Tracebacks and last words, the same ones of several modes once.
[[nodiscard]] std::string format_failures(const Comparison& comparison);

// The bound that one GIL sets, how processes were started, slow modules; "" for none of these.
[[nodiscard]] std::string format_notes(const Comparison& comparison, const TextStyle& style);

[[nodiscard]] std::string text_or_unknown(const nlohmann::ordered_json& json, const char* key);

// "app.py:parse × 2, 2 workers, 5 rounds".
[[nodiscard]] std::string describe_tasks(const CompareContext& context);

// "its own host", "timing only".
[[nodiscard]] std::string_view describe(Engine engine) noexcept;

// "CPython 3.13.5 free-threaded".
[[nodiscard]] std::string name_python(const CompareContext& context);

}  // namespace gilscope

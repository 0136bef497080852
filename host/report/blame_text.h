// Which lines made others wait, in words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/run_summary.h"
#include "report/text.h"

namespace gilscope {

// The spans that caused most, threads together; "" where nobody waited, or it was not recorded.
[[nodiscard]] std::string format_blame(const ProcessSummary& process, const TextStyle& style);

// The line to look at: of code that came with Python or was installed, the innermost of `stack` that did not.
// "": it is not known.
[[nodiscard]] std::string describe_line(const std::optional<CodePlace>& place,
                                        const std::vector<CodePlace>& stack);

// "parse (app.py:41)": what ran, where it is not known to have been that very line; "parse" where it has
// none.
[[nodiscard]] std::string describe_function(const CodePlace& place);

// "in re.Pattern.search", "probably freeing what handle held", "collecting garbage (generation 2)".
[[nodiscard]] std::string describe_work(const HeldWork& work);

// "worker-1", or "thread 4711" where nobody named it.
[[nodiscard]] std::string name_of(const ProcessSummary& process, ThreadId thread);

}  // namespace gilscope

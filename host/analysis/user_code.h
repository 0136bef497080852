// Whose code a stack is of: the user's, or what came with Python or was installed. Pure; from names alone.
#pragma once

#include <optional>
#include <vector>

#include "capture/code_stacks.h"
#include "support/library_file.h"

namespace gilscope {

// Code that came with Python, or was installed: its reader wants to know who called it.
[[nodiscard]] bool is_library(const CodePlace& place);

// The line to look at: of code of a library, or of no file (as dataclasses makes it), the innermost of
// `stack` that is in a file of the user's, if one is.
[[nodiscard]] const CodePlace& place_to_look_at(const CodePlace& place, const std::vector<CodePlace>& stack);

// Whether a stack is that of a callback or task of an asyncio loop, or of the loop itself.
[[nodiscard]] bool is_in_event_loop(const std::vector<CodePlace>& stack);

// What the loop runs: the outermost function of a task, or of a callback. Empty where no loop runs anything.
[[nodiscard]] std::optional<CodePlace> task_of(const std::vector<CodePlace>& stack);

// Whether a thread stands in what hands tasks to other threads (an executor, a queue), and in no task.
[[nodiscard]] bool is_handing_over(const std::vector<CodePlace>& stack);

}  // namespace gilscope

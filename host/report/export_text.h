// What the exports are made of: text that may be larger than memory, and names as other programs take them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "capture/code_stacks.h"
#include "probe/event.h"

namespace gilscope {

// Takes the text, part by part.
using TextSink = std::function<void(std::string_view)>;

// A JSON string. Names come from the script, and may be any bytes: what is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string quote_json(std::string_view text);

// "parse (/srv/app.py:41)".
[[nodiscard]] std::string describe_frame(const CodePlace& place);

// "process 4711", "process 4712 (fork)".
[[nodiscard]] std::string describe_process(std::int64_t pid, std::string_view start_method);

// The thread's name, or "thread 4711" where nobody named it.
[[nodiscard]] std::string describe_thread(ThreadId thread, std::string_view name);

}  // namespace gilscope

// What the exports are made of: text that may be larger than memory, and names as other programs take them.
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "capture/code_stacks.h"
#include "probe/event.h"

namespace gilscope {

// Takes the text, part by part.
using TextSink = std::function<void(std::string_view)>;

// Gathers text, and gives it to a sink in large parts.
class BufferedSink {
 public:
  explicit BufferedSink(TextSink sink) : sink_(std::move(sink)) {}

  template <typename... Values>
  void print(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
    if (text_.size() >= kFlushBytes) flush();
  }
  void append(std::string_view text) {
    text_.append(text.data(), text.data() + text.size());
    if (text_.size() >= kFlushBytes) flush();
  }
  void flush() {
    sink_({text_.data(), text_.size()});
    text_.clear();
  }

 private:
  static constexpr std::size_t kFlushBytes = std::size_t{1} << 18U;

  TextSink sink_;
  fmt::memory_buffer text_;
};

// A JSON string. Names come from the script, and may be any bytes: what is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string quote_json(std::string_view text);

// "parse (/srv/app.py:41)".
[[nodiscard]] std::string describe_frame(const CodePlace& place);

// "parser", or "spawn", "fork server", where nobody named the process: how it was started; "" of the first.
[[nodiscard]] std::string_view describe_origin(std::string_view name, std::string_view start_method);

// "process 4711", "process 4712 (parser)", "process 4713 (fork)".
[[nodiscard]] std::string describe_process(std::int64_t pid, std::string_view name,
                                           std::string_view start_method);

// Those that a recording has merged, as it had no room for each.
inline constexpr std::string_view kMergedThreads = "(further threads)";

// The thread's name, or "thread 4711" where nobody named it.
[[nodiscard]] std::string describe_thread(ThreadId thread, std::string_view name);

}  // namespace gilscope

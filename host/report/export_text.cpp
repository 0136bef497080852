#include "report/export_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "support/json_values.h"

namespace gilscope {

std::string quote_json(std::string_view text) { return dump_json(text); }

std::string describe_frame(const CodePlace& place) {
  if (place.line == 0) return fmt::format("{} ({})", place.function, place.file);
  return fmt::format("{} ({}:{})", place.function, place.file, place.line);
}

std::string describe_process(std::int64_t pid, std::string_view name, std::string_view start_method) {
  const auto known = name.empty() ? start_method : name;
  return known.empty() ? fmt::format("process {}", pid) : fmt::format("process {} ({})", pid, known);
}

std::string describe_thread(ThreadId thread, std::string_view name) {
  return name.empty() ? fmt::format("thread {}", static_cast<std::uint32_t>(thread)) : std::string(name);
}

}  // namespace gilscope

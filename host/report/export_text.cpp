#include "report/export_text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "analysis/process_record.h"
#include "support/json_values.h"

namespace gilscope {

std::string quote_json(std::string_view text) { return dump_json(text); }

std::string describe_frame(const CodePlace& place) {
  if (place.line == 0) return fmt::format("{} ({})", place.function, place.file);
  return fmt::format("{} ({}:{})", place.function, place.file, place.line);
}

std::string_view describe_origin(std::string_view name, std::string_view start_method) {
  if (!name.empty()) return name;
  return role_of_start_method(start_method) == ProcessRole::Server ? "fork server" : start_method;
}

std::string describe_process(std::int64_t pid, std::string_view name, std::string_view start_method) {
  const auto origin = describe_origin(name, start_method);
  return origin.empty() ? fmt::format("process {}", pid) : fmt::format("process {} ({})", pid, origin);
}

std::string describe_thread(ThreadId thread, std::string_view name) {
  return name.empty() ? fmt::format("thread {}", static_cast<std::uint32_t>(thread)) : std::string(name);
}

}  // namespace gilscope

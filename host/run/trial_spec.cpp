#include "run/trial_spec.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <numeric>
#include <unistd.h>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "support/error.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTaskHint = "a task is FILE.py, FILE.py:FUNCTION or MODULE:FUNCTION";

// ASCII letters, digits, '_', and any byte of a non-ASCII letter: Python itself decides about those.
bool is_identifier(std::string_view name) {
  const auto is_letter = [](unsigned char c) { return c == '_' || c >= 0x80 || std::isalpha(c) != 0; };
  return !name.empty() && is_letter(static_cast<unsigned char>(name.front())) &&
         std::ranges::all_of(name, [&](char c) {
           return is_letter(static_cast<unsigned char>(c)) ||
                  std::isdigit(static_cast<unsigned char>(c)) != 0;
         });
}

bool is_dotted_name(std::string_view text) {
  while (true) {
    const auto dot = text.find('.');
    if (!is_identifier(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// A spec travels as JSON, which knows no other encoding.
void require_utf8(const std::string& text) {
  try {
    (void)nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    throw Error(fmt::format("{}: not UTF-8", text), "name files, and give arguments, in UTF-8",
                ExitCode::Usage);
  }
}

std::string readable_file(const std::string& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (!fs::exists(status)) throw Error(fmt::format("no such file: {}", path), kTaskHint, ExitCode::Usage);
  if (fs::is_directory(status)) {
    throw Error(fmt::format("{} is a directory, not a Python file", path), kTaskHint, ExitCode::Usage);
  }
  if (!fs::is_regular_file(status)) {
    throw Error(fmt::format("{} is no regular file: every trial has to read it anew", path), kTaskHint,
                ExitCode::Usage);
  }
  if (access(path.c_str(), R_OK) != 0) {
    throw Error(fmt::format("{} cannot be read: permission denied", path), "", ExitCode::Usage);
  }
  return fs::absolute(path).lexically_normal().string();
}

}  // namespace

std::string_view name_of(Mode mode) noexcept {
  switch (mode) {
    case Mode::Sequential:
      return "sequential";
    case Mode::Threads:
      return "threads";
    case Mode::Subinterpreters:
      return "subinterpreters";
    case Mode::Processes:
      return "processes";
    case Mode::Asyncio:
      return "asyncio";
  }
  return "";
}

std::optional<Mode> mode_of(std::string_view name) noexcept {
  const auto* found = std::ranges::find(kModes, name, name_of);
  return found == kModes.end() ? std::nullopt : std::optional(*found);
}

Task parse_task(const std::string& text) {
  require_utf8(text);
  const auto colon = text.rfind(':');
  std::error_code ignored;
  // A file's own name may have a colon.
  if (colon == std::string::npos || fs::exists(text, ignored)) return {text, readable_file(text), "", ""};

  const auto where = text.substr(0, colon);
  const auto function = text.substr(colon + 1);
  if (!is_dotted_name(function)) {
    throw Error(fmt::format("{}: '{}' is no function's name", text, function), kTaskHint, ExitCode::Usage);
  }
  if (where.ends_with(".py") || where.find('/') != std::string::npos) {
    return {text, readable_file(where), "", function};
  }
  if (!is_dotted_name(where)) {
    throw Error(fmt::format("{}: '{}' is no module's name", text, where), kTaskHint, ExitCode::Usage);
  }
  return {text, "", where, function};
}

std::vector<std::size_t> jobs_of(const TrialSpec& spec) {
  if (spec.tasks.size() == 1) return std::vector<std::size_t>(spec.workers, 0);
  std::vector<std::size_t> jobs(spec.tasks.size());
  std::iota(jobs.begin(), jobs.end(), 0U);
  return jobs;
}

std::string to_json(const TrialSpec& spec) {
  for (const auto& argument : spec.arguments) require_utf8(argument);
  nlohmann::json tasks = nlohmann::json::array();
  for (const auto& task : spec.tasks) {
    tasks.push_back({{"file", task.file}, {"module", task.module}, {"function", task.function}});
  }
  const nlohmann::json json{{"mode", name_of(spec.mode)},
                            {"workers", spec.workers},
                            {"start_method", spec.start_method},
                            {"tasks", tasks},
                            {"jobs", jobs_of(spec)},
                            {"arguments", spec.arguments},
                            {"is_traced", spec.is_traced}};
  return json.dump();
}

}  // namespace gilscope

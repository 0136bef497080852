#include "embed/virtual_environment.h"

#include <fstream>

#include <fmt/core.h>

namespace gilscope {
namespace {

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r");
  const auto end = text.find_last_not_of(" \t\r");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

}  // namespace

std::optional<std::string> virtual_environment_version(const std::filesystem::path& folder) {
  std::ifstream file(folder / "pyvenv.cfg");
  for (std::string line; std::getline(file, line);) {
    const auto equals = line.find('=');
    if (equals == std::string::npos) continue;
    const auto key = trimmed(line.substr(0, equals));
    // `version` is venv's word, `version_info` virtualenv's and uv's.
    if (key != "version" && key != "version_info") continue;
    const auto value = trimmed(line.substr(equals + 1));
    const auto first_dot = value.find('.');
    if (first_dot == std::string::npos) return std::nullopt;
    const auto version = value.substr(0, value.find('.', first_dot + 1));
    std::error_code ignored;
    const bool is_free_threaded =
        std::filesystem::exists(folder / "lib" / ("python" + version + "t"), ignored);
    return is_free_threaded ? version + "t" : version;
  }
  return std::nullopt;
}

PythonEnvironment choose_environment(const EnvironmentVariables& variables, const std::string& version,
                                     const std::filesystem::path& built_with) {
  const auto folder = variables("VIRTUAL_ENV");
  if (!folder) return {built_with, ""};
  std::error_code ignored;
  const auto executable = std::filesystem::absolute(*folder, ignored).lexically_normal() / "bin" / "python";
  if (!std::filesystem::exists(executable, ignored)) {
    return {built_with, fmt::format("the virtual environment {} has no bin/python: not used", *folder)};
  }
  const auto its_version = virtual_environment_version(*folder);
  if (!its_version || *its_version != version) {
    return {built_with,
            fmt::format("the virtual environment {} is of Python {}, this gilscope embeds {}: not used",
                        *folder, its_version.value_or("(unknown)"), version)};
  }
  return {executable, ""};
}

}  // namespace gilscope

// Which Python environment (prefix, site-packages, sys.executable) the embedded interpreter takes on.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace gilscope {

struct PythonEnvironment {
  std::filesystem::path executable;  // what sys.executable will be
  std::string warning;  // why an active virtual environment is not used; "" where there is none to say
};

// environment_variable(), or a test's.
using EnvironmentVariables = std::function<std::optional<std::string>(const char* name)>;

// The active virtual environment's python where it is of version `version` ("3.13", "3.13t"), else
// `built_with`.
PythonEnvironment choose_environment(const EnvironmentVariables& variables, const std::string& version,
                                     const std::filesystem::path& built_with);

// The "major.minor" that a virtual environment says in its pyvenv.cfg, with "t" where its folders are those
// of a free-threaded build (whose modules are not for others, nor theirs for it); empty where it says none.
std::optional<std::string> virtual_environment_version(const std::filesystem::path& folder);

}  // namespace gilscope

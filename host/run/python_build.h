// What is known of the Python that runs the code: how it was built, how it is linked, how it is set. A plain
// type for everybody; no Python.h here, so that analysis and report know it without an interpreter.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "support/time.h"

namespace gilscope {

enum class Linkage { Static, Shared, Stock };  // Stock: an unchanged `python` runs us, nothing is embedded
enum class ReleaseLevel { Final, PreRelease };
enum class BuildType { Release, Debug };
enum class GilSetting { Always, Enabled, Disabled };  // Always: an ordinary build; else a free-threaded one's
enum class JitState { Absent, Disabled, Enabled, Unknown };

struct Optimisation {
  std::optional<bool> pgo;
  std::optional<bool> lto;
};

enum class EnvironmentUse { Used, Ignored };

// The active virtual environment: the one that Python runs in, or that VIRTUAL_ENV names.
struct VirtualEnvironment {
  std::string path;
  std::optional<std::string> python_version;  // of its pyvenv.cfg
  EnvironmentUse use = EnvironmentUse::Used;
};

struct PythonBuild {
  std::string version;  // "3.13.0", "3.15.0rc1"
  int major = 0;
  int minor = 0;
  ReleaseLevel release_level = ReleaseLevel::Final;
  std::string implementation;  // "CPython"
  std::string executable;
  std::string prefix;
  std::string base_prefix;
  Linkage linkage = Linkage::Stock;
  GilSetting gil = GilSetting::Always;
  BuildType build_type = BuildType::Release;
  JitState jit = JitState::Unknown;
  Optimisation optimisation;
  std::optional<std::string> config_args;
  std::optional<Nanoseconds> switch_interval;
  std::optional<VirtualEnvironment> virtual_environment;

  [[nodiscard]] bool is_free_threaded() const noexcept { return gil != GilSetting::Always; }
  [[nodiscard]] bool has_gil() const noexcept { return gil != GilSetting::Disabled; }
};

// Asks the interpreter of this process; needs one.
[[nodiscard]] PythonBuild describe_python(Linkage linkage);

// What the build says of its optimisation, by its configure options and by its compiler and linker flags.
// Absent from both means no, but not for a distribution's package (below /usr): Debian's is built with PGO
// and LTO by rules that neither shows. That is unknown.
[[nodiscard]] Optimisation find_optimisation(const std::optional<std::string>& config_args,
                                             std::string_view compile_flags, std::string_view base_prefix);

// `facts` is the JSON of describe_python.py's facts(). Throws Error where it is not.
[[nodiscard]] PythonBuild parse_python_build(std::string_view facts, Linkage linkage);

[[nodiscard]] std::string_view to_string(Linkage linkage);

}  // namespace gilscope

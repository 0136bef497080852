#include "run/python_build.h"

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/error.h"

namespace gilscope {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

// Words of a shell command line; quotes group and vanish, as in "'CC=gcc -m64' '--with-lto'".
Words split_words(std::string_view text) {
  Words words;
  std::string word;
  char quote = 0;
  bool in_word = false;
  for (const char c : text) {
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      in_word = true;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

bool is_option(std::string_view word, std::string_view option) {
  return word.starts_with(option) && (word.size() == option.size() || word[option.size()] == '=');
}

// The last mention of a configure option or compiler flag decides, as it does for those who read them.
std::optional<bool> find_option(const Words& words, std::string_view on, std::string_view off) {
  std::optional<bool> found;
  for (const std::string& word : words) {
    if (is_option(word, on)) found = !word.ends_with("=no");
    if (is_option(word, off)) found = false;
  }
  return found;
}

std::optional<bool> find_pgo_flag(const Words& flags) {
  const bool found = std::ranges::any_of(flags, [](const std::string& flag) {
    return is_option(flag, "-fprofile-use") || is_option(flag, "-fprofile-instr-use");
  });
  return found ? std::optional(true) : std::nullopt;
}

template <typename Enum>
Enum pick(const Json& name, std::initializer_list<std::pair<const char*, Enum>> names, Enum otherwise) {
  for (const auto& [candidate, value] : names) {
    if (name == candidate) return value;
  }
  return otherwise;
}

std::optional<std::string> text_or_nothing(const Json& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
}

std::optional<VirtualEnvironment> parse_virtual_environment(const Json& facts) {
  if (facts.is_null()) return std::nullopt;
  return VirtualEnvironment{
      .path = facts.at("path").get<std::string>(),
      .python_version = text_or_nothing(facts.at("python_version")),
      .use = facts.at("used").get<bool>() ? EnvironmentUse::Used : EnvironmentUse::Ignored};
}

GilSetting parse_gil_state(const Json& facts) {
  if (!facts.at("free_threaded").get<bool>()) return GilSetting::Always;
  return facts.at("gil_enabled").get<bool>() ? GilSetting::Enabled : GilSetting::Disabled;
}

PythonBuild parse_facts(const Json& facts, Linkage linkage) {
  PythonBuild build;
  build.version = facts.at("version").get<std::string>();
  build.major = facts.at("major").get<int>();
  build.minor = facts.at("minor").get<int>();
  build.release_level =
      pick(facts.at("release_level"), {{"final", ReleaseLevel::Final}}, ReleaseLevel::PreRelease);
  build.implementation = facts.at("implementation").get<std::string>();
  build.executable = facts.at("executable").get<std::string>();
  build.prefix = facts.at("prefix").get<std::string>();
  build.base_prefix = facts.at("base_prefix").get<std::string>();
  build.linkage = linkage;
  build.gil = parse_gil_state(facts);
  build.build_type = facts.at("debug").get<bool>() ? BuildType::Debug : BuildType::Release;
  build.jit =
      pick(facts.at("jit"),
           {{"absent", JitState::Absent}, {"disabled", JitState::Disabled}, {"enabled", JitState::Enabled}},
           JitState::Unknown);
  build.config_args = text_or_nothing(facts.at("config_args"));
  build.optimisation =
      find_optimisation(build.config_args, facts.at("compile_flags").get<std::string>(), build.base_prefix);
  const std::chrono::duration<double> switch_interval(facts.at("switch_interval_s").get<double>());
  build.switch_interval = std::chrono::round<Nanoseconds>(switch_interval);
  build.virtual_environment = parse_virtual_environment(facts.at("virtual_environment"));
  return build;
}

}  // namespace

Optimisation find_optimisation(const std::optional<std::string>& config_args, std::string_view compile_flags,
                               std::string_view base_prefix) {
  const Words flags = split_words(compile_flags);
  const Words options = split_words(config_args.value_or(""));
  const std::optional<bool> unmentioned =
      config_args && base_prefix != "/usr" ? std::optional(false) : std::nullopt;
  const auto decide = [&](std::optional<bool> flag, std::optional<bool> option) {
    if (flag.value_or(false) || option.value_or(false)) return std::optional(true);
    return flag || option ? std::optional(false) : unmentioned;
  };
  return {.pgo = decide(find_pgo_flag(flags),
                        find_option(options, "--enable-optimizations", "--disable-optimizations")),
          .lto = decide(find_option(flags, "-flto", "-fno-lto"),
                        find_option(options, "--with-lto", "--without-lto"))};
}

PythonBuild parse_python_build(std::string_view facts, Linkage linkage) {
  try {
    return parse_facts(Json::parse(facts), linkage);
  } catch (const Json::exception& error) {
    throw Error(std::string("Python's description of itself cannot be read: ") + error.what(),
                "This is a fault of gilscope; please report it with the version of Python.");
  }
}

std::string_view to_string(Linkage linkage) {
  switch (linkage) {
    case Linkage::Static:
      return "static";
    case Linkage::Shared:
      return "shared";
    case Linkage::Stock:
      break;
  }
  return "stock";
}

}  // namespace gilscope

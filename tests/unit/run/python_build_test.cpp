#include "run/python_build.h"

#include <optional>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "support/error.h"

namespace gilscope {
namespace {

constexpr const char* kFacts = R"({
  "version": "3.13.0", "major": 3, "minor": 13, "release_level": "final", "implementation": "CPython",
  "executable": "/v/bin/python", "prefix": "/v", "base_prefix": "/opt/py", "free_threaded": true,
  "gil_enabled": false, "debug": false, "jit": "disabled", "config_args": "'--with-lto'", "compile_flags": "-O3",
  "switch_interval_s": 0.005,
  "virtual_environment": {"path": "/v", "python_version": "3.13.0", "used": true}
})";

TEST(PythonBuild, is_read_from_what_the_interpreter_says) {
  const PythonBuild build = parse_python_build(kFacts, Linkage::Shared);
  EXPECT_EQ(build.version, "3.13.0");
  EXPECT_EQ(build.minor, 13);
  EXPECT_EQ(build.release_level, ReleaseLevel::Final);
  EXPECT_EQ(build.linkage, Linkage::Shared);
  EXPECT_TRUE(build.is_free_threaded());
  EXPECT_FALSE(build.has_gil());
  EXPECT_EQ(build.build_type, BuildType::Release);
  EXPECT_EQ(build.jit, JitState::Disabled);
  EXPECT_EQ(build.optimisation.pgo, false);
  EXPECT_EQ(build.optimisation.lto, true);
  EXPECT_EQ(build.switch_interval, std::chrono::milliseconds(5));
  ASSERT_TRUE(build.virtual_environment);
  EXPECT_EQ(build.virtual_environment->use, EnvironmentUse::Used);
}

TEST(PythonBuild, that_cannot_be_read_is_an_error_and_no_crash) {
  for (const char* facts : {"", "{", "[]", "null", "{}", R"({"version": 3})"}) {
    EXPECT_THROW((void)parse_python_build(facts, Linkage::Static), Error) << facts;
  }
}

struct BuildFlags {
  std::optional<std::string> config_args;
  std::string flags;
  std::string prefix;
  std::optional<bool> pgo;
  std::optional<bool> lto;
};

// Else the names of the tests have the bytes of its pointers.
void PrintTo(const BuildFlags& build, std::ostream* out) {
  *out << build.config_args.value_or("-") << " | " << build.flags << " | " << build.prefix;
}

class OptimisationOfABuild : public testing::TestWithParam<BuildFlags> {};

TEST_P(OptimisationOfABuild, is_told_by_options_and_flags) {
  const auto& [config_args, flags, prefix, pgo, lto] = GetParam();
  const Optimisation found = find_optimisation(config_args, flags, prefix);
  EXPECT_EQ(found.pgo, pgo) << config_args.value_or("-") << " | " << flags;
  EXPECT_EQ(found.lto, lto) << config_args.value_or("-") << " | " << flags;
}

INSTANTIATE_TEST_SUITE_P(
    Builds, OptimisationOfABuild,
    testing::Values(
        BuildFlags{"'--enable-optimizations' '--with-lto'", "-O3", "/usr/local", true, true},
        BuildFlags{"'--enable-optimizations=yes' '--with-lto=thin'", "-O3", "/usr/local", true, true},
        BuildFlags{"'--enable-optimizations=no' '--without-lto'", "-O3", "/usr", false, false},
        BuildFlags{"'--enable-shared' 'CFLAGS=--with-lto'", "-O3", "/opt/py", false, false},
        BuildFlags{"'--with-lto-plugin'", "-O3 -fltofoo", "/opt/py", false, false},
        BuildFlags{"", "-O2 -fprofile-use -fprofile-correction -flto=auto", "/usr", true, true},
        BuildFlags{"", "-fprofile-instr-use=code.profclangd -flto=thin", "/opt/py", true, true},
        BuildFlags{"", "-flto -fno-lto", "/usr", std::nullopt, false},
        // Debian 12's python3: optimised by debian/rules, which shows in neither.
        BuildFlags{"'--enable-shared' '--prefix=/usr'", "-g -fwrapv -O2", "/usr", std::nullopt, std::nullopt},
        BuildFlags{std::nullopt, "", "/opt/py", std::nullopt, std::nullopt}));

}  // namespace
}  // namespace gilscope

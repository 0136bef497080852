#include "analysis/findings.h"

#include <algorithm>
#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doctor_facts.h"

namespace gilscope {
namespace {

using std::chrono::microseconds;
using testing::HasSubstr;
using testing::Not;

Finding find(const DoctorFacts& facts, const std::string& name) {
  for (const Finding& finding : diagnose(facts)) {
    if (finding.name == name) return finding;
  }
  ADD_FAILURE() << "no finding " << name;
  return {};
}

class Findings : public testing::Test {
 protected:
  [[nodiscard]] Finding find(const std::string& name) const { return gilscope::find(facts, name); }
  [[nodiscard]] Status status(const std::string& name) const { return find(name).status; }
  void use_version(int minor, const std::string& version) {
    facts.python.minor = minor;
    facts.python.version = version;
  }

  DoctorFacts facts =
      test::sound_facts();  // NOLINT(cppcoreguidelines-non-private-member-variables-in-classes)
};

TEST_F(Findings, a_sound_machine_and_python_have_none_that_is_not_ok) {
  for (const Finding& finding : diagnose(facts)) {
    EXPECT_EQ(finding.status, Status::Ok) << finding.name << ": " << finding.text;
    EXPECT_NE(finding.text, "") << finding.name;
    EXPECT_EQ(finding.hint, "") << finding.name;
  }
  EXPECT_EQ(worst_status(diagnose(facts)), Status::Ok);
}

TEST_F(Findings, have_names_of_their_own) {
  std::set<std::string> names;
  for (const Finding& finding : diagnose(facts))
    EXPECT_TRUE(names.insert(finding.name).second) << finding.name;
}

TEST_F(Findings, that_are_not_ok_all_say_what_to_do_and_what_they_spoil) {
  facts.machine = {};
  facts.machine.stolen_share = 0.5;
  facts.machine.load_average = 9;
  facts.machine.cpus = 2;
  facts.probe = ProbeCheck{.refusal = "no such GIL", .refusal_hint = "report it"};
  facts.python = {};
  facts.python.linkage = Linkage::Shared;
  facts.python.gil = GilSetting::Enabled;
  facts.python.build_type = BuildType::Debug;
  facts.python.optimisation = {.pgo = false, .lto = false};
  facts.python.switch_interval = microseconds(50);
  facts.python.virtual_environment = {
      .path = "/v", .python_version = "3.9.1", .use = EnvironmentUse::Ignored};
  for (const Finding& finding : diagnose(facts)) {
    EXPECT_NE(finding.status, Status::Ok) << finding.name;
    EXPECT_NE(finding.hint, "") << finding.name;
    EXPECT_NE(finding.effect, Effect::None) << finding.name;
  }
  EXPECT_EQ(worst_status(diagnose(facts)), Status::Problem);
}

TEST_F(Findings, unknowns_are_called_unknown_and_never_zero) {
  facts.machine = {};
  facts.python.switch_interval.reset();
  facts.python.optimisation = {};
  for (const char* name : {"cores", "stolen_time", "load", "switch_interval", "optimisation", "clock"}) {
    EXPECT_THAT(find(name).text, HasSubstr("unknown")) << name;
    EXPECT_THAT(find(name).text, Not(HasSubstr("0"))) << name;
  }
}

TEST_F(Findings, a_probe_that_misses_one_event_is_a_problem) {
  facts.probe = ProbeCheck{.pairs = 100, .seen_releases = 100, .seen_acquires = 100};
  EXPECT_EQ(worst_status(diagnose(facts)), Status::Ok);
  facts.probe->seen_acquires = 99;
  EXPECT_EQ(worst_status(diagnose(facts)), Status::Problem);
  facts.probe->seen_acquires = 100;
  facts.probe->violations = 1;
  EXPECT_EQ(worst_status(diagnose(facts)), Status::Problem);
}

TEST_F(Findings, only_cpython_3_11_to_3_15_is_supported) {
  for (const int minor : {11, 12, 13, 14, 15}) {
    facts.python.minor = minor;
    EXPECT_EQ(status("python"), Status::Ok) << minor;
  }
  for (const int minor : {10, 16}) {
    facts.python.minor = minor;
    EXPECT_EQ(status("python"), Status::Problem) << minor;
  }
  facts.python.minor = 11;
  facts.python.implementation = "pypy";
  EXPECT_EQ(status("python"), Status::Problem);
}

TEST_F(Findings, a_pre_release_is_a_warning) {
  use_version(15, "3.15.0rc1");
  facts.python.release_level = ReleaseLevel::PreRelease;
  EXPECT_EQ(status("python"), Status::Warning);
}

TEST_F(Findings, a_shared_libpython_costs_absolute_time) {
  facts.python.linkage = Linkage::Shared;
  EXPECT_EQ(find("libpython").effect, Effect::AbsoluteTimes);
  EXPECT_THAT(find("libpython").hint, HasSubstr("libpython3.13.a"));
  facts.python.linkage = Linkage::Stock;
  EXPECT_EQ(status("libpython"), Status::Ok);
}

TEST_F(Findings, a_build_without_pgo_or_lto_is_a_warning_and_an_unknown_one_is_not) {
  facts.python.optimisation = {.pgo = false, .lto = false};
  EXPECT_EQ(status("optimisation"), Status::Warning);
  EXPECT_THAT(find("optimisation").text, HasSubstr("no PGO, no LTO"));
  facts.python.optimisation = {.pgo = true, .lto = false};
  EXPECT_EQ(status("optimisation"), Status::Warning);
  facts.python.optimisation = {.pgo = std::nullopt, .lto = true};
  EXPECT_EQ(status("optimisation"), Status::Ok);
  EXPECT_THAT(find("optimisation").text, HasSubstr("PGO unknown, LTO"));
}

TEST_F(Findings, a_debug_build_is_a_problem) {
  facts.python.build_type = BuildType::Debug;
  EXPECT_EQ(status("debug_build"), Status::Problem);
}

TEST_F(Findings, a_free_threaded_build_has_no_gil_to_trace_unless_it_is_on) {
  facts.python.gil = GilSetting::Disabled;
  EXPECT_EQ(find("gil").effect, Effect::GilFigures);
  EXPECT_THAT(find("gil").text, HasSubstr("no GIL to trace"));
  facts.python.gil = GilSetting::Enabled;
  EXPECT_EQ(status("gil"), Status::Warning);
  EXPECT_THAT(find("gil").text, HasSubstr("on, in a free-threaded build"));
}

TEST_F(Findings, sub_interpreters_share_the_gil_in_3_11_only) {
  use_version(11, "3.11.7");
  EXPECT_EQ(find("subinterpreters").effect, Effect::SubInterpreters);
  use_version(12, "3.12.1");
  EXPECT_EQ(status("subinterpreters"), Status::Ok);
}

TEST_F(Findings, another_switch_interval_than_the_default_is_named) {
  facts.python.switch_interval = microseconds(500);
  EXPECT_EQ(status("switch_interval"), Status::Warning);
  EXPECT_THAT(find("switch_interval").text, HasSubstr("0.5 ms, not the default 5 ms"));
}

TEST_F(Findings, one_usable_core_is_a_problem_whether_by_affinity_or_by_quota) {
  facts.machine.allowed_cpus = 1;
  facts.machine.usable_cpus = 1;
  EXPECT_EQ(status("cores"), Status::Problem);
  EXPECT_THAT(find("cores").hint, HasSubstr("taskset"));
  facts.machine.allowed_cpus = 8;
  facts.machine.cpu_quota = 0.5;
  facts.machine.usable_cpus = 0.5;
  EXPECT_EQ(status("cores"), Status::Problem);
  EXPECT_THAT(find("cores").text, HasSubstr("quota grants 0.5"));
  EXPECT_THAT(find("cores").hint, HasSubstr("quota"));
}

TEST_F(Findings, a_quota_below_the_cores_makes_figures_vary) {
  facts.machine.cpu_quota = 2.5;
  facts.machine.usable_cpus = 2.5;
  EXPECT_EQ(find("cores").effect, Effect::Steadiness);
  EXPECT_THAT(find("cores").text, HasSubstr("8 of 8 usable, a CPU quota grants 2.5"));
}

TEST_F(Findings, an_affinity_or_a_quota_that_leaves_enough_is_ok) {
  facts.machine.allowed_cpus = 2;
  facts.machine.usable_cpus = 2;
  facts.machine.cpu_quota = 4;
  EXPECT_EQ(status("cores"), Status::Ok);
  EXPECT_EQ(find("cores").text, "2 of 8 usable");
}

TEST_F(Findings, an_unknown_quota_is_said) {
  facts.machine.cpu_quota.reset();
  EXPECT_EQ(status("cores"), Status::Ok);
  EXPECT_THAT(find("cores").text, HasSubstr("quota is unknown"));
}

TEST_F(Findings, stolen_time_warns_above_one_percent_and_is_a_problem_above_ten) {
  facts.machine.stolen_share = 0.01;
  EXPECT_EQ(status("stolen_time"), Status::Ok);
  facts.machine.stolen_share = 0.011;
  EXPECT_EQ(status("stolen_time"), Status::Warning);
  facts.machine.stolen_share = 0.11;
  EXPECT_EQ(status("stolen_time"), Status::Problem);
}

TEST_F(Findings, a_load_above_half_of_the_cores_is_a_busy_machine) {
  facts.machine.load_average = 4.0;
  EXPECT_EQ(status("load"), Status::Ok);
  facts.machine.load_average = 4.01;
  EXPECT_EQ(status("load"), Status::Warning);
}

TEST_F(Findings, a_clock_other_than_the_tsc_is_a_warning_that_names_it) {
  facts.machine.clock = {.kind = ClockKind::Monotonic, .kernel_source = "kvm-clock", .step = {}};
  EXPECT_EQ(status("clock"), Status::Warning);
  EXPECT_THAT(find("clock").text, HasSubstr("kvm-clock"));
}

TEST_F(Findings, a_virtual_environment_in_use_is_ok_and_an_ignored_or_foreign_one_is_not) {
  facts.python.virtual_environment = {.path = "/v", .python_version = "3.13.0", .use = EnvironmentUse::Used};
  EXPECT_EQ(status("virtual_environment"), Status::Ok);
  facts.python.virtual_environment->python_version.reset();
  EXPECT_EQ(status("virtual_environment"), Status::Ok);
  facts.python.virtual_environment->python_version = "3.13";
  EXPECT_EQ(status("virtual_environment"), Status::Ok);
  facts.python.virtual_environment->use = EnvironmentUse::Ignored;
  EXPECT_THAT(find("virtual_environment").text, HasSubstr("does not run in it"));
  EXPECT_EQ(status("virtual_environment"), Status::Warning);
  facts.python.virtual_environment->python_version = "3.1.3";
  EXPECT_THAT(find("virtual_environment").text, HasSubstr("is of Python 3.1.3, this is 3.13.0"));
}

}  // namespace
}  // namespace gilscope

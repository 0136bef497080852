#include "report/doctor_report.h"

#include <algorithm>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "doctor_facts.h"
#include "golden.h"
#include "report/lines.h"

namespace gilscope {
namespace {

using test::longest_line;

using testing::HasSubstr;
using testing::Not;

// A container with a quota, and a self-built shared Python in a virtual environment of another version.
DoctorFacts limited_facts() {
  DoctorFacts facts = test::sound_facts();
  facts.machine.allowed_cpus = 4;
  facts.machine.cpu_quota = 1.5;
  facts.machine.usable_cpus = 1.5;
  facts.machine.stolen_share = 0.25;
  facts.machine.memory.reset();
  facts.machine.clock = {.kind = ClockKind::Monotonic, .kernel_source = "kvm-clock", .step = {}};
  facts.python.linkage = Linkage::Shared;
  facts.python.config_args = "'--enable-shared'";
  facts.python.optimisation = {.pgo = false, .lto = std::nullopt};
  facts.python.virtual_environment = {
      .path = "/home/zoë/müsli project/with a very long path/that/goes/on/and/on/.venv",
      .python_version = "3.11.2",
      .use = EnvironmentUse::Ignored};
  return facts;
}

std::string report(const DoctorFacts& facts, const TextStyle& style = {}) {
  return format_doctor_report(facts, diagnose(facts), style);
}

TEST(DoctorReport, looks_as_it_did) { test::expect_golden("doctor.txt", report(limited_facts())); }

TEST(DoctorReport, has_the_json_it_had) {
  const DoctorFacts facts = limited_facts();
  test::expect_golden("doctor.json", doctor_json(facts, diagnose(facts)).dump(2) + "\n");
}

TEST(DoctorReport, never_exceeds_its_columns_even_with_a_word_that_is_longer) {
  DoctorFacts facts = limited_facts();
  facts.python.executable = "/" + std::string(300, 'x');
  facts.machine.model = std::string(150, 'y');
  EXPECT_LE(longest_line(report(facts)), 100U);
  EXPECT_LE(longest_line(report(facts, {.columns = 72})), 72U);
}

TEST(DoctorReport, has_no_escape_sequences_unless_colour_is_asked_for) {
  EXPECT_THAT(report(limited_facts()), Not(HasSubstr("\x1b")));
  const std::string coloured = report(limited_facts(), {.colour = Colour::On});
  EXPECT_THAT(coloured, HasSubstr("\x1b[32mok     \x1b[0m"));
  EXPECT_THAT(coloured, HasSubstr("\x1b[33mwarning\x1b[0m"));
  EXPECT_THAT(coloured, HasSubstr("\x1b[1;31mproblem\x1b[0m"));
}

TEST(DoctorReport, lets_no_control_character_of_a_path_reach_the_terminal) {
  DoctorFacts facts = limited_facts();
  facts.python.executable = "/a\x1b[31m\n\tb";
  EXPECT_THAT(report(facts), HasSubstr("/a?[31m??b"));
}

TEST(DoctorReport, survives_paths_that_are_not_utf_8) {
  DoctorFacts facts = limited_facts();
  facts.python.executable = "/\xff\xfe" + std::string(200, '\xbf');
  EXPECT_THAT(report(facts), HasSubstr("CPython 3.13.0, /"));
  const auto json = doctor_json(facts, diagnose(facts));
  EXPECT_NO_THROW((void)json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

TEST(DoctorReport, of_no_findings_is_the_machine_and_the_conclusion) {
  EXPECT_EQ(format_doctor_report(test::sound_facts(), {}),
            "AMD EPYC 9654, 8 cores, 16.0 GiB\n\nNothing found that would limit the figures.\n");
}

TEST(DoctorReport, shows_unknowns_as_null) {
  const DoctorFacts facts;
  const auto json = doctor_json(facts, diagnose(facts));
  const auto& machine = json.at("machine");
  for (const char* key : {"cpus", "allowed_cpus", "cpu_quota", "usable_cpus", "model", "stolen_share",
                          "load_average", "memory"}) {
    EXPECT_TRUE(machine.at(key).is_null()) << key;
  }
  for (const char* key :
       {"config_args", "pgo", "lto", "jit_enabled", "switch_interval_ns", "virtual_environment"}) {
    EXPECT_TRUE(json.at("python").at(key).is_null()) << key;
  }
}

TEST(DoctorReport, tells_no_quota_from_an_unknown_one) {
  const DoctorFacts facts = test::sound_facts();
  EXPECT_EQ(doctor_json(facts, {}).at("machine").at("cpu_quota"), "none");
}

TEST(DoctorConclusion, says_so_where_nothing_limits) {
  EXPECT_EQ(conclude(diagnose(test::sound_facts())), "Nothing found that would limit the figures.");
}

TEST(DoctorConclusion, counts_and_names_each_consequence_once) {
  DoctorFacts facts = test::sound_facts();
  facts.python.linkage = Linkage::Shared;
  facts.python.optimisation = {.pgo = false, .lto = false};
  EXPECT_EQ(conclude(diagnose(facts)),
            "2 warnings: figures will be good for ratios, not for absolute times.");
  facts.machine.allowed_cpus = 1;
  facts.machine.usable_cpus = 1;
  EXPECT_EQ(conclude(diagnose(facts)),
            "1 problem, 2 warnings: parallelism cannot be judged; figures will be good for ratios, not for "
            "absolute times.");
}

}  // namespace
}  // namespace gilscope

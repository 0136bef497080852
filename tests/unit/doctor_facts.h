// A machine and a Python with which nothing is wrong, for tests to spoil.
#pragma once

#include <limits>

#include "analysis/findings.h"

namespace gilscope::test {

inline DoctorFacts sound_facts() {
  DoctorFacts facts;
  facts.machine = {.cpus = 8,
                   .allowed_cpus = 8,
                   .cpu_quota = std::numeric_limits<double>::infinity(),
                   .usable_cpus = 8.0,
                   .model = "AMD EPYC 9654",
                   .stolen_share = 0.002,
                   .load_average = 0.25,
                   .clock = {.kind = ClockKind::Tsc, .kernel_source = "tsc", .step = Nanoseconds(20)},
                   .memory = Memory{.total_bytes = 16ULL << 30U, .available_bytes = 12ULL << 30U}};
  facts.python.version = "3.13.0";
  facts.python.major = 3;
  facts.python.minor = 13;
  facts.python.implementation = "CPython";
  facts.python.executable = "/usr/local/bin/python3.13";
  facts.python.prefix = "/usr/local";
  facts.python.base_prefix = "/usr/local";
  facts.python.linkage = Linkage::Static;
  facts.python.jit = JitState::Absent;
  facts.python.optimisation = {.pgo = true, .lto = true};
  facts.python.config_args = "'--enable-optimizations' '--with-lto'";
  facts.python.switch_interval = std::chrono::milliseconds(5);
  facts.probe = ProbeCheck{
      .pairs = 20'000, .seen_releases = 20'000, .seen_acquires = 20'000, .violations = 0, .added_ns = 21.4};
  return facts;
}

}  // namespace gilscope::test

// Runs trials in fresh child processes, so that a crash, an abort or a hang of one is a row of the table and
// not the end of the run.
#pragma once

#include <cstdint>
#include <exception>

#include "run/child.h"
#include "run/surroundings.h"
#include "run/trial_program.h"
#include "run/trial_record.h"
#include "run/trial_spec.h"
#include "support/time.h"

namespace gilscope {

// Thrown where a signal asked this process to end; nothing of the trial is left.
struct Interrupted : std::exception {
  explicit Interrupted(int number) : signal(number) {}
  int signal;
};

// Where a signal came while an InterruptGuard lives: throws Interrupted.
void throw_if_interrupted();

// run_child(); throws Interrupted where a signal came while an InterruptGuard lives.
ChildResult run_or_interrupt(const ChildCommand& command);

// The trial's record; its failure says how a child ended that gave none. `hash_seed` is PYTHONHASHSEED where
// the user has not set one: equal results pickle equally only under equal seeds.
TrialRecord run_trial_in_child(const TrialProgram& program, const TrialSpec& spec, Nanoseconds timeout,
                               std::uint32_t hash_seed);

// Asks a fresh child of a program that has `doctor`: whether Python starts at all, and what it is. Throws
// Error with the child's own words where it does not. Not from a process that runs the user's code: see
// run_child().
Surroundings examine_in_child(const TrialProgram& program);

}  // namespace gilscope

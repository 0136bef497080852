// Runs trials in fresh child hosts, so that a crash, an abort or a hang of one is a row of the table and not
// the end of the run.
#pragma once

#include <cstdint>
#include <exception>

#include "run/trial_record.h"
#include "run/trial_spec.h"
#include "support/time.h"

namespace gilscope {

// Thrown where a signal asked this process to end; nothing of the trial is left.
struct Interrupted : std::exception {
  explicit Interrupted(int number) : signal(number) {}
  int signal;
};

// The trial's record; its failure says how a child ended that gave none. `hash_seed` is PYTHONHASHSEED where
// the user has not set one: equal results pickle equally only under equal seeds.
TrialRecord run_trial_in_child(const TrialSpec& spec, Nanoseconds timeout, std::uint32_t hash_seed);

// What `gilscope doctor --json -` prints in a fresh child host: whether Python starts at all, and what it is.
// Throws Error with the child's own words where it does not.
std::string examine_in_child();

}  // namespace gilscope

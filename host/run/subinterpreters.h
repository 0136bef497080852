// The mode that only the C API offers: jobs in sub-interpreters, each for its whole life on an OS thread of
// its own.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "run/work_watch.h"

namespace gilscope {

// Runs `jobs` jobs of the marshalled spec in `workers` sub-interpreters (each with its own GIL on 3.12+; 3.11
// knows only a shared one) and returns the marshalled report of each. Called with the main interpreter's GIL
// held, which is given up meanwhile. Throws Error where an interpreter could not be made.
// `watch` is told of the work itself, without the interpreters' begin and end; nullptr: nobody watches.
std::vector<std::string> run_in_subinterpreters(unsigned workers, std::size_t jobs, const std::string& spec,
                                                const WorkWatch* watch);

}  // namespace gilscope

// What a run recorded between two looks at it: a recording of its own, for all that reads one. Pure
// functions.
#pragma once

#include "analysis/process_record.h"

namespace gilscope {

// Both are of one run, `before` the older one. Counts and sums are differences; so are those of families that
// threads or processes have become part of meanwhile. Of a hold or a wait that was on at the first look, the
// time from there on counts, and it is one of the window's as well.
// What a difference does not tell: percentiles are empty, and where the longest of many was not within the
// window, their mean stands for it, without its begin (0).
[[nodiscard]] RecordedRun window_of(const RecordedRun& before, RecordedRun after);

}  // namespace gilscope

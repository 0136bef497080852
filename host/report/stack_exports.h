// The stacks on which others were made to wait, for programs that draw flame graphs. Weights are the caused
// wait in nanoseconds.
#pragma once

#include <string>

#include "analysis/process_record.h"
#include "report/export_text.h"

namespace gilscope {

// Collapsed stacks, as flamegraph.pl and inferno-flamegraph read them (Gregg, "The Flame Graph", CACM 59(6),
// 2016): a line a stack, its frames from the outermost one on with ';' between them, a blank, the weight. The
// first two frames are the process and the thread.
void write_flamegraph(const RecordedRun& run, const TextSink& sink);

// speedscope's file format, version 0.0.1 (https://www.speedscope.app/file-format-schema.json): a profile of
// samples a thread. `name` is that of the whole.
void write_speedscope(const RecordedRun& run, const std::string& name, const TextSink& sink);

}  // namespace gilscope

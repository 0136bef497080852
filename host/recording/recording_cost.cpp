#include "recording/recording_cost.h"

#include "capture/capture_folder.h"
#include "capture/event_recorder.h"
#include "probe/pair_cost.h"
#include "recording/blame_counters.h"
#include "support/error.h"
#include "support/temporary_folder.h"

namespace gilscope {

std::optional<double> measure_counting_cost() {
  BlameCounters scratch({.rows = 1, .gils = 1});
  return measure_pair_cost(scratch);
}

std::optional<double> measure_capture_cost() {
  try {
    const TemporaryFolder temporary;
    const auto folder = temporary.path() / "capture";
    create_capture(folder, {}, Existing::Keep);
    EventRecorder scratch;
    scratch.start({.folder = folder});
    return measure_pair_cost(scratch);
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace gilscope

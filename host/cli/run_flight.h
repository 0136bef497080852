// The flight recorder of `gilscope run`: the witness of the run looks, and writes dumps; the first process
// asks it in the end what there was.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "capture/ring_copy.h"
#include "cli/flight_options.h"
#include "recording/flight_recorder.h"
#include "recording/recording.h"

namespace gilscope::cli {

class RunFlight {
 public:
  // Before the user's code: the folder of the dumps is absolute from then on.
  explicit RunFlight(FlightOptions options);

  // In the first process: a dump at each signal that was asked for. Its children by fork have that, too.
  void watch_signal(Recording& recording) const;

  // Nobody looks: what was asked for will not come by itself.
  void warn_of_nobody() const;

  // In the witness, which reads the recording by that descriptor. What the first process is told where it
  // asks.
  std::string look(int file, bool is_asked) noexcept;

  // Either: what look() returned last, to be told.
  void take(const std::string& told) noexcept;
  // As a summary has it: {"dumps": […], "passed_over": …}.
  [[nodiscard]] nlohmann::ordered_json json() const;
  // Lines of the report; "" where there is nothing to say.
  [[nodiscard]] std::string text() const;

 private:
  FlightOptions options_;
  std::unique_ptr<FlightRecorder> recorder_;  // of the witness
  bool has_failed_ = false;
  nlohmann::ordered_json dumps_ = nlohmann::ordered_json::array();
  std::uint64_t passed_over_ = 0;
};

// What rings have in the end. Where nothing can look at the recording, or there is none, all that is there.
[[nodiscard]] RingSpan find_last_span(const Recording* recording);

}  // namespace gilscope::cli

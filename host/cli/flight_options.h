// The flight recorder's options of `gilscope run`: what is kept, what is waited for, where dumps go.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "capture/trigger_board.h"
#include "support/time.h"

namespace CLI {
class App;
}

namespace gilscope::cli {

struct FlightOptions {
  std::string keep;               // as "30s" or "64M"; "": all events, or none
  std::vector<std::string> when;  // as "hold>50ms"
  std::string dumps;              // the folder; "": none was named
  std::uint64_t per_hour = 12;
  std::string signal;  // as "USR2"; "": none

  [[nodiscard]] bool is_wanted() const noexcept { return !keep.empty(); }
};

// What --keep says: at least one of the two.
struct Keep {
  std::optional<Nanoseconds> time;
  std::optional<std::uint64_t> bytes;  // of each process
};

void add_flight_options(CLI::App& command, FlightOptions& options);

// Each throws Error (of usage) where the text is none.
[[nodiscard]] Keep parse_keep(const std::string& text);
struct Limit {
  TriggerKind kind;
  Nanoseconds longest;
};
[[nodiscard]] Limit parse_when(const std::string& text);
[[nodiscard]] int parse_signal(const std::string& text);

// Throws Error where they do not go together.
void check_flight_options(const FlightOptions& options);
[[nodiscard]] std::array<Nanoseconds, kLimitedKinds> limits_of(const FlightOptions& options);

}  // namespace gilscope::cli

#include "cli/flight_options.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <csignal>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "probe/loop_steps.h"
#include "report/text.h"
#include "support/error.h"
#include "support/system_files.h"

namespace gilscope::cli {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array kTimes{Unit{"us", 1e3}, Unit{"ms", 1e6}, Unit{"s", 1e9}, Unit{"m", 60e9},
                            Unit{"h", 3600e9}};
constexpr std::array kSizes{Unit{"K", 1024.0}, Unit{"M", 1024.0 * 1024}, Unit{"G", 1024.0 * 1024 * 1024}};

// A number above 0 and one of these units.
template <std::size_t count>
std::optional<double> parse_amount(std::string_view text, const std::array<Unit, count>& units) {
  const auto end =
      std::ranges::find_if(text, [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; });
  const auto digits = static_cast<std::size_t>(end - text.begin());
  const auto number = parse_double(text.substr(0, digits));
  const auto unit = std::ranges::find(units, text.substr(digits), &Unit::name);
  if (!number || unit == units.end() || !(*number > 0) || *number * unit->factor > 9e18) return std::nullopt;
  return *number * unit->factor;
}

std::optional<Nanoseconds> parse_time(std::string_view text) {
  const auto ns = parse_amount(text, kTimes);
  return ns && *ns >= 1 ? std::optional(round_to_nanoseconds(*ns)) : std::nullopt;
}

[[noreturn]] void refuse(const std::string& text, const std::string& why, const char* instead) {
  throw Error(fmt::format("{}: {}", text, why), instead, ExitCode::Usage);
}

}  // namespace

void add_flight_options(CLI::App& command, FlightOptions& options) {
  command
      .add_option(
          "--keep", options.keep,
          "Flight recorder: keep every event of the last while, as 30s, or what fits, as 64M a process; "
          "dumps and the report are of that")
      ->type_name("TIME|BYTES");
  command
      .add_option("--when", options.when,
                  "With --keep: write a dump when a hold for which others wait, a wait for the GIL or for a "
                  "lock, or a "
                  "step of an event loop takes longer: hold>50ms, wait>100ms, lock>1s, loop>100ms")
      ->allow_extra_args(false)
      ->type_name("WHAT>TIME");
  command
      .add_option("--dump", options.dumps, "With --keep: the folder in which dumps are made [gilscope-dumps]")
      ->type_name("DIR");
  command.add_option("--dumps-per-hour", options.per_hour, "At most so many dumps by --when an hour [12]")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{100'000}))
      ->type_name("N");
  command
      .add_option(
          "--dump-signal", options.signal,
          "With --keep: write a dump when this signal comes, as USR2 (`gilscope dump PID` needs none)")
      ->type_name("SIGNAL");
}

Keep parse_keep(const std::string& text) {
  Keep keep{.time = parse_time(text), .bytes = {}};
  if (const auto bytes = parse_amount(text, kSizes)) keep.bytes = static_cast<std::uint64_t>(*bytes);
  if (!keep.time && !keep.bytes) refuse(text, "this is neither a time nor a size", "30s, 5m or 64M");
  return keep;
}

Limit parse_when(const std::string& text) {
  const auto sign = text.find('>');
  const std::string_view what = std::string_view(text).substr(0, sign);
  for (std::size_t i = 0; i < kLimitedKinds && sign != std::string::npos; ++i) {
    const auto kind = static_cast<TriggerKind>(i);
    const auto time = parse_time(std::string_view(text).substr(sign + 1));
    if (what != name_of(kind) || !time) continue;
    if (kind == TriggerKind::Loop && *time < kLongStep) {
      refuse(text, fmt::format("steps of event loops are seen from {} on", format_duration(kLongStep)),
             "loop>50ms");
    }
    return {.kind = kind, .longest = *time};
  }
  refuse(text, "this is nothing to wait for", "hold>50ms, wait>100ms, lock>1s or loop>100ms");
}

int parse_signal(const std::string& text) {
  const auto name = std::string_view(text).substr(text.starts_with("SIG") ? 3 : 0);
  constexpr std::array kSignals{std::pair{"USR1", SIGUSR1}, std::pair{"USR2", SIGUSR2},
                                std::pair{"HUP", SIGHUP}, std::pair{"QUIT", SIGQUIT},
                                std::pair{"WINCH", SIGWINCH}};
  const auto* const found =
      std::ranges::find(kSignals, name, [](const auto& signal) { return std::string_view(signal.first); });
  if (found == kSignals.end()) {
    refuse(text, "this is no signal for that", "USR1, USR2, HUP, QUIT or WINCH");
  }
  return found->second;
}

void check_flight_options(const FlightOptions& options) {
  const auto check = [](const std::string& option, const auto& parse) {
    try {
      parse();
    } catch (const Error& error) {
      throw Error(fmt::format("run: {} {}", option, error.what()), fmt::format("{} {}", option, error.hint()),
                  ExitCode::Usage);
    }
  };
  if (options.is_wanted()) {
    check("--keep", [&] { static_cast<void>(parse_keep(options.keep)); });
    check("--when", [&] { static_cast<void>(limits_of(options)); });
    if (!options.signal.empty()) {
      check("--dump-signal", [&] { static_cast<void>(parse_signal(options.signal)); });
    }
    return;
  }
  const std::array<std::pair<const char*, bool>, 3> needing{{{"--when", !options.when.empty()},
                                                             {"--dump", !options.dumps.empty()},
                                                             {"--dump-signal", !options.signal.empty()}}};
  for (const auto& [option, is_given] : needing) {
    if (!is_given) continue;
    throw Error(fmt::format("run: {} needs --keep: there is nothing to dump", option),
                "--keep 30s, beside it", ExitCode::Usage);
  }
}

std::array<Nanoseconds, kLimitedKinds> limits_of(const FlightOptions& options) {
  std::array<Nanoseconds, kLimitedKinds> limits{};
  for (const auto& when : options.when) {
    const Limit limit = parse_when(when);
    auto& present = limits.at(static_cast<std::size_t>(limit.kind));
    present = present == Nanoseconds{} ? limit.longest : std::min(present, limit.longest);
  }
  return limits;
}

}  // namespace gilscope::cli

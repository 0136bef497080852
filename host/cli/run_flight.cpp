#include "cli/run_flight.h"

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "recording/dump.h"
#include "report/text.h"
#include "support/error.h"
#include "support/log.h"

namespace gilscope::cli {
namespace {

constexpr const char* kDefaultFolder = "gilscope-dumps";

// What the handler of the signal needs.
struct Signalled {
  TriggerBoard* board = nullptr;
  ProbeClock clock;
};
constinit Signalled signalled;

void post_signal(int /*number*/) {
  const auto now = signalled.clock.read();
  signalled.board->post({.kind = TriggerKind::Signal,
                         .pid = static_cast<std::uint32_t>(getpid()),
                         .thread = ThreadId{static_cast<std::uint32_t>(gettid())},
                         .begin = now,
                         .end = now});
}

std::unique_ptr<FlightRecorder> make_recorder(int file, const FlightOptions& options) {
  auto run = LiveRun::at(file);
  if (!run) throw Error("the recording cannot be read", "");
  return std::make_unique<FlightRecorder>(*std::move(run),
                                          FlightPlan{.folder = options.dumps, .per_hour = options.per_hour});
}

}  // namespace

RunFlight::RunFlight(FlightOptions options) : options_(std::move(options)) {
  options_.dumps =
      std::filesystem::absolute(options_.dumps.empty() ? kDefaultFolder : options_.dumps).string();
}

void RunFlight::watch_signal(Recording& recording) const {
  if (options_.signal.empty() || recording.triggers() == nullptr) return;
  signalled = {.board = recording.triggers(), .clock = recording.clock()};
  struct sigaction action{};
  action.sa_handler = post_signal;  // NOLINT(cppcoreguidelines-pro-type-union-access)
  action.sa_flags = SA_RESTART;
  sigaction(parse_signal(options_.signal), &action, nullptr);
}

void RunFlight::warn_of_nobody() const {
  if (options_.when.empty() && options_.signal.empty()) {
    log_debug("what processes that have ended had kept stays until the end");
    return;
  }
  log_warning(
      "nothing is dumped by itself here, as this is the first process of a container, or one that takes the "
      "orphans of others: gilscope dump PID does it, or start it by another one (docker run --init)");
}

// Whatever fails, the program goes on, and is told in the end.
std::string RunFlight::look(int file, bool is_asked) noexcept {
  try {
    if (recorder_ == nullptr && !has_failed_) recorder_ = make_recorder(file, options_);
    if (recorder_ == nullptr) return {};
    for (const auto& dump : recorder_->look(is_asked)) {
      dumps_.push_back({{"folder", dump.folder},
                        {"error", dump.error},
                        {"reason", name_of(dump.trigger.kind)},
                        {"pid", dump.trigger.pid},
                        {"thread", static_cast<std::uint32_t>(dump.trigger.thread)},
                        {"ns", dump.length.count()}});
    }
    passed_over_ = recorder_->passed_over();
    if (!is_asked) return {};
    return json().dump();
  } catch (const std::exception& error) {
    has_failed_ = recorder_ == nullptr;
    log_debug("no dumps: {}", error.what());
    return {};
  }
}

void RunFlight::take(const std::string& told) noexcept {
  try {
    const auto json = nlohmann::ordered_json::parse(told);
    dumps_ = json.at("dumps");
    passed_over_ = json.at("passed_over").get<std::uint64_t>();
  } catch (const std::exception& error) {
    log_debug("whoever writes dumps says nothing: {}", error.what());
  }
}

nlohmann::ordered_json RunFlight::json() const { return {{"dumps", dumps_}, {"passed_over", passed_over_}}; }

std::string RunFlight::text() const {
  std::string text;
  for (const auto& dump : dumps_) {
    const auto reason = dump.at("reason").get<std::string>();
    const auto ns = Nanoseconds(dump.at("ns").get<std::int64_t>());
    const auto what = ns > Nanoseconds{} ? fmt::format("{} of {}", reason, format_duration(ns)) : reason;
    const auto folder = dump.at("folder").get<std::string>();
    const auto line = folder.empty()
                          ? fmt::format("No dump ({}): {}", what, dump.at("error").get<std::string>())
                          : fmt::format("Dump ({}): gilscope report {}", what, folder);
    text += replace_controls(line) + '\n';
  }
  if (passed_over_ > 0) {
    text += fmt::format("{} more would have been beyond the {} an hour that --dumps-per-hour allows.\n",
                        passed_over_, options_.per_hour);
  }
  return text;
}

RingSpan find_last_span(const Recording* recording) {
  const auto now = ProbeClock::best().sample();
  const RingSpan all{.begin = 0, .end = now};
  if (recording == nullptr || recording->path().empty()) return all;
  const auto run = LiveRun::at(recording->file());
  return run ? span_before(*run, now.ticks) : all;
}

}  // namespace gilscope::cli

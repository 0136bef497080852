// The machine-readable twin of the summary's text.
#include "report/doctor_part.h"
#include "report/json_values.h"
#include "report/summary_report.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

ordered_json durations_json(const std::optional<DurationFigures>& figures) {
  if (!figures) return nullptr;
  return {{"p50_ns", figures->p50_ns.count()},
          {"p90_ns", figures->p90_ns.count()},
          {"p99_ns", figures->p99_ns.count()},
          {"max_ns", figures->max_ns.count()}};
}

ordered_json gil_json(const GilFigures& gil) {
  return {{"id", static_cast<std::uint32_t>(gil.id)},
          {"interpreters", gil.interpreters},
          {"holds", gil.holds},
          {"hold_ns", gil.hold_ns.count()},
          {"waits", gil.waits},
          {"wait_ns", gil.wait_ns.count()},
          {"forced", gil.forced},
          {"voluntary", gil.voluntary},
          {"handoffs", gil.handoffs},
          {"overlaps", gil.overlaps},
          {"hold_share", or_null(gil.hold_share)}};
}

ordered_json thread_json(const NamedThread& thread) {
  const auto& figures = thread.figures;
  return {{"id", figures.id ? ordered_json(static_cast<std::uint32_t>(*figures.id)) : ordered_json(nullptr)},
          {"name", thread.name.empty() ? ordered_json(nullptr) : ordered_json(thread.name)},
          {"gil", static_cast<std::uint32_t>(figures.gil)},
          {"holds", figures.holds},
          {"hold_ns", figures.hold_ns.count()},
          {"hold_share", or_null(figures.hold_share)},
          {"waits", figures.waits},
          {"wait_ns", figures.wait_ns.count()},
          {"wait_share", or_null(figures.wait_share)},
          {"lifetime_ns", figures.lifetime_ns.count()},
          {"forced", figures.forced},
          {"voluntary", figures.voluntary},
          {"cpu_ns", or_null(thread.cpu_ns)},
          {"hold", durations_json(figures.hold)},
          {"wait", durations_json(figures.wait)}};
}

ordered_json process_json(const ProcessSummary& process) {
  auto gils = ordered_json::array();
  for (const auto& gil : process.gils) gils.push_back(gil_json(gil));
  auto threads = ordered_json::array();
  for (const auto& thread : process.threads) threads.push_back(thread_json(thread));
  return {{"pid", process.pid},
          {"parent_pid", process.parent_pid},
          {"start_method", or_null(start_method_of(process.role))},
          {"wall_ns", process.wall_ns.count()},
          {"cpu_ns", or_null(process.cpu_ns)},
          {"gils", std::move(gils)},
          {"threads", std::move(threads)}};
}

std::string_view name_of(RunVerdict::Kind kind) {
  switch (kind) {
    case RunVerdict::Kind::Bottleneck:
      return "bottleneck";
    case RunVerdict::Kind::NoBottleneck:
      return "no_bottleneck";
    case RunVerdict::Kind::OneThread:
      return "one_thread";
    case RunVerdict::Kind::NoGil:
      break;
  }
  return "no_gil";
}

}  // namespace

std::optional<std::string> start_method_of(ProcessRole role) {
  switch (role) {
    case ProcessRole::Fork:
      return "fork";
    case ProcessRole::Spawn:
      return "spawn";
    case ProcessRole::Forkserver:
      return "forkserver";
    case ProcessRole::First:
    case ProcessRole::Server:
      break;
  }
  return std::nullopt;
}

ordered_json summary_json(const RunSummary& summary, const SummaryContext& context) {
  auto processes = ordered_json::array();
  for (const auto& process : summary.processes) processes.push_back(process_json(process));
  const auto& verdict = summary.verdict;
  return {{"schema", "gilscope.summary/1"},
          {"python", context.python.is_null() ? ordered_json(nullptr) : python_json(context.python)},
          {"machine", context.machine.is_null() ? ordered_json(nullptr) : machine_json(context.machine)},
          {"command", context.command},
          {"exit_code", or_null(context.exit_code)},
          {"wall_ns", or_null(summary.wall_ns)},
          {"cpu_ns", or_null(summary.cpu_ns)},
          {"probe",
           {{"clock", context.clock == ClockKind::Tsc ? "tsc" : "monotonic"},
            {"events", summary.probe.events},
            {"dropped", summary.probe.dropped},
            {"unrecorded_processes", context.unrecorded_processes},
            {"overwritten", context.were_slots_overwritten},
            {"pair_cost_ns", or_null(summary.probe.pair_cost_ns)},
            {"cost_share", or_null(summary.probe.cost_share)},
            {"capture_bytes", nullptr}}},
          {"verdict",
           {{"kind", name_of(verdict.kind)},
            {"text", describe_verdict(summary)},
            {"wait_share", or_null(verdict.wait_share)},
            {"ceiling", or_null(verdict.ceiling)}}},
          {"processes", std::move(processes)}};
}

}  // namespace gilscope

// The machine-readable twin of the summary's text.
#include <algorithm>

#include "analysis/user_code.h"
#include "report/doctor_part.h"
#include "report/finding_text.h"
#include "report/summary_report.h"
#include "support/json_values.h"

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

ordered_json thread_id_json(std::optional<ThreadId> id) {
  return id ? ordered_json(static_cast<std::uint32_t>(*id)) : ordered_json(nullptr);
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
          {"hold_share", or_null(gil.hold_share)},
          {"switch_interval_ns", or_null(gil.switch_interval)},
          {"folded", gil.folded}};
}

ordered_json place_json(const CodePlace& place) {
  return {{"file", place.file},
          {"line", place.line == 0 ? ordered_json(nullptr) : ordered_json(place.line)},
          {"function", place.function}};
}

ordered_json place_json(const std::optional<CodePlace>& place) {
  return place ? place_json(*place) : ordered_json(nullptr);
}

ordered_json work_json(const std::optional<HeldWork>& work) {
  if (!work) return nullptr;
  return {{"kind", name_of(work->kind)}, {"name", work->name}};
}

ordered_json stack_json(const std::vector<CodePlace>& stack) {
  auto places = ordered_json::array();
  for (const auto& place : stack) places.push_back(place_json(place));
  return places;
}

// Of all of its GILs; nanoseconds that add up to its life.
ordered_json states_json(const ProcessSummary& process, const std::optional<ThreadId>& thread) {
  const auto found = std::ranges::find(process.thread_times, thread,
                                       [](const ThreadTimes& times) { return std::optional(times.thread); });
  if (!thread || found == process.thread_times.end()) return nullptr;
  return {{"running", found->python.count()},      {"computing_without_gil", or_null(found->native)},
          {"gil_wait", found->for_gil.count()},    {"lock_wait", or_null(found->for_turn)},
          {"work_wait", or_null(found->for_work)}, {"stopped", or_null(found->stopped)},
          {"no_cpu", or_null(found->no_cpu)},      {"blocked", found->asleep.count()}};
}

ordered_json thread_json(const ProcessSummary& process, const NamedThread& thread) {
  const auto& figures = thread.figures;
  auto waits = ordered_json::array();
  for (const auto& [wait, stack] : thread.longest_waits) {
    waits.push_back({{"wait_ns", wait.count()}, {"stack", stack_json(stack)}});
  }
  return {{"id", thread_id_json(figures.id)},
          {"name", text_or_null(thread.name)},
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
          {"cpu_wait_ns", or_null(thread.cpu_wait_ns)},
          {"hold", durations_json(figures.hold)},
          {"wait", durations_json(figures.wait)},
          {"longest_waits", std::move(waits)},
          {"folded", figures.folded},
          {"states", states_json(process, figures.id)}};
}

ordered_json blame_json(const BlameRow& row) {
  const auto task = task_of(row.stack);
  auto waiters = ordered_json::array();
  for (const auto& [thread, wait] : row.waiters) {
    const auto id = thread == kFurtherThreads ? std::nullopt : std::optional(thread);
    waiters.push_back({{"thread", thread_id_json(id)}, {"wait_ns", wait.count()}});
  }
  return {{"from", place_json(row.from)},
          {"to", place_json(row.to)},
          {"work", work_json(row.work)},
          {"thread", thread_id_json(row.thread)},
          {"gil", static_cast<std::uint32_t>(row.gil)},
          {"holds", row.holds},
          {"hold_ns", row.hold_ns.count()},
          {"forced", row.forced},
          {"caused_wait_ns", row.caused_wait_ns.count()},
          {"max_hold_ns", row.max_hold_ns.count()},
          {"max_wait_ns", row.max_wait_ns.count()},
          {"late_holds", row.late_holds},
          {"late_wait_ns", row.late_wait_ns.count()},
          {"stack", stack_json(row.stack)},
          {"task", task ? ordered_json(task->function) : ordered_json(nullptr)},
          {"stack_wait_ns", row.stack_wait_ns.count()},
          {"waiters", std::move(waiters)}};
}

ordered_json blame_json(const std::optional<std::vector<BlameRow>>& blame) {
  if (!blame) return nullptr;
  auto rows = ordered_json::array();
  for (const auto& row : *blame) rows.push_back(blame_json(row));
  return rows;
}

ordered_json loop_steps_json(const ProcessSummary& process) {
  auto rows = ordered_json::array();
  for (const auto& stall : process.loop_stalls) {
    const auto work = work_of(stall.place);
    rows.push_back({{"thread", static_cast<std::uint32_t>(stall.thread)},
                    {"place", work ? ordered_json(nullptr) : place_json(stall.place)},
                    {"work", work_json(work)},
                    {"count", stall.count},
                    {"alone", stall.alone},
                    {"total_ns", stall.total_ns.count()},
                    {"max_ns", stall.max_ns.count()},
                    {"max_begin_ns", stall.max_begin_ns.count()}});
  }
  return rows;
}

// Null: not known, or it was for no lock.
ordered_json lock_json(const LockWaitRow& row) {
  if (row.lock == LockKind::Unknown || row.is_for_world()) return nullptr;
  return {{"kind", name_of(row.lock)}, {"type", text_or_null(row.lock_type)}};
}

ordered_json lock_waits_json(const ProcessSummary& process) {
  auto rows = ordered_json::array();
  for (const auto& row : process.lock_waits) {
    rows.push_back({{"place", place_json(row.place)},
                    {"within", text_or_null(row.within)},
                    {"waits_for", row.is_for_world() ? "world"
                                  : row.is_for_work  ? "work"
                                                     : "turn"},
                    {"ended_at", place_json(row.ended_at)},
                    {"ended_within", text_or_null(row.ended_within)},
                    {"threads", row.threads},
                    {"count", row.count},
                    {"total_ns", row.total_ns.count()},
                    {"by_peers_ns", row.by_peers_ns.count()},
                    {"max_ns", row.max_ns.count()},
                    {"max_begin_ns", row.max_begin_ns.count()},
                    {"max_thread", static_cast<std::uint32_t>(row.max_thread)},
                    {"max_ender", thread_id_json(row.max_ender)},
                    {"lock", lock_json(row)}});
  }
  return rows;
}

ordered_json stops_json(const ProcessSummary& process) {
  auto rows = ordered_json::array();
  for (const auto& row : process.stops) {
    rows.push_back({{"place", place_json(row.place)},
                    {"call", text_or_null(row.call)},
                    {"collection", row.is_collection},
                    {"count", row.count},
                    {"total_ns", row.total_ns.count()},
                    {"until_stood_ns", row.until_stood_ns.count()},
                    {"lost_ns", row.lost_ns.count()},
                    {"max_ns", row.max_ns.count()},
                    {"max_begin_ns", row.max_begin_ns.count()},
                    {"max_thread", static_cast<std::uint32_t>(row.max_thread)}});
  }
  return rows;
}

ordered_json gil_return_json(const ProcessSummary& process) {
  if (!process.gil_return) return nullptr;
  return {{"since_ns", process.gil_return->since_ns.count()},
          {"place", place_json(process.gil_return->place)},
          {"module", text_or_null(process.gil_return->module)}};
}

ordered_json other_threads_json(const ProcessSummary& process) {
  auto rows = ordered_json::array();
  for (const auto& thread : process.other_threads) {
    rows.push_back({{"id", static_cast<std::uint32_t>(thread.id)},
                    {"name", text_or_null(thread.name)},
                    {"cpu_ns", or_null(thread.cpu_ns)},
                    {"cpu_wait_ns", or_null(thread.cpu_wait_ns)},
                    {"states", states_json(process, thread.id)}});
  }
  return rows;
}

ordered_json open_lock_waits_json(const ProcessSummary& process) {
  auto rows = ordered_json::array();
  for (const auto& wait : process.open_lock_waits) {
    rows.push_back({{"thread", static_cast<std::uint32_t>(wait.thread)},
                    {"place", place_json(wait.place)},
                    {"within", text_or_null(wait.within)},
                    {"waits_for", wait.is_for_work ? "work" : "turn"},
                    {"since_ns", wait.since_ns.count()},
                    {"holder", thread_id_json(wait.holder)}});
  }
  return rows;
}

ordered_json process_json(const ProcessSummary& process) {
  auto gils = ordered_json::array();
  for (const auto& gil : process.gils) gils.push_back(gil_json(gil));
  auto threads = ordered_json::array();
  for (const auto& thread : process.threads) threads.push_back(thread_json(process, thread));
  auto handoffs = ordered_json::array();
  for (const auto& pair : process.handoffs) {
    handoffs.push_back({{"gil", static_cast<std::uint32_t>(pair.gil)},
                        {"from", thread_id_json(pair.from)},
                        {"to", thread_id_json(pair.to)},
                        {"count", pair.count}});
  }
  return {{"pid", process.pid},
          {"parent_pid", process.parent_pid},
          {"folded", process.folded},
          {"start_method", or_null(start_method_of(process.role))},
          {"name", text_or_null(process.name)},
          {"wall_ns", process.wall_ns.count()},
          {"cpu_ns", or_null(process.cpu_ns)},
          {"cpu_wait_ns", or_null(process.cpu_wait_ns)},
          {"gils", std::move(gils)},
          {"threads", std::move(threads)},
          {"blame", blame_json(process.blame)},
          {"handoffs", std::move(handoffs)},
          {"became_program", process.became_program},
          {"loop_steps", loop_steps_json(process)},
          {"further_loop_steps", process.further_stalls},
          {"lock_waits", lock_waits_json(process)},
          {"further_lock_waits", process.further_lock_waits},
          {"open_lock_waits", open_lock_waits_json(process)},
          {"living_threads", process.living_threads},
          {"stops", stops_json(process)},
          {"further_stops", process.further_stops},
          {"spun_waits", {{"count", process.spun_waits}, {"total_ns", process.spun_ns.count()}}},
          {"gil_return", gil_return_json(process)},
          {"other_threads", other_threads_json(process)}};
}

ordered_json finding_json(const RunFinding& finding, const RunSummary& summary) {
  return {
      {"kind", name_of(finding.kind)},
      {"text", describe_finding(finding, summary)},
      {"pid", or_null(finding.pid)},
      {"gil", finding.gil ? ordered_json(static_cast<std::uint32_t>(*finding.gil)) : ordered_json(nullptr)},
      {"culprit", thread_id_json(finding.culprit)},
      {"victim", thread_id_json(finding.victim)},
      {"place", place_json(finding.place)},
      {"work", work_json(finding.work)},
      {"count", finding.count},
      {"longest_ns", finding.longest.count()},
      {"lost_ns", finding.lost.count()},
      {"hold_share", or_null(finding.hold_share)},
      {"at_most", or_null(finding.at_most)},
      {"gain_ns", or_null(finding.gain)},
      {"cost_ns", or_null(finding.cost)},
      {"share", or_null(finding.share)},
      {"culprits", finding.culprits},
      {"victims", finding.victims},
      {"processes", finding.processes},
      {"loop_stall_ns", or_null(finding.loop_stall)},
      {"cpu_share", or_null(finding.cpu_share)},
      {"stood_still_ns", or_null(finding.stood_still)},
      {"since_ns", or_null(finding.since)},
      {"lock_wait_ns", or_null(finding.lock_wait)},
      {"threads", finding.threads != 0 ? ordered_json(finding.threads) : ordered_json(nullptr)},
      {"within", text_or_null(finding.within)},
      {"ended_at", place_json(finding.ended_at)},
      {"object_type", text_or_null(finding.object_type)},
      {"module", text_or_null(finding.module)}};
}

ordered_json programs_json(const std::vector<UnrecordedProgram>& programs) {
  auto rows = ordered_json::array();
  for (const auto& program : programs) {
    rows.push_back({{"command", program.command}, {"count", program.count}});
  }
  return rows;
}

}  // namespace

std::string_view name_of(RunVerdict::Kind kind) noexcept {
  switch (kind) {
    case RunVerdict::Kind::Bottleneck:
      return "bottleneck";
    case RunVerdict::Kind::NoBottleneck:
      return "no_bottleneck";
    case RunVerdict::Kind::OneThread:
      return "one_thread";
    case RunVerdict::Kind::NothingRecorded:
      return "nothing_recorded";
    case RunVerdict::Kind::NoGil:
      break;
  }
  return "no_gil";
}

std::optional<std::string> start_method_of(ProcessRole role) {
  if (role == ProcessRole::First || role == ProcessRole::Server) return std::nullopt;
  return std::string(start_method_of_role(role));
}

namespace {

ordered_json kept_json(const SummaryContext& context) {
  if (!context.dump && context.kept.is_null()) return nullptr;
  ordered_json kept = context.kept;
  if (kept.is_null()) kept = {{"dumps", ordered_json::array()}, {"passed_over", 0}};
  kept["dump"] = nullptr;
  if (const auto& dump = context.dump) {
    kept["dump"] = {{"made_at", dump->made_at},
                    {"reason", dump->reason},
                    {"pid", dump->pid == 0 ? ordered_json(nullptr) : ordered_json(dump->pid)},
                    {"thread", dump->thread == 0 ? ordered_json(nullptr) : ordered_json(dump->thread)},
                    {"ns", dump->length.count()},
                    {"over_since_ns", dump->over_since.count()},
                    {"further", dump->further}};
  }
  return kept;
}

}  // namespace

ordered_json summary_json(const RunSummary& summary, const SummaryContext& context) {
  auto processes = ordered_json::array();
  for (const auto& process : summary.processes) processes.push_back(process_json(process));
  auto findings = ordered_json::array();
  for (const auto& finding : summary.findings) findings.push_back(finding_json(finding, summary));
  const auto& verdict = summary.verdict;
  return {
      {"schema", kSummarySchema},
      {"python", context.python.is_null() ? ordered_json(nullptr) : python_json(context.python)},
      {"machine", context.machine.is_null() ? ordered_json(nullptr) : machine_json(context.machine)},
      {"command", context.command},
      {"exit_code", or_null(summary.exit_code)},
      {"ended_by", text_or_null(summary.ended_by)},
      {"running", summary.running},
      {"wall_ns", or_null(summary.wall_ns)},
      {"cpu_ns", or_null(summary.cpu_ns)},
      {"probe",
       {{"clock", name_of(summary.probe.clock)},
        {"events", summary.probe.events},
        {"dropped", summary.probe.dropped},
        {"unrecorded_processes", summary.probe.losses.unrecorded_processes},
        {"overlooked_gils", summary.probe.losses.overlooked_gils},
        {"overwritten", summary.probe.losses.were_slots_overwritten},
        {"stacks_unreadable", summary.probe.losses.are_stacks_unreadable},
        {"suspended_ns", summary.probe.losses.suspended.count()},
        {"throttled_ns", summary.probe.losses.throttled.count()},
        {"pair_cost_ns", or_null(summary.probe.pair_cost_ns)},
        {"hooks_ns", or_null(summary.probe.hooks_ns)},
        {"elsewhere_ns", or_null(summary.probe.elsewhere_ns)},
        {"cost_share", or_null(summary.probe.cost_share)},
        {"contended", summary.probe.is_contended},
        {"capture_bytes", or_null(summary.probe.capture_bytes)},
        {"unrecorded_programs", programs_json(summary.probe.losses.unrecorded_programs)},
        {"unseen_cpu_share", or_null(summary.probe.losses.unseen_cpu_share)}}},
      {"verdict",
       {{"kind", name_of(verdict.kind)},
        {"text", describe_verdict(summary)},
        {"wait_share", or_null(verdict.wait_share)},
        {"ceiling", or_null(verdict.ceiling)},
        {"pid", or_null(verdict.pid)},
        {"gil", verdict.gil ? ordered_json(static_cast<std::uint32_t>(*verdict.gil)) : ordered_json(nullptr)},
        {"hold_share", or_null(verdict.hold_share)},
        {"waiters", or_null(verdict.waiters)},
        {"explained", or_null(verdict.explained)}}},
      {"findings", std::move(findings)},
      {"processes", std::move(processes)},
      {"kept", kept_json(context)},
      {"check", nullptr}};  // see truth_json
}

}  // namespace gilscope

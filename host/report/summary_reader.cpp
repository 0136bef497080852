// A summary back from its JSON, for those who kept it. It trusts no byte: other programs write JSON too.
#include <algorithm>
#include <initializer_list>
#include <limits>
#include <utility>

#include <fmt/core.h>

#include "analysis/judge_run.h"
#include "report/doctor_part.h"
#include "report/summary_report.h"
#include "support/error.h"

namespace gilscope {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(fmt::format("this is no {}: {}", kSummarySchema, reason),
              "what Summary.save() or `gilscope run --json` wrote");
}

const json& at(const json& object, const char* key) {
  if (!object.is_object() || !object.contains(key))
    refuse(fmt::format("it has no '{}' where one belongs", key));
  return object[key];
}

const json& array_at(const json& object, const char* key) {
  const json& value = at(object, key);
  if (!value.is_array()) refuse(fmt::format("its '{}' is no array", key));
  return value;
}

std::uint64_t whole(const json& value, const char* key, std::uint64_t limit) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > limit) {
    refuse(fmt::format("its '{}' is no integer from 0 to {}", key, limit));
  }
  return value.get<std::uint64_t>();
}

constexpr std::uint64_t kMostCount = std::numeric_limits<std::int64_t>::max();

std::uint64_t count_at(const json& object, const char* key) {
  return whole(at(object, key), key, kMostCount);
}

Nanoseconds time_at(const json& object, const char* key) {
  return Nanoseconds(static_cast<std::int64_t>(count_at(object, key)));
}

template <typename Id>
Id id_at(const json& object, const char* key) {
  return Id{
      static_cast<std::uint32_t>(whole(at(object, key), key, std::numeric_limits<std::uint32_t>::max()))};
}

bool bool_at(const json& object, const char* key) {
  const json& value = at(object, key);
  if (!value.is_boolean()) refuse(fmt::format("its '{}' is neither true nor false", key));
  return value.get<bool>();
}

double number_at(const json& object, const char* key) {
  const json& value = at(object, key);
  if (!value.is_number() || value.get<double>() < 0)
    refuse(fmt::format("its '{}' is no number from 0 on", key));
  return value.get<double>();
}

std::string text_at(const json& object, const char* key) {
  const json& value = at(object, key);
  if (!value.is_string()) refuse(fmt::format("its '{}' is no text", key));
  return value.get<std::string>();
}

// What may be unknown: null.
template <typename Read>
auto known(Read read, const json& object, const char* key) -> std::optional<decltype(read(object, key))> {
  if (at(object, key).is_null()) return std::nullopt;
  return read(object, key);
}

// What earlier versions did not write.
template <typename Read>
auto since(Read read, const json& object, const char* key) -> std::optional<decltype(read(object, key))> {
  return object.contains(key) ? known(read, object, key) : std::nullopt;
}

// Which of the kinds has the text for its name.
template <typename Kind>
Kind kind_at(const json& object, const char* key, std::initializer_list<Kind> kinds) {
  const auto text = text_at(object, key);
  const auto* found = std::ranges::find_if(kinds, [&](Kind kind) { return name_of(kind) == text; });
  if (found == kinds.end()) refuse(fmt::format("its '{}' is none that gilscope writes", key));
  return *found;
}

DurationFigures durations_at(const json& object, const char* key) {
  const json& figures = at(object, key);
  return {.p50_ns = time_at(figures, "p50_ns"),
          .p90_ns = time_at(figures, "p90_ns"),
          .p99_ns = time_at(figures, "p99_ns"),
          .max_ns = time_at(figures, "max_ns")};
}

GilFigures read_gil(const json& gil) {
  GilFigures figures{.id = id_at<GilId>(gil, "id"),
                     .holds = count_at(gil, "holds"),
                     .hold_ns = time_at(gil, "hold_ns"),
                     .waits = count_at(gil, "waits"),
                     .wait_ns = time_at(gil, "wait_ns"),
                     .forced = count_at(gil, "forced"),
                     .voluntary = count_at(gil, "voluntary"),
                     .handoffs = count_at(gil, "handoffs"),
                     .overlaps = count_at(gil, "overlaps"),
                     .hold_share = known(number_at, gil, "hold_share"),
                     .switch_interval = since(time_at, gil, "switch_interval_ns")};
  if (gil.contains("folded")) figures.folded = count_at(gil, "folded");
  for (const json& interpreter : array_at(gil, "interpreters")) {
    figures.interpreters.push_back(static_cast<std::int64_t>(whole(interpreter, "interpreters", kMostCount)));
  }
  return figures;
}

CodePlace read_place(const json& place) {
  return {.file = text_at(place, "file"),
          .function = text_at(place, "function"),
          .line = known(id_at<std::uint32_t>, place, "line").value_or(0)};
}

CodePlace place_at(const json& object, const char* key) { return read_place(at(object, key)); }

std::vector<CodePlace> stack_at(const json& object) {
  std::vector<CodePlace> stack;
  for (const json& place : array_at(object, "stack")) stack.push_back(read_place(place));
  return stack;
}

NamedThread read_thread(const json& thread) {
  NamedThread read{.figures = {.id = known(id_at<ThreadId>, thread, "id"),
                               .gil = id_at<GilId>(thread, "gil"),
                               .holds = count_at(thread, "holds"),
                               .hold_ns = time_at(thread, "hold_ns"),
                               .waits = count_at(thread, "waits"),
                               .wait_ns = time_at(thread, "wait_ns"),
                               .forced = count_at(thread, "forced"),
                               .voluntary = count_at(thread, "voluntary"),
                               .lifetime_ns = time_at(thread, "lifetime_ns"),
                               .hold_share = known(number_at, thread, "hold_share"),
                               .wait_share = known(number_at, thread, "wait_share"),
                               .hold = known(durations_at, thread, "hold"),
                               .wait = known(durations_at, thread, "wait")},
                   .name = known(text_at, thread, "name").value_or(""),
                   .cpu_ns = known(time_at, thread, "cpu_ns")};
  read.cpu_wait_ns = since(time_at, thread, "cpu_wait_ns");
  if (thread.contains("folded")) read.figures.folded = count_at(thread, "folded");
  for (const json& wait : array_at(thread, "longest_waits")) {
    read.longest_waits.push_back({.wait_ns = time_at(wait, "wait_ns"), .stack = stack_at(wait)});
  }
  return read;
}

// Of those that nobody started, the first is the one that was run, and any other a fork server.
ProcessRole read_role(const json& process, bool is_first) {
  const auto method = known(text_at, process, "start_method");
  if (!method) return is_first ? ProcessRole::First : ProcessRole::Server;
  return role_of_start_method(*method);
}

std::optional<HeldWork> read_work(const json& work) {
  if (work.is_null()) return std::nullopt;
  const auto kind =
      kind_at(work, "kind", {WorkKind::Call, WorkKind::Freeing, WorkKind::Collection, WorkKind::Collect});
  return HeldWork{.kind = kind, .name = text_at(work, "name")};
}

std::optional<HeldWork> work_at(const json& object, const char* key) { return read_work(at(object, key)); }

BlameRow read_blame(const json& row) {
  BlameRow blame{.gil = id_at<GilId>(row, "gil"),
                 .thread = known(id_at<ThreadId>, row, "thread"),
                 .from = known(place_at, row, "from"),
                 .to = known(place_at, row, "to"),
                 .holds = count_at(row, "holds"),
                 .hold_ns = time_at(row, "hold_ns"),
                 .forced = count_at(row, "forced"),
                 .caused_wait_ns = time_at(row, "caused_wait_ns"),
                 .max_hold_ns = time_at(row, "max_hold_ns"),
                 .max_wait_ns = time_at(row, "max_wait_ns"),
                 .late_holds = since(count_at, row, "late_holds").value_or(0),
                 .late_wait_ns = since(time_at, row, "late_wait_ns").value_or(Nanoseconds{}),
                 .stack_wait_ns = time_at(row, "stack_wait_ns")};
  if (row.contains("work")) blame.work = work_at(row, "work");  // later
  blame.stack = stack_at(row);
  known(text_at, row, "task");  // it follows from the stack
  for (const json& waiter : array_at(row, "waiters")) {
    const auto thread = known(id_at<ThreadId>, waiter, "thread");
    blame.waiters.push_back({thread.value_or(kFurtherThreads), time_at(waiter, "wait_ns")});
  }
  return blame;
}

LoopStall read_loop_steps(const json& row) {
  LoopStall stall{.thread = id_at<ThreadId>(row, "thread"),
                  .place = known(place_at, row, "place").value_or(CodePlace{}),
                  .count = count_at(row, "count"),
                  .alone = count_at(row, "alone"),
                  .total_ns = time_at(row, "total_ns"),
                  .max_ns = time_at(row, "max_ns"),
                  .max_begin_ns = time_at(row, "max_begin_ns")};
  if (const auto work = work_at(row, "work")) {
    stall.place = {.file = std::string(kWorkFiles.at(static_cast<std::size_t>(work->kind))),
                   .function = work->name};
  }
  return stall;
}

LockWaitRow read_lock_waits(const json& row) {
  const auto waits_for = text_at(row, "waits_for");
  LockWaitRow read{.place = known(place_at, row, "place"),
                   .within = known(text_at, row, "within").value_or(""),
                   .is_for_work = waits_for == "work",
                   .ended_at = known(place_at, row, "ended_at"),
                   .ended_within = known(text_at, row, "ended_within").value_or(""),
                   .threads = count_at(row, "threads"),
                   .count = count_at(row, "count"),
                   .total_ns = time_at(row, "total_ns"),
                   .by_peers_ns = time_at(row, "by_peers_ns"),
                   .max_ns = time_at(row, "max_ns"),
                   .max_begin_ns = time_at(row, "max_begin_ns"),
                   .max_thread = id_at<ThreadId>(row, "max_thread"),
                   .max_ender = known(id_at<ThreadId>, row, "max_ender")};
  if (waits_for == "world") read.lock = LockKind::World;
  if (row.contains("lock") && !row["lock"].is_null()) {  // later
    const auto kind = lock_kind_of(text_at(row["lock"], "kind"));
    if (!kind) refuse("a lock of it is of no known kind");
    read.lock = *kind;
    read.lock_type = known(text_at, row["lock"], "type").value_or("");
  }
  return read;
}

WorldStopRow read_stops(const json& row) {
  return {.place = known(place_at, row, "place"),
          .call = known(text_at, row, "call").value_or(""),
          .is_collection = bool_at(row, "collection"),
          .count = count_at(row, "count"),
          .total_ns = time_at(row, "total_ns"),
          .until_stood_ns = time_at(row, "until_stood_ns"),
          .lost_ns = time_at(row, "lost_ns"),
          .max_ns = time_at(row, "max_ns"),
          .max_begin_ns = time_at(row, "max_begin_ns"),
          .max_thread = id_at<ThreadId>(row, "max_thread")};
}

OtherThread read_other_thread(const json& row) {
  return {.id = id_at<ThreadId>(row, "id"),
          .name = known(text_at, row, "name").value_or(""),
          .cpu_ns = known(time_at, row, "cpu_ns"),
          .cpu_wait_ns = known(time_at, row, "cpu_wait_ns")};
}

// Each thread has its own in each of its rows; empty where they are not known.
std::optional<ThreadTimes> read_states(const json& row, ThreadTimes times) {
  if (!row.contains("states") || row["states"].is_null()) return std::nullopt;  // later
  const json& states = row["states"];
  times.python = time_at(states, "running");
  times.for_gil = time_at(states, "gil_wait");
  times.for_turn = known(time_at, states, "lock_wait");
  times.for_work = known(time_at, states, "work_wait");
  times.stopped = states.contains("stopped") ? known(time_at, states, "stopped") : Nanoseconds{};  // later
  times.native = known(time_at, states, "computing_without_gil");
  times.no_cpu = known(time_at, states, "no_cpu");
  times.asleep = time_at(states, "blocked");
  times.life = add(times.python, add(times.for_gil, times.asleep));
  for (const auto& part : {times.for_turn, times.for_work, times.stopped, times.native, times.no_cpu})
    times.life = add(times.life, part.value_or(Nanoseconds{}));
  return times;
}

void add_once(std::vector<ThreadTimes>& threads, std::optional<ThreadTimes> times) {
  if (times && std::ranges::find(threads, times->thread, &ThreadTimes::thread) == threads.end())
    threads.push_back(std::move(*times));
}

OpenLockWait read_open_lock_wait(const json& row) {
  return {.thread = id_at<ThreadId>(row, "thread"),
          .place = known(place_at, row, "place"),
          .within = known(text_at, row, "within").value_or(""),
          .is_for_work = text_at(row, "waits_for") == "work",
          .since_ns = time_at(row, "since_ns"),
          .holder = known(id_at<ThreadId>, row, "holder")};
}

ProcessSummary read_process(const json& process, bool is_first) {
  ProcessSummary summary{.pid = static_cast<std::int64_t>(count_at(process, "pid")),
                         .parent_pid = static_cast<std::int64_t>(count_at(process, "parent_pid")),
                         .role = read_role(process, is_first),
                         .name = known(text_at, process, "name").value_or(""),
                         .wall_ns = time_at(process, "wall_ns"),
                         .cpu_ns = known(time_at, process, "cpu_ns")};
  if (process.contains("folded")) summary.folded = count_at(process, "folded");
  summary.cpu_wait_ns = since(time_at, process, "cpu_wait_ns");
  if (process.contains("became_program"))
    summary.became_program = bool_at(process, "became_program");  // later
  for (const json& gil : array_at(process, "gils")) summary.gils.push_back(read_gil(gil));
  for (const json& thread : array_at(process, "threads")) {
    summary.threads.push_back(read_thread(thread));
    const NamedThread& read = summary.threads.back();
    auto times = read_states(
        thread,
        {.thread = read.figures.id.value_or(ThreadId{}), .name = read.name, .folded = read.figures.folded});
    if (read.figures.id) add_once(summary.thread_times, std::move(times));
  }
  for (const json& pair : array_at(process, "handoffs")) {
    summary.handoffs.push_back({.gil = id_at<GilId>(pair, "gil"),
                                .from = known(id_at<ThreadId>, pair, "from"),
                                .to = known(id_at<ThreadId>, pair, "to"),
                                .count = count_at(pair, "count")});
  }
  if (!at(process, "blame").is_null()) {
    summary.blame.emplace();
    for (const json& row : array_at(process, "blame")) summary.blame->push_back(read_blame(row));
  }
  if (process.contains("loop_steps")) {  // later
    for (const json& row : array_at(process, "loop_steps"))
      summary.loop_stalls.push_back(read_loop_steps(row));
  }
  if (process.contains("further_loop_steps"))  // later
    summary.further_stalls = count_at(process, "further_loop_steps");
  if (process.contains("lock_waits")) {  // later
    for (const json& row : array_at(process, "lock_waits"))
      summary.lock_waits.push_back(read_lock_waits(row));
    summary.further_lock_waits = count_at(process, "further_lock_waits");
  }
  if (process.contains("open_lock_waits")) {  // later
    for (const json& row : array_at(process, "open_lock_waits"))
      summary.open_lock_waits.push_back(read_open_lock_wait(row));
    summary.living_threads = count_at(process, "living_threads");
  }
  if (process.contains("stops")) {  // later
    for (const json& row : array_at(process, "stops")) summary.stops.push_back(read_stops(row));
    summary.further_stops = count_at(process, "further_stops");
    summary.spun_waits = count_at(at(process, "spun_waits"), "count");
    summary.spun_ns = time_at(at(process, "spun_waits"), "total_ns");
    if (const json& gil = at(process, "gil_return"); !gil.is_null()) {
      summary.gil_return = {.since_ns = time_at(gil, "since_ns"),
                            .place = known(place_at, gil, "place"),
                            .module = known(text_at, gil, "module").value_or("")};
    }
  }
  if (process.contains("other_threads")) {  // later
    for (const json& row : array_at(process, "other_threads")) {
      const auto& read = summary.other_threads.emplace_back(read_other_thread(row));
      add_once(summary.thread_times, read_states(row, {.thread = read.id, .name = read.name}));
    }
  }
  rank(summary.thread_times);
  return summary;
}

void check_finding(const json& finding) {
  for (const char* key : {"kind", "text"}) {
    if (!at(finding, key).is_string()) refuse(fmt::format("its '{}' is no text", key));
  }
  for (const char* key : {"count", "longest_ns", "lost_ns"}) count_at(finding, key);
  for (const char* key : {"pid", "gil", "gain_ns", "cost_ns"}) known(count_at, finding, key);
  for (const char* key : {"hold_share", "at_most"}) known(number_at, finding, key);
  for (const char* key : {"culprit", "victim"}) known(id_at<ThreadId>, finding, key);
  known(place_at, finding, "place");
  if (finding.contains("work")) work_at(finding, "work");  // later
  for (const char* key : {"stood_still_ns", "since_ns", "lock_wait_ns"}) since(time_at, finding, key);
  since(count_at, finding, "threads");
  for (const char* key : {"within", "object_type", "module"}) since(text_at, finding, key);
  since(place_at, finding, "ended_at");
}

ProbeFigures read_probe(const json& probe) {
  ProbeFigures figures{.clock = kind_at(probe, "clock", {ClockKind::Tsc, ClockKind::Monotonic}),
                       .events = count_at(probe, "events"),
                       .dropped = count_at(probe, "dropped"),
                       .losses = {.unrecorded_processes = count_at(probe, "unrecorded_processes"),
                                  .overlooked_gils = count_at(probe, "overlooked_gils"),
                                  .were_slots_overwritten = bool_at(probe, "overwritten"),
                                  .are_stacks_unreadable = bool_at(probe, "stacks_unreadable")},
                       .pair_cost_ns = known(number_at, probe, "pair_cost_ns"),
                       .cost_share = known(number_at, probe, "cost_share"),
                       .capture_bytes = known(count_at, probe, "capture_bytes")};
  if (probe.contains("contended")) {  // later, all three
    figures.is_contended = bool_at(probe, "contended");
    figures.hooks_ns = known(time_at, probe, "hooks_ns");
    figures.elsewhere_ns = known(time_at, probe, "elsewhere_ns");
  }
  if (probe.contains("suspended_ns")) figures.losses.suspended = time_at(probe, "suspended_ns");  // later
  figures.losses.throttled = since(time_at, probe, "throttled_ns").value_or(Nanoseconds{});
  if (probe.contains("unrecorded_programs")) {  // likewise
    for (const auto& program : array_at(probe, "unrecorded_programs")) {
      figures.losses.unrecorded_programs.push_back(
          {.command = text_at(program, "command"), .count = count_at(program, "count")});
    }
  }
  figures.losses.unseen_cpu_share = since(number_at, probe, "unseen_cpu_share");
  figures.ends_at_drop = figures.dropped > 0 && figures.capture_bytes.has_value();
  return figures;
}

RunVerdict read_verdict(const json& verdict) {
  using Kind = RunVerdict::Kind;
  text_at(verdict, "text");  // it is worded anew, from the figures
  RunVerdict read{.kind = kind_at(verdict, "kind",
                                  {Kind::Bottleneck, Kind::NoBottleneck, Kind::OneThread,
                                   Kind::NothingRecorded, Kind::NoGil}),
                  .wait_share = known(number_at, verdict, "wait_share"),
                  .ceiling = known(number_at, verdict, "ceiling")};
  const bool is_judged = read.kind == Kind::Bottleneck || read.kind == Kind::NoBottleneck;
  if (is_judged && !read.wait_share) refuse("its verdict has no 'wait_share'");
  for (const char* key : {"hold_share", "waiters", "explained"}) since(number_at, verdict, key);
  for (const char* key : {"pid", "gil"}) since(count_at, verdict, key);
  return read;
}

// What an earlier version judged otherwise is judged as of today; that there was nothing to judge stays.
RunVerdict judge_again(const RunVerdict& read, const std::vector<ProcessSummary>& processes) {
  const bool is_judged =
      read.kind != RunVerdict::Kind::NothingRecorded && read.kind != RunVerdict::Kind::NoGil;
  return is_judged ? judge(processes) : read;
}

}  // namespace

RunSummary read_summary(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) refuse("it is no JSON object");
  if (!document.contains("schema") || document["schema"] != kSummarySchema) {
    refuse(document.contains("schema") ? fmt::format("its schema is {}", document["schema"].dump())
                                       : "it has no 'schema'");
  }
  for (const char* key : {"python", "machine", "check"}) {
    if (!at(document, key).is_object() && !at(document, key).is_null()) {
      refuse(fmt::format("its '{}' is no object", key));
    }
  }
  array_at(document, "command");
  RunSummary summary{.wall_ns = known(time_at, document, "wall_ns"),
                     .cpu_ns = known(time_at, document, "cpu_ns"),
                     .probe = read_probe(at(document, "probe")),
                     .verdict = read_verdict(at(document, "verdict"))};
  const auto exit_code = known(count_at, document, "exit_code");
  if (exit_code) summary.exit_code = static_cast<int>(*exit_code & 0xFFU);
  // Older documents have none.
  if (document.contains("ended_by") && !document["ended_by"].is_null()) {
    summary.ended_by = text_at(document, "ended_by");
  }
  if (document.contains("running")) {
    for (const json& pid : array_at(document, "running")) {
      summary.running.push_back(static_cast<std::int64_t>(whole(pid, "running", kMostCount)));
    }
  }
  for (const json& process : array_at(document, "processes")) {
    summary.processes.push_back(read_process(process, summary.processes.empty()));
  }
  // They follow from the figures; whoever reads the JSON finds them whole.
  for (const json& finding : array_at(document, "findings")) check_finding(finding);
  const bool has_threads = std::ranges::any_of(
      summary.processes, [](const ProcessSummary& process) { return !process.threads.empty(); });
  if (summary.verdict.kind == RunVerdict::Kind::Bottleneck && !has_threads) refuse("it names no thread");
  summary.verdict = judge_again(summary.verdict, summary.processes);
  summary.findings = find_in_run(summary);
  return summary;
}

}  // namespace gilscope

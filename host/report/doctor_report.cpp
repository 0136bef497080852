#include "report/doctor_report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <ranges>
#include <set>
#include <string_view>

#include <fmt/ranges.h>

#include "report/doctor_part.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kSchema = "gilscope.doctor/1";
constexpr std::string_view kGap = "  ";
constexpr std::size_t kStatusColumns = 7;  // "problem", "warning"
constexpr std::string_view kHintMark = "-> ";

std::string_view colour_code(Status status) {
  switch (status) {
    case Status::Ok:
      return "32";
    case Status::Warning:
      return "33";
    case Status::Problem:
      break;
  }
  return "1;31";
}

std::string title(const Finding& finding) {
  std::string title = finding.name;
  std::ranges::replace(title, '_', ' ');
  return title;
}

void append_finding(std::string& report, const Finding& finding, std::size_t title_columns,
                    const TextStyle& style) {
  const std::size_t indent = kGap.size() + kStatusColumns + kGap.size() + title_columns + kGap.size();
  const std::size_t columns = std::max(style.columns, indent + 20) - indent;
  std::vector<std::string> lines = wrap(replace_controls(finding.text), columns);
  if (!finding.hint.empty()) {
    std::string mark(kHintMark);
    for (const std::string& line : wrap(replace_controls(finding.hint), columns - kHintMark.size())) {
      lines.push_back(mark + line);
      mark.assign(kHintMark.size(), ' ');
    }
  }
  report += fmt::format(
      "{0}{1}{0}{2}{0}{3}\n", kGap,
      paint(pad(to_string(finding.status), kStatusColumns), colour_code(finding.status), style.colour),
      pad(title(finding), title_columns), lines.front());
  for (const std::string& line : lines | std::views::drop(1)) {
    report += fmt::format("{}{}\n", std::string(indent, ' '), line);
  }
}

std::string describe_machine(const Machine& machine) {
  std::string text = machine.model.value_or("unknown CPU");
  if (machine.cpus) text += fmt::format(", {} core{}", *machine.cpus, *machine.cpus == 1 ? "" : "s");
  if (machine.memory) text += ", " + format_bytes(static_cast<double>(machine.memory->total_bytes));
  return text;
}

std::string_view describe_effect(Effect effect) {
  switch (effect) {
    case Effect::Support:
      return "gilscope does not support this Python";
    case Effect::AllFigures:
      return "figures will say nothing of a release build";
    case Effect::GilFigures:
      return "there will be no figures of a GIL";
    case Effect::Parallelism:
      return "parallelism cannot be judged";
    case Effect::SubInterpreters:
      return "sub-interpreters gain nothing over threads";
    case Effect::Steadiness:
      return "runs will differ from each other";
    case Effect::AbsoluteTimes:
      return "figures will be good for ratios, not for absolute times";
    case Effect::Packages:
      return "packages may be missing";
    case Effect::None:
      break;
  }
  return "";
}

ordered_json jit_json(JitState jit) {
  if (jit == JitState::Unknown) return nullptr;
  return jit == JitState::Enabled;
}

ordered_json virtual_environment_json(const std::optional<VirtualEnvironment>& environment) {
  if (!environment) return nullptr;
  return {{"path", environment->path},
          {"version", or_null(environment->python_version)},
          {"used", environment->use == EnvironmentUse::Used}};
}

ordered_json python_json(const PythonBuild& python) {
  return {{"version", python.version},
          {"implementation", python.implementation},
          {"executable", python.executable},
          {"prefix", python.prefix},
          {"base_prefix", python.base_prefix},
          {"linkage", to_string(python.linkage)},
          {"free_threaded", python.is_free_threaded()},
          {"gil_enabled", python.has_gil()},
          {"config_args", or_null(python.config_args)},
          {"pgo", or_null(python.optimisation.pgo)},
          {"lto", or_null(python.optimisation.lto)},
          {"debug_build", python.build_type == BuildType::Debug},
          {"jit_enabled", jit_json(python.jit)},
          {"switch_interval_ns", or_null(python.switch_interval)},
          {"virtual_environment", virtual_environment_json(python.virtual_environment)}};
}

ordered_json quota_json(const std::optional<double>& quota) {
  if (quota && std::isinf(*quota)) return "none";
  return or_null(quota);
}

ordered_json memory_json(const std::optional<Memory>& memory) {
  if (!memory) return nullptr;
  return {{"total_bytes", memory->total_bytes}, {"available_bytes", memory->available_bytes}};
}

ordered_json machine_json(const Machine& machine) {
  const Clock& clock = machine.clock;
  return {{"cpus", or_null(machine.cpus)},
          {"allowed_cpus", or_null(machine.allowed_cpus)},
          {"cpu_quota", quota_json(machine.cpu_quota)},
          {"usable_cpus", or_null(machine.usable_cpus)},
          {"model", or_null(machine.model)},
          {"stolen_share", or_null(machine.stolen_share)},
          {"load_average", or_null(machine.load_average)},
          {"clock",
           {{"kind", name_of(clock.kind)},
            {"kernel_source", or_null(clock.kernel_source)},
            {"step_ns", or_null(clock.step)}}},
          {"memory", memory_json(machine.memory)}};
}

}  // namespace

std::string conclude(const std::vector<Finding>& findings) {
  const auto of = [&findings](Status status) {
    return static_cast<std::uint64_t>(std::ranges::count(findings, status, &Finding::status));
  };
  std::vector<std::string> counts;
  if (of(Status::Problem) > 0) counts.push_back(count_of(of(Status::Problem), "problem"));
  if (of(Status::Warning) > 0) counts.push_back(count_of(of(Status::Warning), "warning"));
  if (counts.empty()) return "Nothing found that would limit the figures.";
  std::set<Effect> effects;
  for (const Finding& finding : findings) {
    if (finding.status != Status::Ok && finding.effect != Effect::None) effects.insert(finding.effect);
  }
  std::vector<std::string_view> consequences;
  std::ranges::transform(effects, std::back_inserter(consequences), describe_effect);
  return fmt::format("{}: {}.", fmt::join(counts, ", "), fmt::join(consequences, "; "));
}

std::string format_doctor_report(const DoctorFacts& facts, const std::vector<Finding>& findings,
                                 const TextStyle& style) {
  std::size_t title_columns = 0;
  for (const Finding& finding : findings)
    title_columns = std::max(title_columns, count_columns(title(finding)));
  std::string report = fmt::format(
      "{}\n\n", fmt::join(wrap(replace_controls(describe_machine(facts.machine)), style.columns), "\n"));
  for (const Finding& finding : findings) append_finding(report, finding, title_columns, style);
  report += fmt::format("{}{}\n", findings.empty() ? "" : "\n",
                        fmt::join(wrap(conclude(findings), style.columns), "\n"));
  return report;
}

ordered_json doctor_json(const DoctorFacts& facts, const std::vector<Finding>& findings) {
  ordered_json list = ordered_json::array();
  for (const Finding& finding : findings) {
    list.push_back({{"name", finding.name},
                    {"status", to_string(finding.status)},
                    {"text", finding.text},
                    {"hint", finding.hint}});
  }
  return {{"schema", kSchema},
          {"python", python_json(facts.python)},
          {"machine", machine_json(facts.machine)},
          {"findings", std::move(list)}};
}

}  // namespace gilscope

// The machine-readable twin of the change's text.
#include <cmath>
#include <utility>

#include "report/change_report.h"
#include "report/doctor_part.h"
#include "support/json_values.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;

// Times and counts are integers.
ordered_json value_json(std::optional<double> value, FigureUnit unit) {
  if (!value) return nullptr;
  return unit == FigureUnit::Share ? ordered_json(*value) : ordered_json(std::llround(*value));
}

ordered_json figures_json(const FigureChanges& figures) {
  auto json = ordered_json::object();
  for (const auto& figure : figures) {
    json[std::string(figure.name)] = {{"before", value_json(figure.before, figure.unit)},
                                      {"after", value_json(figure.after, figure.unit)},
                                      {"difference", value_json(figure.difference(), figure.unit)},
                                      {"growth", or_null(figure.growth())}};
  }
  return json;
}

ordered_json process_json(const ProcessChange& process) {
  auto gils = ordered_json::array();
  for (const auto& gil : process.gils) {
    gils.push_back({{"id", static_cast<std::uint32_t>(gil.id)}, {"figures", figures_json(gil.figures)}});
  }
  auto threads = ordered_json::array();
  for (const auto& thread : process.threads) {
    threads.push_back({{"name", text_or_null(thread.name)}, {"figures", figures_json(thread.figures)}});
  }
  return {{"start_method", or_null(start_method_of(process.role))},
          {"before_pid", or_null(process.before_pid)},
          {"after_pid", or_null(process.after_pid)},
          {"before_name", text_or_null(process.before_name)},
          {"after_name", text_or_null(process.after_name)},
          {"figures", figures_json(process.figures)},
          {"gils", std::move(gils)},
          {"threads", std::move(threads)}};
}

ordered_json run_json(const RunSummary& run, const SummaryContext& context) {
  return {{"command", context.command},
          {"python", context.python.is_null() ? ordered_json(nullptr) : python_json(context.python)},
          {"machine", context.machine.is_null() ? ordered_json(nullptr) : machine_json(context.machine)},
          {"exit_code", or_null(run.exit_code)},
          {"verdict", name_of(run.verdict.kind)},
          {"is_whole", is_whole(run)}};
}

std::string_view name_of(Worsening worsening) noexcept {
  switch (worsening) {
    case Worsening::None:
      return "no";
    case Worsening::Small:
      return "small";
    case Worsening::Worse:
      break;
  }
  return "worse";
}

}  // namespace

ordered_json change_json(const ChangeReport& report) {
  auto processes = ordered_json::array();
  for (const auto& process : report.change.processes) processes.push_back(process_json(process));
  ordered_json answer;
  if (report.answer) {
    answer = {{"allowed", report.answer->allowed},
              {"worsening", name_of(report.answer->worsening)},
              {"text", describe_answer(*report.answer)}};
  }
  return {{"schema", kChangeSchema},
          {"before", run_json(report.before, report.before_context)},
          {"after", run_json(report.after, report.after_context)},
          {"text", describe_change(report.change)},
          {"fail_if_worse", std::move(answer)},
          {"total", figures_json(report.change.total)},
          {"processes", std::move(processes)}};
}

}  // namespace gilscope

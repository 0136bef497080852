#include "analysis/findings.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace gilscope {
namespace {

constexpr int kOldestMinor = 11;
constexpr int kNewestMinor = 15;
constexpr std::chrono::milliseconds kDefaultSwitchInterval{5};
constexpr double kStolenWarning = 0.01;
constexpr double kStolenProblem = 0.10;
// Half of the CPUs taken by others leaves the modes less than they are compared on.
constexpr double kLoadedShare = 0.5;

Finding ok(std::string name, std::string text) {
  return {.name = std::move(name), .status = Status::Ok, .text = std::move(text), .hint = ""};
}

std::string minor_version(const PythonBuild& python) {
  return fmt::format("{}.{}", python.major, python.minor);
}

Finding judge_python(const PythonBuild& python) {
  Finding finding =
      ok("python", fmt::format("{} {}, {}", python.implementation, python.version, python.executable));
  if (python.jit == JitState::Enabled) finding.text += ", JIT on";
  const auto supported = fmt::format("use CPython 3.{} to 3.{}", kOldestMinor, kNewestMinor);
  if (python.implementation != "CPython") {
    finding.text += ": not CPython, so not the GIL that is measured here";
    finding.hint = supported;
  } else if (python.major != 3 || python.minor < kOldestMinor || python.minor > kNewestMinor) {
    finding.text += fmt::format(": gilscope knows 3.{} to 3.{}", kOldestMinor, kNewestMinor);
    finding.hint = supported;
  } else if (python.release_level == ReleaseLevel::PreRelease) {
    finding.text += ": a pre-release, whose speed is not yet that of the release";
    finding.hint = "publish figures of a final release only";
    finding.status = Status::Warning;
    finding.effect = Effect::AbsoluteTimes;
    return finding;
  } else {
    return finding;
  }
  finding.status = Status::Problem;
  finding.effect = Effect::Support;
  return finding;
}

Finding judge_linkage(const PythonBuild& python) {
  switch (python.linkage) {
    case Linkage::Static:
      return ok("libpython", "static, inside this program");
    case Linkage::Stock:
      return ok("libpython", "stock: the python that runs this, nothing is embedded");
    case Linkage::Shared:
      break;
  }
  return {
      .name = "libpython",
      .status = Status::Warning,
      .text = "shared: pure Python takes 7 to 24 % longer than with a static one (measured on 3.11 to 3.13)",
      .hint = fmt::format(
          "ratios hold; for absolute times build the host with a Python whose libpython{}.a links",
          minor_version(python)),
      .effect = Effect::AbsoluteTimes};
}

Finding judge_optimisation(const PythonBuild& python) {
  const auto [pgo, lto] = python.optimisation;
  const auto word = [](std::string_view name, std::optional<bool> known) {
    return known ? fmt::format("{}{}", *known ? "" : "no ", name) : fmt::format("{} unknown", name);
  };
  Finding finding = ok("optimisation", fmt::format("{}, {}", word("PGO", pgo), word("LTO", lto)));
  if (!pgo.value_or(true) || !lto.value_or(true)) {
    finding.status = Status::Warning;
    finding.text += ": such a build is slower for no reason of the GIL's";
    finding.hint = "use a Python configured with --enable-optimizations --with-lto, or quote ratios only";
    finding.effect = Effect::AbsoluteTimes;
  } else if (!pgo || !lto) {
    finding.text +=
        ": the build's configuration does not tell (distributions optimise by rules of their own)";
  }
  return finding;
}

Finding judge_build_type(const PythonBuild& python) {
  if (python.build_type == BuildType::Release) return ok("debug_build", "no");
  return {.name = "debug_build",
          .status = Status::Problem,
          .text = "yes (Py_DEBUG): several times slower, and unevenly so; says nothing of a release build",
          .hint = "use a Python that was configured without --with-pydebug",
          .effect = Effect::AllFigures};
}

Finding judge_gil(const PythonBuild& python) {
  switch (python.gil) {
    case GilSetting::Always:
      return ok("gil", "on, as in every ordinary build");
    case GilSetting::Enabled:
      return {
          .name = "gil",
          .status = Status::Warning,
          .text = "on, in a free-threaded build: by PYTHON_GIL=1, -X gil=1 or an import that asked for it",
          .hint = "for free threading unset them; for the speed of an ordinary build use one",
          .effect = Effect::AbsoluteTimes};
    case GilSetting::Disabled:
      break;
  }
  return {.name = "gil",
          .status = Status::Warning,
          .text = "off, in a free-threaded build: there is no GIL to trace, its figures are n/a",
          .hint = fmt::format("to see the GIL use an ordinary build of {}; the modes can be compared here",
                              minor_version(python)),
          .effect = Effect::GilFigures};
}

Finding judge_subinterpreters(const PythonBuild& python) {
  if (!python.has_gil()) return ok("subinterpreters", "run in parallel, as threads do without a GIL");
  if (std::pair(python.major, python.minor) >= std::pair(3, 12)) {
    return ok("subinterpreters", "can each have a GIL of their own");
  }
  return {.name = "subinterpreters",
          .status = Status::Warning,
          .text = fmt::format("share the main interpreter's GIL in {}", minor_version(python)),
          .hint = "3.12 and later can give each a GIL of its own",
          .effect = Effect::SubInterpreters};
}

Finding judge_switch_interval(const PythonBuild& python) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  if (!python.switch_interval) return ok("switch_interval", "unknown");
  const auto text = fmt::format("{:g} ms", Milliseconds(*python.switch_interval).count());
  if (*python.switch_interval == kDefaultSwitchInterval) return ok("switch_interval", text + ", the default");
  return {
      .name = "switch_interval",
      .status = Status::Warning,
      .text = fmt::format("{}, not the default {:g} ms: it sets how long a waiter waits for a forced release",
                          text, Milliseconds(kDefaultSwitchInterval).count()),
      .hint = "look for sys.setswitchinterval in sitecustomize, usercustomize and *.pth files",
      .effect = Effect::AbsoluteTimes};
}

std::string describe_quota(const std::optional<double>& quota, unsigned allowed) {
  if (!quota) return ", the CPU quota is unknown";
  return *quota < allowed ? fmt::format(", a CPU quota grants {:.3g}", *quota) : "";
}

Finding judge_cores(const Machine& machine) {
  if (!machine.usable_cpus || !machine.allowed_cpus) {
    return {.name = "cores",
            .status = Status::Warning,
            .text = "unknown how many are usable",
            .hint = "see that /proc and /sys are mounted; without them the speed-up to expect is unknown",
            .effect = Effect::Parallelism};
  }
  const unsigned allowed = *machine.allowed_cpus;
  const bool has_quota = machine.cpu_quota.value_or(allowed) < allowed;
  Finding finding =
      ok("cores", fmt::format("{} of {} usable{}", allowed,
                              machine.cpus ? fmt::to_string(*machine.cpus) : "an unknown number",
                              describe_quota(machine.cpu_quota, allowed)));
  if (*machine.usable_cpus <= 1) {
    finding.status = Status::Problem;
    finding.text += ": no mode can run two tasks at once";
    finding.hint = has_quota ? "raise the CPU quota of the container or service to 2 or more"
                             : "give it 2 or more cores (taskset, docker --cpuset-cpus, a larger machine)";
    finding.effect = Effect::Parallelism;
  } else if (has_quota) {
    finding.status = Status::Warning;
    finding.text += ": when it is used up every thread stops until the next period";
    finding.hint = "use no more workers than the quota grants, or lift it (docker --cpus, systemd CPUQuota=)";
    finding.effect = Effect::Steadiness;
  }
  return finding;
}

Finding judge_stolen_time(const Machine& machine) {
  if (!machine.stolen_share) return ok("stolen_time", "unknown");
  const double share = *machine.stolen_share;
  Finding finding = ok("stolen_time", fmt::format("{:.1f} % of the busy time since boot", 100 * share));
  if (share > kStolenWarning) {
    finding.status = share > kStolenProblem ? Status::Problem : Status::Warning;
    finding.text += ": the hypervisor ran other machines meanwhile";
    finding.hint = "use a machine with cores of its own, or more rounds, and look at the intervals";
    finding.effect = Effect::Steadiness;
  }
  return finding;
}

Finding judge_load(const Machine& machine) {
  if (!machine.load_average) return ok("load", "unknown");
  Finding finding = ok("load", fmt::format("{:.2f} in the last minute", *machine.load_average));
  if (machine.cpus && *machine.load_average > kLoadedShare * *machine.cpus) {
    finding.status = Status::Warning;
    finding.text += fmt::format(" on {} cores: others are at work", *machine.cpus);
    finding.hint = "wait until they are done (a build that just ended counts for a minute)";
    finding.effect = Effect::Steadiness;
  }
  return finding;
}

Finding judge_probe(const std::optional<ProbeCheck>& probe) {
  if (!probe) return ok("probe", "not tried: there is no GIL to trace");
  if (!probe->refusal.empty()) {
    return {.name = "probe",
            .status = Status::Warning,
            .text = "the GIL of this Python cannot be traced: " + probe->refusal,
            .hint = probe->refusal_hint,
            .effect = Effect::GilFigures};
  }
  const bool is_exact =
      probe->seen_releases == probe->pairs && probe->seen_acquires == probe->pairs && probe->violations == 0;
#ifdef __x86_64__
  constexpr std::string_view kUntested;
#else
  constexpr std::string_view kUntested =
      " (gilscope's own tests have not been run on this kind of processor)";
#endif
  if (is_exact) {
    return ok(
        "probe",
        fmt::format("exact: saw all of {} releases and acquires of the GIL, {:.0f} ns more for a pair{}",
                    probe->pairs, std::max(0.0, probe->added_ns), kUntested));
  }
  return {.name = "probe",
          .status = Status::Problem,
          .text = fmt::format(
              "not exact: of {} releases and acquires of the GIL it saw {} and {}, {} of them out of "
              "order",
              probe->pairs, probe->seen_releases, probe->seen_acquires, probe->violations),
          .hint = "please report this, with the whole of this output",
          .effect = Effect::GilFigures};
}

Finding judge_clock(const Machine& machine) {
  const Clock& clock = machine.clock;
  std::string details = fmt::format("clocksource {}", clock.kernel_source.value_or("unknown"));
  if (clock.step) details += fmt::format(", steps of {} ns", clock.step->count());
  if (clock.kind == ClockKind::Tsc) return ok("clock", fmt::format("tsc, invariant ({})", details));
  return {.name = "clock",
          .status = Status::Warning,
          .text = fmt::format(
              "monotonic ({}): the TSC cannot be used, so each time stamp asks the kernel's clock", details),
          .hint = "tsc as the kernel's clocksource would make time stamps cheaper",
          .effect = Effect::AbsoluteTimes};
}

Finding judge_virtual_environment(const PythonBuild& python) {
  const auto& environment = python.virtual_environment;
  if (!environment) return ok("virtual_environment", "none");
  const auto version = environment->python_version;
  const bool is_other =
      version && *version != minor_version(python) && !version->starts_with(minor_version(python) + ".");
  if (environment->use == EnvironmentUse::Used && !is_other)
    return ok("virtual_environment", environment->path);
  const auto why = is_other ? fmt::format("is of Python {}, this is {}", *version, python.version)
                            : std::string("is active, but this Python does not run in it");
  return {.name = "virtual_environment",
          .status = Status::Warning,
          .text = fmt::format("{} {}: its packages are not found", environment->path, why),
          .hint = is_other
                      ? "build gilscope with that Python (PYTHON=…), or make an environment with this one"
                      : "start the python of that environment, or deactivate it",
          .effect = Effect::Packages};
}

}  // namespace

std::vector<Finding> diagnose(const DoctorFacts& facts) {
  const auto& [machine, python, probe] = facts;
  return {judge_python(python),
          judge_linkage(python),
          judge_optimisation(python),
          judge_build_type(python),
          judge_gil(python),
          judge_probe(probe),
          judge_subinterpreters(python),
          judge_switch_interval(python),
          judge_virtual_environment(python),
          judge_cores(machine),
          judge_stolen_time(machine),
          judge_load(machine),
          judge_clock(machine)};
}

std::string_view to_string(Status status) {
  switch (status) {
    case Status::Ok:
      return "ok";
    case Status::Warning:
      return "warning";
    case Status::Problem:
      break;
  }
  return "problem";
}

Status worst_status(const std::vector<Finding>& findings) {
  Status worst = Status::Ok;
  for (const Finding& finding : findings) worst = std::max(worst, finding.status);
  return worst;
}

}  // namespace gilscope

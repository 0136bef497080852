// gilscope article: the programs of an article on concurrency, and which of its claims hold when they are
// measured.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <CLI/CLI.hpp>
#include <fmt/ranges.h>

#include "cli/article_lab.h"
#include "cli/cli.h"
#include "cli/html_page.h"
#include "cli/trial_options.h"
#include "report/article_report.h"
#include "report/page.h"
#include "run/child.h"
#include "run/trial_runner.h"
#include "support/error.h"
#include "support/temporary_folder.h"

namespace gilscope::cli {
namespace {

constexpr const char* kArticleDescription =
    "Runs the programs of an article on concurrency, and says which of its claims hold here.\n\n"
    "Example: gilscope article                        (under three minutes)\n"
    "         gilscope article --full                 (the article's own durations and sizes)\n"
    "         gilscope article --html page.html       (opens in a browser)\n"
    "         gilscope article interleave_asyncio     (what this program shows)\n";

// What the article's programs take where nothing else is said: python/article/options.py.
constexpr std::uint64_t kArticleIterations = 100'000'000;
constexpr std::uint64_t kMaxIterations = 10'000'000'000;

// The sizes of a quick run, and of a full one.
struct Sizes {
  std::uint64_t iterations;
  double scale;
  double seconds;
  double timeout_s;
};
constexpr Sizes kQuick{
    .iterations = kArticleIterations / 10, .scale = 0.05, .seconds = 0.05, .timeout_s = 60};
constexpr Sizes kFull{.iterations = kArticleIterations, .scale = 1, .seconds = 0.25, .timeout_s = 600};

struct ArticleOptions {
  CommonOptions common;
  std::vector<std::string> programs;
  bool is_full = false;
  std::optional<std::uint64_t> iterations;
  std::optional<double> scale;
  std::optional<double> timeout_s;
  unsigned rounds = 5;
  std::string output;
  std::string html;
};

// "count_threads.py" is as good as "count_threads".
std::string check_program(std::string& name) {
  if (name.ends_with(".py")) name.resize(name.size() - 3);
  const auto& known = article_programs();
  if (std::ranges::find(known, name) != known.end()) return "";
  return fmt::format("{} is none of the article's programs: {}", name, fmt::join(known, ", "));
}

std::string check_scale(const std::string& text) {
  double scale = 0;
  const bool is_good = CLI::detail::lexical_cast(text, scale) && scale >= 0 && scale <= 1000;
  return is_good ? "" : fmt::format("{} is no number from 0 to 1000", text);
}

// Where the captures go: the folder of -o, or a temporary one.
std::filesystem::path make_folder(const ArticleOptions& options, const TemporaryFolder& temporary) {
  if (options.output.empty()) return temporary.path();
  const auto folder = std::filesystem::absolute(options.output);
  if (std::filesystem::exists(folder) && !options.common.force) {
    throw Error(folder.string() + " exists already", "--force overwrites the captures in it",
                ExitCode::Usage);
  }
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw Error(fmt::format("{} cannot be made: {}", folder.string(), error.message()), "", ExitCode::Usage);
  return folder;
}

int run(const ArticleOptions& options, const Invocation& invocation) {
  set_up_logging(options.common.verbosity());
  ResultOutput output(options.common, options.html);
  const InterruptGuard guard;  // outlives the folder: a signal while it is removed leaves nothing, either
  const TemporaryFolder temporary;
  // What a child leaves that is ended (multiprocessing's pymp-…, of a fork server) goes with it.
  setenv("TMPDIR", temporary.path().c_str(), 1);
  const auto folder = make_folder(options, temporary);
  const Sizes& sizes = options.is_full ? kFull : kQuick;
  use_repository_environment(invocation.host.article_folder());

  ArticleContext context{.command = invocation.command,
                         .is_full = options.is_full,
                         .iterations = options.iterations.value_or(sizes.iterations),
                         .scale = options.scale.value_or(sizes.scale),
                         .rounds = options.rounds};
  ArticleMeasurements measurements;
  std::optional<int> interrupted_by;
  try {
    const auto host = invocation.host.program();
    const auto surroundings = examine_in_child(host);
    context.python = surroundings.python;
    context.machine = surroundings.machine;
    measurements.has_gil = !context.python.at("free_threaded").get<bool>();
    measurements.usable_cpus = context.machine.at("usable_cpus").get<unsigned>();
    ArticleLab lab({.programs = options.programs.empty() ? article_programs() : options.programs,
                    .folder = folder,
                    .sources = invocation.host.article_folder(),
                    .host = host,
                    .database = temporary.path() / "company.sqlite3",
                    .iterations = context.iterations,
                    .scale = context.scale,
                    .seconds = sizes.seconds,
                    .rounds = options.rounds,
                    .timeout = from_seconds(options.timeout_s.value_or(sizes.timeout_s)),
                    .surroundings = surroundings},
                   measurements);
    Progress progress(lab.steps(), options.common.quiet);
    lab.measure(progress);
  } catch (const Interrupted& interrupted) {
    interrupted_by = interrupted.signal;
    context.is_complete = false;
    print_error("gilscope: interrupted; what was measured by then:\n");
  }
  const bool has_any = !judge_article(measurements).empty() || !measurements.programs.empty();
  if (!interrupted_by || has_any) {
    output.deliver([&] { return article_json(measurements, context); },
                   [&](const TextStyle& style) { return format_article(measurements, context, style); },
                   [&] { return article_page(measurements, context); });
  }
  return interrupted_by ? 128 + *interrupted_by : static_cast<int>(ExitCode::Done);
}

}  // namespace

void setup_article(CLI::App& app, const Invocation& invocation, Action& action) {
  const auto options = std::make_shared<ArticleOptions>();
  constexpr std::size_t kHelpColumns = 90;
  const auto names = wrap(fmt::format("{}", fmt::join(article_programs(), ", ")), kHelpColumns);
  auto* command = app.add_subcommand(
      "article", fmt::format("{}\nPrograms:\n  {}\n", kArticleDescription, fmt::join(names, "\n  ")));
  set_usage(*command, "gilscope article [options] [PROGRAM...]");
  command->add_option("PROGRAM", options->programs, "Only what these show [all]")
      ->transform(CLI::Validator(check_program, ""));
  command->add_flag("--full", options->is_full,
                    "The article's own durations and sizes: minutes rather than two");
  command
      ->add_option("--iterations", options->iterations,
                   "Iterations of each count [10000000; full: 100000000]")
      ->check(CLI::Range(std::uint64_t{1}, kMaxIterations))
      ->type_name("N");
  command->add_option("--scale", options->scale, "What the article's waits are multiplied by [0.05; full: 1]")
      ->check(check_scale)
      ->type_name("FACTOR");
  command->add_option("--rounds", options->rounds, "Interleaved rounds of each comparison [5]")
      ->check(CLI::Range(1U, 10'000U))
      ->type_name("N");
  command
      ->add_option("--timeout", options->timeout_s,
                   "Time limit of a program or trial in seconds [60; full: 600]")
      ->check(check_timeout)
      ->type_name("S");
  command->add_option("-o,--output", options->output, "Keep the captures of the programs in this folder")
      ->check([](const std::string& folder) { return folder.empty() ? "the folder's name is empty" : ""; })
      ->type_name("DIR");
  add_html(*command, options->html);
  add_json(*command, options->common);
  add_verbosity(*command, options->common);
  command->callback([options, &invocation, &action] {
    action = [options, &invocation] { return run(*options, invocation); };
  });
}

}  // namespace gilscope::cli

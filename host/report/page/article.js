// The page of the article: `gilscope article --html`.

const MARKS = { holds: "✓", "does not hold": "✗", "not testable here": "?" };

// Why a row has no figures, where there is such a row.
const reasons = (rows) => (rows.every((row) => !row.reason) ? []
  : [{ title: "not here", of: (row) => row.reason, cell: (row) => row.reason ?? "", kind: "wide" }]);

// The text of the command line keeps a figure in one line; cells are narrower.
const breakable = (text) => text.replaceAll("\u00a0", " ");

function claimTable({ report, measured }) {
  return sortableTable([
    asNumber("claim", (row) => row.id, String),
    { title: "verdict", of: (row) => row.verdict, cell: (row) => make("strong", {}, `${MARKS[row.verdict] ?? ""} ${row.verdict}`) },
    { title: "the article says", of: (row) => row.article_says, kind: "wide" },
    { title: "measured here", of: (row) => row.figures.length, cell: (row) => row.figures.map((figure) => make("div", {}, breakable(figure))), kind: "wide" },
    { title: "why", of: (row) => row.reason, kind: "wide" },
  ], report.claims.map((claim, i) => ({ ...claim, figures: measured[i] })));
}

function programTable(report) {
  const sumOf = (row, of) => row.summary?.processes.reduce((sum, process) => sum + of(process), 0) ?? null;
  return sortableTable([
    { title: "program", of: (row) => row.program, cell: (row) => (row.lines.length === 0 ? row.program
      : make("details", {}, make("summary", {}, row.program), make("pre", { class: "code" }, row.lines.join("\n")))) },
    { title: "how it went", of: (row) => row.reason, cell: (row) => row.reason ?? `exit code ${row.exit_code}` },
    asNumber("took", (row) => row.wall_ns, duration),
    asNumber("processes", (row) => row.summary?.processes.length ?? null, count),
    asNumber("threads", (row) => sumOf(row, (process) => process.threads.length), count),
    asNumber("holds", (row) => sumOf(row, (process) => process.gils.reduce((sum, gil) => sum + gil.holds, 0)), count),
    asNumber("waited", (row) => row.summary?.verdict.wait_share ?? null, share),
    { title: "verdict", of: (row) => row.summary?.verdict.text ?? null, cell: (row) => row.summary?.verdict.text ?? NONE, kind: "wide" },
  ], report.programs, { caption: "Each run once, with every event of its GILs recorded." });
}

const seconds = (value) => (value === null ? NONE : duration(value * 1e9));

const secondsTable = (report) => sortableTable([
  { title: "both counts", of: (row) => row.mode },
  asNumber("the article", (row) => row.article_s, seconds),
  asNumber("ratio", (row) => row.article_ratio, times),
  asNumber("here", (row) => row.here_s, seconds),
  { title: "ratio (95 %)", of: (row) => row.here_ratio?.median ?? null, cell: (row) => withInterval(row.here_ratio), kind: "number" },
], report.seconds);

const exchangeTable = (report) => sortableTable([
  { title: "through", of: (row) => row.way },
  { title: "between", of: (row) => row.between },
  asNumber("message", (row) => row.bytes, bytes),
  asNumber("latency", (row) => row.latency_ns, duration),
  asNumber("a second", (row) => row.bytes_per_s, bytes),
  ...reasons(report.exchange),
], report.exchange);

const flavourTable = (report) => sortableTable([
  { title: "interpreter", of: (row) => row.name },
  { title: "version", of: (row) => row.version, cell: (row) => row.version ?? NONE, kind: "wide" },
  asNumber("sequential", (row) => row.sequential_s, seconds),
  asNumber("threads", (row) => row.threads_s, seconds),
  asNumber("ratio", (row) => row.threads_by_sequential, times),
  { title: "GIL", of: (row) => (row.has_gil === null ? NONE : row.has_gil ? "yes" : "no") },
  ...reasons(report.flavours),
], report.flavours);

const COMPARISONS = {
  counting: "Counting in bytecode", native_held: "Counting in C++, the GIL held", native_released: "Counting in C++, the GIL released",
  queries: "Queries to a database", waits: "Waits",
};

function articlePage(page) {
  const { report } = page;
  const parts = [verdictBox(page.count || "no claim was measured", [page.what], !report.complete)];
  const add = (id, title, rows, table) => {
    if (rows.length > 0) parts.push(section(id, title, table(report)));
  };
  if (report.claims.length > 0) parts.push(section("claims", "The article's claims", claimTable(page)));
  add("programs", "Its programs", report.programs, programTable);
  add("seconds", "Its seconds beside ours", report.seconds, secondsTable);
  for (const [name, title] of Object.entries(COMPARISONS)) {
    const comparison = report.comparisons[name];
    if (!comparison) continue;
    parts.push(section(name, title, make("p", {}, comparison.verdict.text), speedupChart(comparison), modeTable(comparison)));
  }
  add("exchange", "What passing bytes costs", report.exchange, exchangeTable);
  add("flavours", "The counts under every Python found", report.flavours, flavourTable);
  return parts;
}

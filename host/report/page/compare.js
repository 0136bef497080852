// The page of a comparison: `gilscope compare --html`, under one Python or several.

const LABEL = 150;
const BARS = 560;
const FIGURES = 190;
const STEP = 34;

// A round step of which about five fit.
function axisStep(most) {
  const magnitude = 10 ** Math.floor(Math.log10(most / 5));
  return [1, 2, 5, 10].map((factor) => factor * magnitude).find((step) => most / step <= 6);
}

const speedupWords = (mode) => {
  if (mode.status !== "ok") return mode.status;
  return mode.mode === "sequential" && mode.speedup ? times(mode.speedup.median) : withInterval(mode.speedup);
};

// Bars with intervals, and the ceiling of threads where it lies within.
function speedupChart(comparison) {
  const { modes, verdict: { ceiling } } = comparison;
  const measured = modes.filter((mode) => mode.speedup).flatMap((mode) => [mode.speedup.median, mode.speedup.high ?? 0]);
  if (measured.length === 0) return null;
  const most = Math.max(1, ...measured) * 1.08;
  const hasCeiling = ceiling !== null && ceiling <= most;
  const x = (value) => LABEL + (value / most) * BARS;
  const bottom = modes.length * STEP + 8;
  const step = axisStep(most);
  const parts = [];
  for (let i = 0; i * step <= most; ++i) {
    parts.push(draw("line", { class: "grid", x1: x(i * step), x2: x(i * step), y1: 0, y2: bottom }),
      draw("text", { class: "faint", x: x(i * step), y: bottom + 18, "text-anchor": "middle" }, `${Number((i * step).toPrecision(3))} ×`));
  }
  modes.forEach((mode, row) => {
    const y = row * STEP + 8;
    const middle = y + 11;
    parts.push(draw("text", { x: LABEL - 10, y: middle + 4, "text-anchor": "end" }, mode.mode));
    if (mode.speedup) {
      const { median, low, high } = mode.speedup;
      parts.push(draw("rect", { class: "bar-of", x: LABEL, y, width: x(median) - LABEL, height: 22 }));
      if (low !== null && high !== null && high > low) {
        parts.push(draw("path", { class: "whisker", d: `M${x(low)} ${middle - 6}V${middle + 6}M${x(low)} ${middle}H${x(high)}M${x(high)} ${middle - 6}V${middle + 6}` }));
      }
    }
    parts.push(draw("text", { x: LABEL + BARS + 12, y: middle + 4 }, speedupWords(mode)));
  });
  if (hasCeiling) {
    const y = bottom + 38;
    parts.push(draw("line", { class: "ceiling", x1: x(ceiling), x2: x(ceiling), y1: 0, y2: bottom }),
      draw("line", { class: "ceiling", x1: LABEL, x2: LABEL + 30, y1: y, y2: y }),
      draw("text", { x: LABEL + 38, y: y + 4 }, `${times(ceiling)}: the most that threads which share a GIL can gain`));
  }
  const width = LABEL + BARS + FIGURES;
  return draw("svg", {
    viewBox: `0 0 ${width} ${bottom + (hasCeiling ? 48 : 26)}`, width, style: "max-width: 100%; height: auto", role: "img",
    "aria-label": `Speed-up: ${modes.map((mode) => `${mode.mode} ${speedupWords(mode)}`).join(", ")}`,
  }, parts);
}

const sameWords = (value) => (value === null ? NONE : value ? "yes" : "NO");

function modeTable(comparison) {
  const isBest = (row) => row.mode === comparison.verdict.best_mode;
  const interval = (estimate) => (!estimate ? NONE
    : estimate.low === null ? duration(estimate.median)
      : `${duration(estimate.median)} (${duration(estimate.low)} – ${duration(estimate.high)})`);
  return sortableTable([
    { title: "mode", of: (row) => row.mode },
    { title: "GIL", of: (row) => row.gil },
    ...(comparison.modes.every((mode) => mode.status === "ok") ? [] : [
      { title: "status", of: (row) => row.status, cell: (row) => (row.reason ? [`${row.status}: `, row.reason] : row.status), kind: "wide" },
    ]),
    { title: "work (95 %)", of: (row) => row.work_ns?.median ?? null, cell: (row) => interval(row.work_ns), kind: "number" },
    { title: "speed-up (95 %)", of: (row) => row.speedup?.median ?? null, cell: (row) => (row.status === "ok" ? speedupWords(row) : NONE), kind: "number" },
    asNumber("set-up", (row) => row.setup_ns?.median ?? null, duration),
    asNumber("CPU", (row) => row.cpu_ns, duration),
    asNumber("memory", (row) => row.max_rss_bytes, bytes),
    asNumber("in progress", (row) => row.concurrency, (value) => (value === null ? NONE : value.toFixed(2))),
    asNumber("running", (row) => row.parallelism, (value) => (value === null ? NONE : value.toFixed(2))),
    { title: "same results", of: (row) => sameWords(row.results_equal) },
  ], comparison.modes, { caption: "In progress and running: the mean number of tasks at once.", isBest });
}

function gilOfModes(comparison) {
  const rows = comparison.modes.filter((mode) => mode.gil_figures);
  if (rows.length === 0) return null;
  const figure = (title, of, words) => asNumber(title, (row) => of(row.gil_figures), words);
  return sortableTable([
    { title: "mode", of: (row) => row.mode },
    figure("holds", (gil) => gil.holds, count),
    figure("held", (gil) => gil.hold_share, share),
    figure("waits", (gil) => gil.waits, count),
    figure("waited", (gil) => gil.wait_share, share),
    figure("forced", (gil) => gil.forced, count),
    figure("hand-offs", (gil) => gil.handoffs, count),
    figure("a second", (gil) => gil.handoffs_per_s, (value) => count(Math.round(value))),
  ], rows, { caption: "What the GIL did meanwhile" });
}

function workersOfModes(comparison) {
  const rows = comparison.modes.filter((mode) => mode.worker_time);
  if (rows.length === 0) return null;
  const part = (title, name) => asNumber(title, (row) => {
    const { whole_ns: whole, [name]: part } = row.worker_time;
    return part === null || whole === 0 ? null : part / whole;
  }, share);
  return sortableTable([
    { title: "mode", of: (row) => row.mode },
    asNumber("all", (row) => row.worker_time.whole_ns, duration),
    part("as alone", "alone_ns"),
    part("for GIL", "gil_wait_ns"),
    part("for locks", "lock_wait_ns"),
    part("stopped", "stopped_ns"),
    part("no CPU", "no_cpu_ns"),
    part("no task", "no_task_ns"),
    part("the rest", "rest_ns"),
  ], rows, { caption: "Where the workers' time went. As alone: what the tasks take one after the other; with ideal scaling it is all." });
}

function tracebacks(comparison) {
  return comparison.modes.filter((mode) => mode.traceback).map((mode) =>
    make("details", {}, make("summary", {}, `${mode.mode}: ${mode.reason}`), make("pre", { class: "code" }, mode.traceback)));
}

const isGood = (verdict) => ["one_wins", "several_win", "none_wins"].includes(verdict.kind);

function comparisonParts(comparison, notes) {
  return [speedupChart(comparison), modeTable(comparison), gilOfModes(comparison),
    workersOfModes(comparison), notes.map((note) => make("p", {}, note)), tracebacks(comparison)];
}

function comparePage(page) {
  const comparisons = page.report.pythons ?? [page.report];
  const parts = [make("p", { class: "faint" }, page.what)];
  if (comparisons.length === 1) {
    const [comparison] = comparisons;
    parts.unshift(verdictBox(comparison.verdict.text, [], !isGood(comparison.verdict)));
    return [...parts, section("modes", "Speed-up over the sequential mode", comparisonParts(comparison, page.notes[0]))];
  }
  parts.push(section("pythons", "The Pythons", sortableTable([
    { title: "Python", of: (row) => row.name },
    { title: "run by", of: (row) => row.engine },
    { title: "path", of: (row) => row.path, kind: "wide" },
    { title: "sequential work", of: (row) => row.sequential?.median ?? null, cell: (row) => duration(row.sequential?.median), kind: "number" },
    { title: "of the first one's", of: (row) => row.ratio?.median ?? null, cell: (row) => withInterval(row.ratio), kind: "number" },
    { title: "verdict", of: (row) => row.verdict, kind: "wide" },
  ], comparisons.map((comparison, i) => ({
    name: page.names[i], engine: comparison.engine, path: comparison.path, ratio: comparison.sequential_ratio,
    sequential: comparison.modes.find((mode) => mode.mode === "sequential")?.work_ns, verdict: comparison.verdict.text,
  })))));
  if (page.losses.length > 0) {
    parts.push(section("losses", "Of the workers' time, against ideal scaling",
      page.losses.map((line) => make("p", {}, line))));
  }
  comparisons.forEach((comparison, i) => parts.push(section(`python-${i + 1}`, `${page.names[i]}: speed-up`,
    verdictBox(comparison.verdict.text, [], !isGood(comparison.verdict), null), comparisonParts(comparison, page.notes[i]))));
  return parts;
}

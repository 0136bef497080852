// The page of a recording: `gilscope run --html` and `gilscope report --html`.

const threadName = (process) => {
  const names = new Map([...process.threads, ...process.other_threads].filter((thread) => thread.name).map((thread) => [thread.id, thread.name]));
  return (id) => (id === null ? "(further threads)" : names.get(id) ?? `thread ${id}`);
};

const PROCESS = { title: "process", of: (row) => row.process.pid, kind: "number",
  cell: ({ process }) => [String(process.pid), process.name ? make("div", { class: "faint" }, process.name) : null] };

const fileName = (file) => file.split("/").at(-1) || file;
const lineOf = (place) => (place.line === null ? fileName(place.file) : `${fileName(place.file)}:${place.line}`);
const placeWords = (place) => (place ? `${lineOf(place)} ${place.function}` : "…");

function sourceOf(sources, place) {
  const text = place && sources[place.file]?.[place.line];
  return text ? make("span", { class: "source" }, text) : null;
}

function spanWords(row) {
  if (row.thread === null) return "nobody held it: the system was waking who waited";
  if (!row.from && !row.to) return "lines not known";
  const isWithin = row.from && row.to && row.from.file === row.to.file && row.from.function === row.to.function;
  return `${placeWords(row.from)} → ${isWithin ? lineOf(row.to) : placeWords(row.to)}`;
}

// Of library code: who called it.
const callerOf = (row, libraries) =>
  (row.to && libraries.includes(row.to.file) ? row.stack.find((place) => !libraries.includes(place.file)) : undefined);

function spanCell(row, { sources, libraries }) {
  const caller = callerOf(row, libraries);
  const isTold = row.task === null || row.task === (caller ?? row.to)?.function;
  const words = [make("span", { class: "code" }, spanWords(row)),
    caller ? make("span", { class: "code" }, ` called at ${placeWords(caller)}`) : null,
    isTold ? null : make("span", { class: "code" }, ` in the task of ${row.task}`),
    sourceOf(sources, caller ?? row.to)];
  if (row.stack.length === 0) return words;
  return make("details", {}, make("summary", {}, words),
    make("ol", { class: "code" }, row.stack.map((place) =>
      make("li", { title: place.file }, placeWords(place), sourceOf(sources, place)))));
}

function blameTable(page) {
  const { report, left_out: lost } = page;
  const rows = report.processes.flatMap((process) => (process.blame ?? []).map((row) => ({ ...row, process, nameOf: threadName(process) })))
    .sort((left, right) => right.caused_wait_ns - left.caused_wait_ns);
  const waited = report.processes.flatMap((process) => process.gils).reduce((sum, gil) => sum + gil.wait_ns, 0);
  const hasProcesses = report.processes.length > 1;
  if (report.processes.every((process) => process.blame === null)) {
    return make("p", {}, "The lines were not recorded.");
  }
  if (rows.length === 0 || waited === 0) return make("p", {}, "No thread waited for the GIL.");
  const waiters = (row) => row.waiters.filter((waiter) => waiter.wait_ns > 0)
    .sort((left, right) => right.wait_ns - left.wait_ns)
    .map((waiter) => make("div", { class: "waiter" }, make("span", {}, row.nameOf(waiter.thread)), make("span", {}, duration(waiter.wait_ns))));
  const table = sortableTable([
    asNumber("caused waiting", (row) => row.caused_wait_ns, duration),
    { title: "of all", of: (row) => row.caused_wait_ns / waited, kind: "number",
      cell: (row) => [share(row.caused_wait_ns / waited), bar(row.caused_wait_ns / waited, "waits")] },
    { title: "while it was held from → to", of: spanWords, cell: (row) => spanCell(row, page), kind: "wide" },
    { title: "by", of: (row) => (row.thread === null ? null : row.nameOf(row.thread)),
      cell: (row) => (row.thread === null ? NONE : row.nameOf(row.thread)) },
    ...(hasProcesses ? [PROCESS] : []),
    asNumber("holds", (row) => row.holds, count),
    asNumber("held", (row) => (row.holds ? row.hold_ns : null), duration),
    asNumber("each", (row) => (row.holds ? row.hold_ns / row.holds : null), duration),
    asNumber("longest", (row) => (row.holds ? row.max_hold_ns : null), duration),
    asNumber("forced", (row) => row.forced, count),
    { title: "who waited", of: (row) => row.waiters.length, cell: waiters },
  ], rows, { caption: `Holds for which others waited, by the waiting that they caused: ${duration(waited)} in all` });
  return [table, lost.blame_rows ? make("p", { class: "faint" }, `${plural(lost.blame_rows, "row")} that caused less are left out: --json has them.`) : null];
}

// What event loops ran that took 50 ms or more; nothing where there was none.
function stepTable({ report, sources }) {
  const rows = report.processes.flatMap((process) => process.loop_steps.map((row) => ({ ...row, process, nameOf: threadName(process) })));
  if (rows.length === 0) return null;
  const words = ({ place, work }) => (place ? `${place.function} (${lineOf(place)})` : work?.name ?? "…");
  const further = report.processes.reduce((sum, process) => sum + process.further_loop_steps, 0);
  const table = sortableTable([
    asNumber("in all", (row) => row.total_ns, duration),
    { title: "what it ran", of: words, kind: "wide",
      cell: (row) => [make("span", { class: "code" }, row.place ? words(row) : `collecting garbage (${words(row)})`), sourceOf(sources, row.place)] },
    { title: "loop of", of: (row) => row.nameOf(row.thread) },
    ...(report.processes.length > 1 ? [PROCESS] : []),
    asNumber("times", (row) => row.count, count),
    asNumber("longest", (row) => row.max_ns, duration),
    asNumber("after", (row) => (row.process.folded ? null : row.max_begin_ns), duration),
    asNumber("nobody else waited", (row) => row.alone, count),
  ], rows, { caption: "After: when the longest began. Nobody else waited: no timer was due, no file was watched." });
  return [table, further > 0 ? make("p", { class: "faint" }, `+ ${plural(further, "further step")} at more places than are kept.`) : null];
}

function lockWords({ lock }) {
  if (!lock) return NONE;
  return { lock: "threading.Lock", object: lock.type, python: "CPython's own" }[lock.kind];
}

// Pauses of a stopped world, and who stood; nothing where there was none.
function stopTables({ report, sources }) {
  const [hasProcesses, withNames] = [report.processes.length > 1, (process) => (row) => ({ ...row, process, nameOf: threadName(process) })];
  const stops = report.processes.flatMap((process) => process.stops.map(withNames(process)));
  if (stops.length === 0) return null;
  const where = (row) => (row.place ? `${row.place.function} (${lineOf(row.place)})` : NONE);
  const cause = (row) => [row.collection && row.call !== "gc.collect" ? "a collection of garbage" : row.call, where(row)].filter(Boolean).join(", at ");
  const place = { of: where, kind: "wide", cell: (row) => [make("span", { class: "code" }, where(row)), sourceOf(sources, row.place)] };
  const pauses = sortableTable([
    asNumber("in all", (row) => row.total_ns, duration),
    { title: "asked for by", of: cause, kind: "wide",
      cell: (row) => [make("span", { class: "code" }, cause(row)), sourceOf(sources, row.place)] },
    ...(hasProcesses ? [PROCESS] : []),
    asNumber("times", (row) => row.count, count),
    asNumber("until all stood", (row) => row.until_stood_ns, duration),
    asNumber("others lost", (row) => row.lost_ns, duration),
    asNumber("longest", (row) => row.max_ns, duration),
    { title: "of", of: (row) => row.nameOf(row.max_thread) },
    asNumber("after", (row) => (row.process.folded ? null : row.max_begin_ns), duration),
  ], stops, { caption: "All other threads stood meanwhile. After: when the longest began." });
  const stood = report.processes.flatMap((process) => process.lock_waits.filter((row) => row.waits_for === "world").map(withNames(process)));
  const further = report.processes.reduce((sum, process) => sum + process.further_stops, 0);
  return [pauses, further > 0 ? make("p", { class: "faint" }, `+ ${plural(further, "further pause")} at more places than are kept.`) : null,
    stood.length === 0 ? null : sortableTable([
      asNumber("stood in all", (row) => row.total_ns, duration),
      { title: "where", ...place },
      ...(hasProcesses ? [PROCESS] : []),
      asNumber("threads", (row) => row.threads, count),
      asNumber("times", (row) => row.count, count),
      asNumber("longest", (row) => row.max_ns, duration),
    ], stood, { caption: "Who lost the time." })];
}

// Of a run without a GIL.
function otherThreadTable({ report }) {
  const rows = report.processes.flatMap((process) => process.other_threads.map((row) => ({ ...row, process, nameOf: threadName(process) })));
  return sortableTable([
    { title: "thread", of: (row) => row.nameOf(row.id) },
    PROCESS,
    asNumber("CPU", (row) => row.cpu_ns, duration),
    asNumber("waited for a CPU", (row) => row.cpu_wait_ns, duration),
  ], rows);
}

// Where threads waited for a turn at one of Python's locks; nothing where none did.
function lockTable({ report, sources }) {
  const rows = report.processes.flatMap((process) => process.lock_waits.filter((row) => row.waits_for === "turn")
    .map((row) => ({ ...row, process, nameOf: threadName(process) })));
  if (rows.length === 0) return null;
  const words = (place, within) => [within, place ? `${place.function} (${lineOf(place)})` : null].filter(Boolean).join(", called in ") || NONE;
  const further = report.processes.reduce((sum, process) => sum + process.further_lock_waits, 0);
  const table = sortableTable([
    asNumber("waited in all", (row) => row.total_ns, duration),
    { title: "where", of: (row) => words(row.place, row.within), kind: "wide",
      cell: (row) => [make("span", { class: "code" }, words(row.place, row.within)), sourceOf(sources, row.place)] },
    ...(rows.some((row) => row.lock) ? [{ title: "lock", of: lockWords }] : []),
    { title: "ended by who stood", of: (row) => words(row.ended_at, row.ended_within), kind: "wide" },
    ...(report.processes.length > 1 ? [PROCESS] : []),
    asNumber("threads", (row) => row.threads, count),
    asNumber("waits", (row) => row.count, count),
    asNumber("longest", (row) => row.max_ns, duration),
    { title: "of", of: (row) => row.nameOf(row.max_thread) },
    asNumber("after", (row) => (row.process.folded ? null : row.max_begin_ns), duration),
  ], rows, { caption: "Another thread had the lock. After: when the longest wait began. Waits for work (a queue, a join) are in --json." });
  return [table, further > 0 ? make("p", { class: "faint" }, `+ ${plural(further, "further wait")} at more places than are kept.`) : null];
}

// What a thread did, in the order of its bar: of each the key of the JSON, what it is called, and its class.
const STATES = [["running", "Python", "python"], ["computing_without_gil", "native", "native"], ["gil_wait", "for GIL", "waits"],
  ["lock_wait", "for locks", "locks"], ["work_wait", "for work", "work"], ["stopped", "stopped", "stopped"], ["no_cpu", "no CPU", "queue"], ["blocked", "asleep", "asleep"]];

// Those of each thread are in each of its rows.
function statesOf(process) {
  const rows = new Map([...process.threads, ...process.other_threads].filter((row) => row.states).map((row) => [row.id, row]));
  return [...rows.values()].map(({ id, name, states }) => ({ id, name, states, process,
    life: STATES.reduce((sum, [key]) => sum + (states[key] ?? 0), 0) })).filter((row) => row.life > 0);
}

function timeTable({ report, left_out: lost }) {
  const idle = ({ states }) => states.blocked + (states.work_wait ?? 0);
  const rows = report.processes.flatMap(statesOf).sort((left, right) => right.life - idle(right) - left.life + idle(left));
  if (rows.length === 0) return null;
  const hasGil = report.verdict.kind !== "no_gil";
  const told = STATES.filter(([key]) => (key === "stopped" ? rows.some(({ states }) => states.stopped > 0) : hasGil || !["computing_without_gil", "gil_wait"].includes(key)))
    .map(([key, title, kind]) => [key, key === "running" && !hasGil ? "on CPU" : title, kind]);
  const part = (row, key) => (row.states[key] === null ? null : row.states[key] / row.life);
  const stack = (row) => make("span", { class: "stack", "aria-hidden": "true" }, told.map(([key, , kind]) => {
    const piece = make("i", { class: kind });
    piece.style.width = `${(100 * (part(row, key) ?? 0)).toFixed(2)}%`;
    return piece;
  }));
  const table = sortableTable([
    { title: "thread", of: (row) => row.name ?? `thread ${row.id}` },
    ...(report.processes.length > 1 ? [PROCESS] : []),
    asNumber("life", (row) => row.life, duration),
    { title: "its time", of: (row) => row.states.blocked / row.life, cell: stack, kind: "wide" },
    ...told.map(([key, title]) => asNumber(title, (row) => part(row, key), share)),
  ], rows, { caption: `Shares of its life. ${hasGil ? "Python: with the GIL. Native: C without it." : "On CPU: Python or C."} For locks: another thread had them. For work: a queue, a join.${
    told.some(([key]) => key === "stopped") ? " Stopped: another thread had stopped the world." : ""} No CPU: others had them all. Asleep: and input and output.` });
  return [make("p", { class: "tools" }, told.map(([, title, kind]) => make("span", { class: `key ${kind}` }, make("i", { class: kind }), title))), table,
    lost.threads ? make("p", { class: "faint" }, `${plural(lost.threads, "thread")} less busy are left out: --json has them.`) : null];
}

function threadTable({ report, left_out: lost }) {
  const rows = report.processes.flatMap((process) => process.threads.map((thread) => ({ ...thread, process, nameOf: threadName(process) })))
    .sort((left, right) => right.hold_ns + right.wait_ns - left.hold_ns - left.wait_ns);
  const table = sortableTable([
    { title: "thread", of: (row) => row.nameOf(row.id) },
    PROCESS,
    asNumber("GIL", (row) => row.gil, String),
    asNumber("holds", (row) => row.holds, count),
    asNumber("held", (row) => row.hold_share, share),
    asNumber("longest hold", (row) => row.hold?.max_ns ?? null, duration),
    asNumber("waits", (row) => row.waits, count),
    asNumber("waited", (row) => row.wait_share, share),
    asNumber("wait p50", (row) => row.wait?.p50_ns ?? null, duration),
    asNumber("p99", (row) => row.wait?.p99_ns ?? null, duration),
    asNumber("longest", (row) => row.wait?.max_ns ?? null, duration),
    asNumber("forced", (row) => row.forced, count),
    asNumber("CPU", (row) => row.cpu_ns, duration),
  ], rows, { caption: "Held: of its process's time. Waited: of its own life on this GIL." });
  return [table, lost.threads ? make("p", { class: "faint" }, `${plural(lost.threads, "thread")} less busy are left out: --json has them.`) : null];
}

function gilTable(report) {
  const rows = report.processes.flatMap((process) => process.gils.map((gil) => ({ ...gil, process })));
  return sortableTable([
    PROCESS,
    { title: "started by", of: (row) => row.process.start_method ?? NONE },
    asNumber("took", (row) => row.process.wall_ns, duration),
    asNumber("GIL", (row) => row.id, String),
    { title: "of interpreter", of: (row) => row.interpreters.map((id) => (id === 0 ? "main" : String(id))).join(", ") || NONE },
    asNumber("held", (row) => row.hold_share, share),
    asNumber("holds", (row) => row.holds, count),
    asNumber("forced", (row) => row.forced, count),
    asNumber("waits", (row) => row.waits, count),
    asNumber("waited", (row) => row.wait_ns, duration),
    asNumber("hand-offs", (row) => row.handoffs, count),
  ], rows);
}

function handoffMaps(report) {
  const maps = report.processes.flatMap((process) => {
    const gils = new Set(process.handoffs.map((pair) => pair.gil));
    return [...gils].map((gil) => ({ process, gil,
      number: process.handoffs.filter((pair) => pair.gil === gil).reduce((sum, pair) => sum + pair.count, 0) }));
  }).sort((left, right) => right.number - left.number);
  if (maps.length === 0) return make("p", {}, "No thread got the GIL after another.");
  const [busiest, others] = [maps.slice(0, 4), maps.length - 4];
  return [busiest.map(({ process, gil }) => heatMap(process, gil, threadName(process))),
    others > 0 ? make("p", { class: "faint" }, `${plural(others, "GIL")} with fewer hand-offs: --json has them.`) : null];
}

function summaryPage(page) {
  const { report, timeline } = page;
  const parts = [];
  const isBad = report.verdict.kind === "bottleneck";
  parts.push(verdictBox(report.verdict.text, page.advice, isBad));
  const hasGil = report.verdict.kind !== "no_gil";
  const hasEvents = hasGil && report.processes.some((process) => process.threads.length > 0);
  // What there is nothing to say of has no heading.
  const add = (id, title, element, ...more) => { if (element) parts.push(section(id, title, element, ...more)); };
  if (hasEvents || (!hasGil && report.processes.length > 0)) add("times", "Where the time of each thread went", timeTable(page));
  if (timeline) {
    add("timeline", "Timeline", new TimelineView(timeline).element(), timeline.rows_left_out
      ? make("p", { class: "faint" }, `${plural(timeline.rows_left_out, "thread")} that came later are not drawn.`) : null);
  }
  if (hasEvents) {
    add("blame", "Who made others wait", blameTable(page));
    add("steps", "Steps of event loops that took 50 ms or more", stepTable(page));
  }
  add("locks", "Waits for a turn at one of Python's locks", lockTable(page));
  if (hasEvents) {
    add("lengths", "How long holds and waits took", distributions(timeline));
    add("handoffs", "Who got the GIL after whom", handoffMaps(report));
    add("threads", "Threads", threadTable(page));
    add("gils", "Processes and their GILs", gilTable(report),
      page.left_out.processes ? make("p", { class: "faint" }, `${count(page.left_out.processes)} processes less busy are left out: --json has them.`) : null);
  }
  if (!hasGil && report.processes.length > 0) {
    add("stops", "When the world was stopped", stopTables(page));
    add("threads", "Threads", otherThreadTable(page));
  }
  if (hasGil) add("measurement", "The measurement", make("p", {}, page.probe));
  return parts;
}

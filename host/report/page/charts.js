// Distributions and hand-offs: tables whose cells are drawn too, so that they can be read without seeing the drawing.

// Sums the [bucket, number, ticks] of rows.
function sumBuckets(rows, kind) {
  const sums = new Map();
  for (const row of rows) {
    for (const [bucket, number, ticks] of row[kind]) {
      const sum = sums.get(bucket) ?? { bucket, number: 0, ticks: 0 };
      sum.number += number;
      sum.ticks += ticks;
      sums.set(bucket, sum);
    }
  }
  return [...sums.values()].sort((left, right) => left.bucket - right.bucket);
}

function distribution(timeline, rows, kind, title) {
  const sums = sumBuckets(rows, kind);
  const number = sums.reduce((all, sum) => all + sum.number, 0);
  const ticks = sums.reduce((all, sum) => all + sum.ticks, 0);
  if (number === 0) return make("div", {}, make("h3", {}, title), make("p", {}, `There were no ${kind}.`));
  const limits = timeline.duration_limits_ns;
  const name = (bucket) => (bucket + 1 < limits.length
    ? `${bucket === 0 ? "0" : roundDuration(limits[bucket])} – ${roundDuration(limits[bucket + 1])}` : `${roundDuration(limits[bucket])} –`);
  return make("div", { class: "scroll" }, make("h3", {}, title),
    make("table", {},
      make("thead", {}, make("tr", {}, ["each took", "number", "", "took together", ""].map((text, i) =>
        make("th", { scope: "col", class: i === 1 || i === 3 ? "number" : null }, text)))),
      make("tbody", {}, sums.map((sum) => make("tr", {},
        make("th", { scope: "row", class: "number" }, name(sum.bucket)),
        make("td", { class: "number" }, count(sum.number)), make("td", {}, bar(sum.number / number, kind)),
        make("td", { class: "number" }, duration(sum.ticks * timeline.tick_ns)),
        make("td", {}, bar(ticks ? sum.ticks / ticks : 0, kind)))))));
}

function distributions(timeline) {
  const rows = timeline.processes.flatMap((process) => process.rows.map((row) => ({ ...row, process })));
  const place = make("div", { class: "pair" });
  const show = (chosen) => place.replaceChildren(
    distribution(timeline, chosen, "holds", "Holds"), distribution(timeline, chosen, "waits", "Waits"));
  const nameOf = (row) => `${row.name ?? `thread ${row.thread}`} (process ${row.process.pid}, GIL ${row.gil})`;
  const select = make("select", { id: "distribution-of", onchange: () =>
    show(select.value === "all" ? rows : [rows[Number(select.value)]]) },
  make("option", { value: "all" }, "all threads"),
  rows.map((row, i) => make("option", { value: i }, nameOf(row))));
  show(rows);
  return make("div", {}, make("label", { for: "distribution-of" }, "Of "), select, place);
}

const MOST_NAMES = 16;

// Who got the GIL after whom: rows gave it up, columns got it.
function heatMap(process, gil, nameOf) {
  const pairs = process.handoffs.filter((pair) => pair.gil === gil);
  const totals = new Map();
  for (const { from, to, count: number } of pairs) {
    for (const thread of [from, to]) totals.set(thread, (totals.get(thread) ?? 0) + number);
  }
  const threads = [...totals].sort((left, right) => right[1] - left[1]).map(([thread]) => thread);
  const named = threads.slice(0, MOST_NAMES);
  const hasOthers = threads.length > named.length;
  const index = (thread) => (named.includes(thread) ? named.indexOf(thread) : named.length);
  const names = [...named.map(nameOf), ...(hasOthers ? [`${threads.length - named.length} others`] : [])];
  const cells = names.map(() => names.map(() => 0));
  for (const { from, to, count: number } of pairs) cells[index(from)][index(to)] += number;
  const most = Math.max(...cells.flat());
  const cell = (number) => {
    const one = make("td", {}, number ? count(number) : "");
    one.style.setProperty("--share", String(number / most));
    return one;
  };
  return make("div", { class: "scroll" }, make("table", { class: "heat" },
    make("caption", {}, `Process ${process.pid}, GIL ${gil}: from the thread of the row to that of the column`),
    make("thead", {}, make("tr", {}, make("td"), names.map((name) => make("th", { scope: "col", title: name }, name)))),
    make("tbody", {}, cells.map((row, i) => make("tr", {},
      make("th", { scope: "row", title: names[i] }, names[i]), row.map(cell))))));
}

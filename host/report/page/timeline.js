// When each thread held and awaited a GIL, and waited for locks. A row has cells (host/report/timeline_json.h): exact
// intervals of a small capture, sums of bins of a large one. Whatever part is looked at, the cells in it are summed to
// the columns of the screen. Times are in ticks here.

const ROW_HEIGHT = 26;

// What a row has of each cell, in the order of its numbers.
const KINDS = [
  { column: "held", noun: "hold", did: "held the GIL", key: "holds the GIL", mark: "", colour: "hold" },
  { column: "waited", noun: "wait", did: "waited for the GIL", key: "waits for it", mark: "waits", colour: "wait" },
  { column: "for locks", noun: "wait", did: "waited for a lock", key: "waits for a lock (or in a stopped world)", mark: "locks", colour: "focus" },
];
const CELL_SIZE = 2 + 2 * KINDS.length;

class Row {
  constructor(row) {
    this.name = row.name ?? `thread ${row.thread}`;
    this.gil = row.gil;
    this.bin = 2 ** row.bin_bits;
    const size = row.cells.length / CELL_SIZE;
    this.begin = new Float64Array(size);
    this.end = new Float64Array(size);
    this.ticks = KINDS.map(() => new Float64Array(size));
    this.counts = KINDS.map(() => new Float64Array(size));
    let bin = 0;
    for (let i = 0, at = 0; i < size; ++i, at += CELL_SIZE) {
      bin += row.cells[at];
      this.begin[i] = bin * this.bin;
      bin += row.cells[at + 1];
      this.end[i] = bin * this.bin;
      KINDS.forEach((_, kind) => {
        this.ticks[kind][i] = row.cells[at + 2 + kind];
        this.counts[kind][i] = row.cells[at + 2 + KINDS.length + kind];
      });
    }
  }

  // The first cell that ends after this time.
  find(time) {
    let low = 0;
    let high = this.end.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.end[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Calls take(cell, begin, end, share of the cell) for what lies within.
  visit(begin, end, take) {
    for (let i = this.find(begin); i < this.begin.length && this.begin[i] < end; ++i) {
      const from = Math.max(begin, this.begin[i]);
      const to = Math.min(end, this.end[i]);
      take(i, from, to, (to - from) / (this.end[i] - this.begin[i]));
    }
  }

  sum(begin, end) {
    const sum = { ticks: KINDS.map(() => 0), counts: KINDS.map(() => 0), cells: 0, cell: -1 };
    this.visit(begin, end, (i, from, to, part) => {
      KINDS.forEach((_, kind) => {
        sum.ticks[kind] += part * this.ticks[kind][i];
        sum.counts[kind] += part * this.counts[kind][i];
      });
      sum.cells += 1;
      sum.cell = i;
    });
    return sum;
  }

  // The ticks of each kind in each column.
  columns(begin, end, number) {
    const ticks = KINDS.map(() => new Float64Array(number));
    const width = (end - begin) / number;
    this.visit(begin, end, (i, from, to) => {
      const length = this.end[i] - this.begin[i];
      const last = Math.min(number - 1, Math.floor((to - begin) / width));
      for (let column = Math.floor((from - begin) / width); column <= last; ++column) {
        const left = begin + column * width;
        const part = Math.max(0, Math.min(to, left + width) - Math.max(from, left)) / length;
        KINDS.forEach((_, kind) => { ticks[kind][column] += part * this.ticks[kind][i]; });
      }
    });
    return { ticks, width };
  }
}

// Lines that rise, or fall.
function hatch(context, colour, rises) {
  const tile = make("canvas", { width: 6, height: 6 });
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift - 1, rises ? 7 : -1);
    pen.lineTo(shift + 7, rises ? -1 : 7);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

class TimelineView {
  constructor(timeline) {
    this.tick = timeline.tick_ns;
    this.length = Math.max(timeline.length, 1);
    this.view = { begin: 0, end: this.length };
    this.lanes = [];
    this.readout = make("output", { "aria-live": "polite", id: "window" });
    this.note = make("p", { class: "faint" });
    this.axis = make("canvas", { "aria-hidden": "true" });
    this.tip = make("div", { class: "tip", hidden: true });
    this.chosen = make("div", { class: "chosen", hidden: true });
    this.plot = make("div", {
      class: "plot", id: "plot", tabindex: "0", role: "group",
      "aria-label": "Timeline. Plus and minus zoom, the arrows left and right move, 0 shows all.",
      onkeydown: (event) => this.onKey(event),
    });
    this.plot.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    this.observer = new IntersectionObserver((entries) => {
      for (const entry of entries) entry.target.lane.isVisible = entry.isIntersecting;
      this.redraw();
    }, { rootMargin: "200px" });
    this.addLanes(timeline);
    this.plot.append(this.chosen);
    new ResizeObserver(() => this.redraw()).observe(this.plot);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
  }

  addLanes(timeline) {
    const groups = timeline.processes.map((process) => ({ process, rows: process.rows.map((row) => new Row(row)) }));
    // Of what no thread did, nothing is said.
    this.kinds = KINDS.map((_, kind) => kind)
      .filter((kind) => groups.some(({ rows }) => rows.some((row) => row.counts[kind].some((number) => number > 0))));
    this.plot.style.setProperty("--kinds", this.kinds.length);
    this.plot.append(make("div", { class: "lane axis" }, make("span", {}, "time since the start"), this.axis,
      this.kinds.map((kind) => make("span", { class: "number" }, KINDS[kind].column))));
    for (const { process, rows } of groups) {
      const gils = new Set(rows.map((row) => row.gil));
      this.plot.append(make("div", { class: "group" }, `${process.name} `,
        make("span", { class: "faint" }, `process ${process.pid}, ${duration((process.end - process.begin) * this.tick)}`)));
      for (const row of rows) this.addLane(process, row, gils.size > 1);
    }
  }

  addLane(process, row, hasGils) {
    const name = hasGils ? `${row.name}, GIL ${row.gil}` : row.name;
    const lane = {
      row, process, isVisible: false,
      canvas: make("canvas", { role: "img" }),
      shares: this.kinds.map(() => make("span", { class: "number" })),
    };
    lane.name = name;
    lane.canvas.lane = lane;
    lane.canvas.addEventListener("pointerdown", (event) => this.onChoose(event, lane));
    lane.canvas.addEventListener("pointermove", (event) => this.onHover(event, lane));
    lane.canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    lane.canvas.addEventListener("dblclick", (event) => this.zoom(2, this.timeAt(event, lane)));
    this.lanes.push(lane);
    this.plot.append(make("div", { class: "lane row" }, make("span", { title: name }, name), lane.canvas, lane.shares));
    this.observer.observe(lane.canvas);
  }

  element() {
    const button = (label, title, act) => make("button", { type: "button", title, "aria-label": title, onclick: act }, label);
    return make("div", {},
      make("div", { class: "tools" },
        button("+", "Zoom in", () => this.zoom(0.5)), button("−", "Zoom out", () => this.zoom(2)),
        button("◀", "Move left", () => this.move(-0.25)), button("▶", "Move right", () => this.move(0.25)),
        button("All", "Show all", () => this.look(0, this.length)), this.readout,
        this.kinds.map((kind) => make("span", { class: `key ${KINDS[kind].mark}` }, make("i"), KINDS[kind].key))),
      this.plot, this.tip, this.note);
  }

  look(begin, end) {
    // Ten nanoseconds, or ten ticks where those are longer.
    const least = Math.min(this.length, Math.max(10, 10 / this.tick));
    const span = Math.min(this.length, Math.max(least, end - begin));
    const from = Math.max(0, Math.min(this.length - span, begin + (end - begin - span) / 2));
    this.view = { begin: from, end: from + span };
    this.redraw();
  }

  zoom(factor, at = (this.view.begin + this.view.end) / 2) {
    this.look(at - (at - this.view.begin) * factor, at + (this.view.end - at) * factor);
  }

  move(part) {
    const shift = part * (this.view.end - this.view.begin);
    const clamped = Math.max(-this.view.begin, Math.min(this.length - this.view.end, shift));
    this.look(this.view.begin + clamped, this.view.end + clamped);
  }

  onKey(event) {
    const act = {
      "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.look(0, this.length),
      ArrowLeft: () => this.move(-0.25), ArrowRight: () => this.move(0.25),
      Home: () => this.move(-Infinity), End: () => this.move(Infinity),
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  }

  onWheel(event) {
    const canvas = this.axis.getBoundingClientRect();
    if (event.ctrlKey || event.metaKey) {
      const part = Math.min(1, Math.max(0, (event.clientX - canvas.left) / canvas.width));
      const at = this.view.begin + part * (this.view.end - this.view.begin);
      this.zoom(2 ** Math.max(-1, Math.min(1, event.deltaY / 100)), at);
    } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.move(event.deltaX / canvas.width);
    } else {
      return;
    }
    event.preventDefault();
  }

  timeAt(event, lane) {
    const box = lane.canvas.getBoundingClientRect();
    const part = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.view.begin + part * (this.view.end - this.view.begin);
  }

  // Zooms to what is dragged over.
  onChoose(event, lane) {
    if (event.button !== 0) return;
    const start = { x: event.clientX, time: this.timeAt(event, lane) };
    const controller = new AbortController();
    const options = { signal: controller.signal };
    lane.canvas.setPointerCapture(event.pointerId);
    lane.canvas.addEventListener("pointermove", (moved) => {
      const box = this.plot.getBoundingClientRect();
      this.chosen.hidden = false;
      this.chosen.style.left = `${Math.min(start.x, moved.clientX) - box.left}px`;
      this.chosen.style.width = `${Math.abs(moved.clientX - start.x)}px`;
      this.chosen.style.height = `${this.plot.scrollHeight}px`;
    }, options);
    const end = (ended) => {
      controller.abort();
      this.chosen.hidden = true;
      if (ended.type === "pointercancel" || Math.abs(ended.clientX - start.x) < 5) return;
      const time = this.timeAt(ended, lane);
      this.look(Math.min(start.time, time), Math.max(start.time, time));
    };
    lane.canvas.addEventListener("pointerup", end, options);
    lane.canvas.addEventListener("pointercancel", end, options);
  }

  onHover(event, lane) {
    const width = lane.canvas.getBoundingClientRect().width;
    const pixel = (this.view.end - this.view.begin) / width;
    const time = this.timeAt(event, lane);
    this.tip.textContent = this.describe(lane.row, time - pixel, time + pixel);
    this.tip.hidden = false;
    this.tip.style.left = `${Math.min(event.clientX + 14, innerWidth - 340)}px`;
    this.tip.style.top = `${Math.min(event.clientY + 18, innerHeight - 70)}px`;
  }

  // What a row did about a moment: in the one cell that is there, else in all of them.
  describe(row, begin, end) {
    const sum = row.sum(begin, end);
    if (sum.cells === 1) {
      begin = row.begin[sum.cell];
      end = row.end[sum.cell];
      if (end - begin > row.bin || row.bin === 1) {
        const kind = KINDS.findIndex((_, each) => row.ticks[each][sum.cell] > 0);
        return `${row.name} ${KINDS[Math.max(kind, 0)].did}: ${duration((end - begin) * this.tick)}, from ${this.words(begin)} on`;
      }
      Object.assign(sum, row.sum(begin, end));
    }
    const part = (ticks) => share(ticks / (end - begin));
    const numbers = (number, noun) => (number < 0.5 ? "" : ` (${plural(Math.round(number), noun)})`);
    const parts = this.kinds.map((kind) => `${KINDS[kind].did} ${part(sum.ticks[kind])}${numbers(sum.counts[kind], KINDS[kind].noun)}`);
    return `${row.name}, ${this.words(begin)} to ${this.words(end)}: ${parts.join(", ")}`;
  }

  words(time) {
    return moment(Math.max(0, time) * this.tick, ((this.view.end - this.view.begin) * this.tick) / 500);
  }

  print(isPrinting) {
    document.documentElement.classList.toggle("printing", isPrinting);
    this.isPrinting = isPrinting;
    this.drawAll();
  }

  redraw() {
    if (this.isAsked) return;
    this.isAsked = true;
    requestAnimationFrame(() => {
      this.isAsked = false;
      this.drawAll();
    });
  }

  drawAll() {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const colours = Object.fromEntries([...KINDS.map((kind) => kind.colour), "line", "faint", "panel"].map((name) => [name, colour(name)]));
    const { begin, end } = this.view;
    this.drawAxis(colours);
    for (const lane of this.lanes) {
      // Every row's figures are told, those of the window; only what can be seen is drawn.
      const sum = lane.row.sum(begin, end);
      const words = this.kinds.map((kind, i) => {
        lane.shares[i].textContent = share(sum.ticks[kind] / (end - begin));
        return `${KINDS[kind].did} ${lane.shares[i].textContent}`;
      });
      lane.canvas.setAttribute("aria-label", `${lane.name}: ${words.join(", ")}`);
      if (lane.isVisible || this.isPrinting) this.drawLane(lane, colours);
    }
    const isAll = end - begin >= this.length;
    this.readout.textContent = isAll
      ? `all ${duration(this.length * this.tick)}`
      : `${this.words(begin)} to ${this.words(end)}: ${duration((end - begin) * this.tick)} of ${duration(this.length * this.tick)}`;
    const bin = Math.max(...this.lanes.map((lane) => lane.row.bin));
    this.note.textContent = bin === 1 ? "Every hold and wait is here. Drag over a part, or use + and −, to look closer."
      : `Drag over a part, or use + and −, to look closer. There are too many holds and waits for a page: it has their sums in bins of at most ${duration(bin * this.tick)}. \`gilscope report --trace FILE\` writes every one, for Perfetto.`;
  }

  prepare(canvas) {
    const ratio = devicePixelRatio;
    const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
    const height = Math.round(ROW_HEIGHT * ratio);
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    return { context, width, height, ratio };
  }

  drawLane({ row, process, canvas }, colours) {
    const { context, width, height, ratio } = this.prepare(canvas);
    const { begin, end } = this.view;
    const scale = width / (end - begin);
    // Where the process lived.
    context.fillStyle = colours.panel;
    const left = Math.max(0, (process.begin - begin) * scale);
    context.fillRect(left, 0, Math.min(width, (process.end - begin) * scale) - left, height);
    const sums = row.columns(begin, end, width);
    const room = height - Math.round(2 * ratio);
    const heightOf = (ticks) => (ticks <= 0 ? 0 : Math.max(1, Math.round((ticks / sums.width) * room)));
    // One on the other.
    const tops = new Float64Array(width).fill(height);
    for (const kind of this.kinds) {
      const { mark, colour } = KINDS[kind];
      context.fillStyle = mark ? hatch(context, colours[colour], mark === "waits") : colours[colour];
      for (let x = 0; x < width; ++x) {
        const part = heightOf(sums.ticks[kind][x]);
        if (!part) continue;
        tops[x] = Math.max(0, tops[x] - part);
        context.fillRect(x, tops[x], 1, part);
      }
    }
  }

  drawAxis(colours) {
    const { context, width, height, ratio } = this.prepare(this.axis);
    const { begin, end } = this.view;
    const span = (end - begin) * this.tick;
    const most = Math.max(2, Math.floor(width / (110 * ratio)));
    const magnitude = 10 ** Math.floor(Math.log10(span / most));
    const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((size) => span / size <= most);
    context.strokeStyle = colours.faint;
    context.fillStyle = colours.faint;
    context.font = `${12 * ratio}px system-ui, "DejaVu Sans", sans-serif`;
    for (let i = Math.ceil((begin * this.tick) / step); i * step <= end * this.tick; ++i) {
      const x = Math.round((((i * step) / this.tick - begin) / (end - begin)) * width);
      context.fillRect(x, height * 0.7, ratio, height * 0.3);
      const text = moment(i * step, step);
      context.fillText(text, Math.min(x + 3 * ratio, width - context.measureText(text).width), height * 0.62);
    }
  }
}

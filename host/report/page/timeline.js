// When each thread held and awaited a GIL. A row has cells (host/report/timeline_json.h): exact intervals of a small
// capture, sums of bins of a large one. Whatever part is looked at, the cells in it are summed to the columns of the
// screen. Times are in ticks here.

const ROW_HEIGHT = 26;

class Row {
  constructor(row) {
    this.name = row.name ?? `thread ${row.thread}`;
    this.gil = row.gil;
    this.bin = 2 ** row.bin_bits;
    const size = row.cells.length / 6;
    this.begin = new Float64Array(size);
    this.end = new Float64Array(size);
    this.held = new Float64Array(size);
    this.waited = new Float64Array(size);
    this.holds = new Float64Array(size);
    this.waits = new Float64Array(size);
    let bin = 0;
    for (let i = 0, at = 0; i < size; ++i, at += 6) {
      bin += row.cells[at];
      this.begin[i] = bin * this.bin;
      bin += row.cells[at + 1];
      this.end[i] = bin * this.bin;
      this.held[i] = row.cells[at + 2];
      this.waited[i] = row.cells[at + 3];
      this.holds[i] = row.cells[at + 4];
      this.waits[i] = row.cells[at + 5];
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
    const sum = { held: 0, waited: 0, holds: 0, waits: 0, cells: 0, cell: -1 };
    this.visit(begin, end, (i, from, to, part) => {
      sum.held += part * this.held[i];
      sum.waited += part * this.waited[i];
      sum.holds += part * this.holds[i];
      sum.waits += part * this.waits[i];
      sum.cells += 1;
      sum.cell = i;
    });
    return sum;
  }

  // Held and waited ticks of each column.
  columns(begin, end, number) {
    const held = new Float64Array(number);
    const waited = new Float64Array(number);
    const width = (end - begin) / number;
    this.visit(begin, end, (i, from, to) => {
      const length = this.end[i] - this.begin[i];
      const last = Math.min(number - 1, Math.floor((to - begin) / width));
      for (let column = Math.floor((from - begin) / width); column <= last; ++column) {
        const left = begin + column * width;
        const part = Math.max(0, Math.min(to, left + width) - Math.max(from, left)) / length;
        held[column] += part * this.held[i];
        waited[column] += part * this.waited[i];
      }
    });
    return { held, waited, width };
  }
}

function hatch(context, colour) {
  const tile = make("canvas", { width: 6, height: 6 });
  const pen = tile.getContext("2d");
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift - 1, 7);
    pen.lineTo(shift + 7, -1);
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
    this.plot.append(make("div", { class: "lane axis" }, make("span", {}, "time since the start"), this.axis,
      make("span", { class: "number" }, "held"), make("span", { class: "number" }, "waited")));
    for (const process of timeline.processes) {
      const gils = new Set(process.rows.map((row) => row.gil));
      this.plot.append(make("div", { class: "group" }, `${process.name} `,
        make("span", { class: "faint" }, `process ${process.pid}, ${duration((process.end - process.begin) * this.tick)}`)));
      for (const row of process.rows) this.addLane(process, new Row(row), gils.size > 1);
    }
  }

  addLane(process, row, hasGils) {
    const name = hasGils ? `${row.name}, GIL ${row.gil}` : row.name;
    const lane = {
      row, process, isVisible: false,
      canvas: make("canvas", { role: "img" }),
      held: make("span", { class: "number held" }),
      waited: make("span", { class: "number waited" }),
    };
    lane.name = name;
    lane.canvas.lane = lane;
    lane.canvas.addEventListener("pointerdown", (event) => this.onChoose(event, lane));
    lane.canvas.addEventListener("pointermove", (event) => this.onHover(event, lane));
    lane.canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    lane.canvas.addEventListener("dblclick", (event) => this.zoom(2, this.timeAt(event, lane)));
    this.lanes.push(lane);
    this.plot.append(make("div", { class: "lane row" }, make("span", { title: name }, name), lane.canvas, lane.held, lane.waited));
    this.observer.observe(lane.canvas);
  }

  element() {
    const button = (label, title, act) => make("button", { type: "button", title, "aria-label": title, onclick: act }, label);
    return make("div", {},
      make("div", { class: "tools" },
        button("+", "Zoom in", () => this.zoom(0.5)), button("−", "Zoom out", () => this.zoom(2)),
        button("◀", "Move left", () => this.move(-0.25)), button("▶", "Move right", () => this.move(0.25)),
        button("All", "Show all", () => this.look(0, this.length)), this.readout,
        make("span", { class: "key" }, make("i"), "holds the GIL"), make("span", { class: "key waits" }, make("i"), "waits for it")),
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
        const did = row.held[sum.cell] > 0 ? "held the GIL" : "waited for the GIL";
        return `${row.name} ${did}: ${duration((end - begin) * this.tick)}, from ${this.words(begin)} on`;
      }
      Object.assign(sum, row.sum(begin, end));
    }
    const part = (ticks) => share(ticks / (end - begin));
    const numbers = (number, noun) => (number < 0.5 ? "" : ` (${plural(Math.round(number), noun)})`);
    return `${row.name}, ${this.words(begin)} to ${this.words(end)}: held ${part(sum.held)}`
      + `${numbers(sum.holds, "hold")}, waited ${part(sum.waited)}${numbers(sum.waits, "wait")}`;
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
    const colours = { hold: colour("hold"), wait: colour("wait"), line: colour("line"), faint: colour("faint"), panel: colour("panel") };
    const { begin, end } = this.view;
    this.drawAxis(colours);
    for (const lane of this.lanes) {
      // Every row's figures are told, those of the window; only what can be seen is drawn.
      const sum = lane.row.sum(begin, end);
      lane.held.textContent = share(sum.held / (end - begin));
      lane.waited.textContent = share(sum.waited / (end - begin));
      lane.canvas.setAttribute("aria-label", `${lane.name}: held ${lane.held.textContent}, waited ${lane.waited.textContent}`);
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
    context.fillStyle = colours.hold;
    for (let x = 0; x < width; ++x) {
      const held = heightOf(sums.held[x]);
      if (held) context.fillRect(x, height - held, 1, held);
    }
    context.fillStyle = hatch(context, colours.wait);
    for (let x = 0; x < width; ++x) {
      const waited = heightOf(sums.waited[x]);
      if (waited) context.fillRect(x, Math.max(0, height - heightOf(sums.held[x]) - waited), 1, waited);
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

// Figures in words, as the text of the command line has them (host/report/text.cpp).

const NONE = "–";

const UNITS = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];

// At least three significant digits of what is below 1000.
function figure(value) {
  if (value === 0) return "0";
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

function duration(ns) {
  if (ns === null || ns === undefined) return NONE;
  const [unit, size] = UNITS.find(([, size]) => ns >= size * 0.9995) ?? UNITS.at(-1);
  return `${figure(ns / size)} ${unit}`;
}

// The whole of a limit that is 1, 2 or 5 of something.
function roundDuration(ns) {
  const [unit, size] = UNITS.find(([, size]) => ns >= size) ?? UNITS.at(-1);
  return `${ns / size} ${unit}`;
}

// A moment, to the step that matters.
function moment(ns, step) {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(ns) >= size) ?? UNITS.at(-1);
  const digits = Math.max(0, Math.min(9, Math.ceil(Math.log10(size / step) + 0.01)));
  return ns === 0 ? "0" : `${(ns / size).toFixed(digits)} ${unit}`;
}

function share(value) {
  if (value === null || value === undefined) return NONE;
  if (value === 0) return "0 %";
  if (value < 0) return `-${share(-value)}`;
  const percent = 100 * value;
  if (percent < 0.001) return "<0.001 %";
  if (percent >= 9.95) return `${percent.toFixed(0)} %`;
  return `${percent.toFixed(Math.min(3, 1 - Math.floor(Math.log10(percent))))} %`;
}

const count = (value) => (value === null || value === undefined ? NONE : value.toLocaleString("en"));
const times = (value) => (value === null || value === undefined ? NONE : `${value.toFixed(2)} ×`);
const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

function bytes(value) {
  if (value === null || value === undefined) return NONE;
  const [unit, size] = [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]].find(([, size]) => value >= size)
    ?? ["B", 1];
  return `${unit === "B" ? value : figure(value / size)} ${unit}`;
}

const withInterval = (ratio) => {
  if (!ratio) return NONE;
  if (ratio.low === null || ratio.high === null) return times(ratio.median);
  return `${times(ratio.median)} (${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)})`;
};

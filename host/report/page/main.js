// Reads the document, and makes the page of its kind.

function verdictBox(text, advice, isBad, id = "verdict") {
  return make("div", { class: isBad ? "verdict bad" : "verdict", id },
    make("p", { class: "text" }, text), advice.map((one) => make("p", {}, `→ ${one}`)));
}

function head(report) {
  const command = report.command.join(" ");
  document.title = `${command} – gilscope`;
  const { python, machine } = report;
  return [make("h1", {}, command), inPlaces([
    ["Python", python && `${python.implementation ?? ""} ${python.version}`],
    ["machine", machine && [machine.model, machine.usable_cpus && `${machine.usable_cpus} CPUs`].filter(Boolean).join(", ")],
    ["took", report.wall_ns === undefined || report.wall_ns === null ? null : duration(report.wall_ns)],
    ["exit code", report.exit_code === undefined || report.exit_code === null ? null : String(report.exit_code)],
  ])];
}

const page = JSON.parse(document.getElementById("document").textContent);
const PAGES = { summary: summaryPage, compare: comparePage, article: articlePage };
const parts = PAGES[page.kind](page);
const contents = parts.filter((part) => part.tagName === "SECTION");
document.getElementById("head").append(...head(page.report), make("nav", { "aria-label": "Contents" },
  contents.map((part) => make("a", { href: `#${part.id}` }, part.firstChild.textContent))));
document.getElementById("main").replaceChildren(...parts);
document.getElementById("foot").append(`Made by gilscope ${page.gilscope}. This page asks nothing of the network.`);

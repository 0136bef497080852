// Tables that are sorted by a column: its heading is a button.

const FIRST_ROWS = 40;

// columns: {title, of: the value to sort by (null comes last), cell: what is shown [of], kind: "number" or "wide"}.
function sortableTable(columns, rows, { caption, isBest = () => false } = {}) {
  const body = make("tbody");
  const all = make("button", { type: "button", onclick: () => show(rows.length) });
  let order = rows;
  let shown = Math.min(rows.length, FIRST_ROWS);

  function show(number = shown) {
    shown = number;
    body.replaceChildren(...order.slice(0, shown).map((row) => make("tr", { class: isBest(row) ? "best" : null },
      columns.map((column) => make("td", { class: column.kind }, (column.cell ?? column.of)(row))))));
    all.hidden = shown >= rows.length;
    all.textContent = `Show all ${count(rows.length)} rows`;
  }

  function compare(left, right, sign) {
    if (left === null || left === undefined || right === null || right === undefined) {
      return (left === null || left === undefined) - (right === null || right === undefined);
    }
    const difference = typeof left === "number" ? left - right : String(left).localeCompare(String(right));
    return sign * difference;
  }

  const headings = columns.map((column) => {
    const heading = make("th", { scope: "col", class: column.kind === "number" ? "number" : null });
    heading.append(make("button", { type: "button", onclick: () => {
      // Numbers: the largest first, which is what one looks for.
      const first = column.kind === "number" ? "descending" : "ascending";
      const other = first === "descending" ? "ascending" : "descending";
      const direction = heading.getAttribute("aria-sort") === first ? other : first;
      headings.forEach((one) => one.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", direction);
      const sign = direction === "ascending" ? 1 : -1;
      order = [...rows].sort((left, right) => compare(column.of(left), column.of(right), sign));
      show();
    } }, column.title));
    return heading;
  });
  show();
  return make("div", { class: "scroll" },
    make("table", {}, caption ? make("caption", {}, caption) : null, make("thead", {}, make("tr", {}, headings)), body), all);
}

const asNumber = (title, of, words) => ({ title, of, cell: (row) => words(of(row)), kind: "number" });

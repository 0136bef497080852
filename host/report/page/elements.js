// Elements of the page. What is text stays text: nothing here takes HTML.

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

const make = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// A part of the page with a heading, which the navigation names.
function section(id, title, ...children) {
  return make("section", { id, "aria-labelledby": `${id}-title` }, make("h2", { id: `${id}-title` }, title), ...children);
}

// A share as a bar; the number stands beside it.
function bar(part, kind = "") {
  const inside = make("i");
  inside.style.width = `${(100 * part).toFixed(2)}%`;
  return make("span", { class: `bar ${kind}`, "aria-hidden": "true" }, inside);
}

const inPlaces = (list) => make("dl", { class: "facts" },
  list.filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));

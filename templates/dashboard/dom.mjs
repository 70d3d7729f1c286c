/** Small helpers around the page's elements. Texts go in as texts, never as markup. */

/** An element with properties, attributes (`aria-…`, `data-…`, `style`) and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "colour") made.style.setProperty("--colour", value);
    else if (key.includes("-") || key === "role" || key === "style" || key === "for") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** A number as short as it can be read: 0.01235, 12,346, 1.235e-7. */
export function short(value) {
  if (value === null || value === undefined) return "";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e4 && size < 1e9) return Math.round(value).toLocaleString("en");
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) return value.toExponential(3);
  return String(Number(value.toPrecision(4)));
}

/** `3 min ago`. */
export function ago(milliseconds) {
  if (milliseconds === null) return "";
  const seconds = Math.max(0, (Date.now() - milliseconds) / 1000);
  for (const [size, unit] of [
    [86400, "d"],
    [3600, "h"],
    [60, "min"],
  ])
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  return "just now";
}

/** A table whose columns can be sorted; cells are texts, numbers or elements. */
export function sortableTable(columns, rows, onRow = () => {}) {
  let sorted = { column: -1, down: false };
  const body = element("tbody");
  const draw = () => {
    const { column, down } = sorted;
    const shown = column < 0 ? rows : [...rows].sort((a, b) => compare(a[column], b[column]) * (down ? -1 : 1));
    body.replaceChildren(
      ...shown.map((row) => {
        const line = element("tr", {}, row.map(cellOf));
        onRow(line, row);
        return line;
      }),
    );
  };
  const heads = columns.map((title, column) =>
    element(
      "th",
      { className: rows.some((row) => typeof row[column] === "number") ? "number" : "" },
      element("button", {
        textContent: title,
        onclick: () => {
          sorted = { column, down: sorted.column === column && !sorted.down };
          draw();
        },
      }),
    ),
  );
  draw();
  return element(
    "div",
    { className: "wide" },
    element("table", {}, element("thead", {}, element("tr", {}, heads)), body),
  );
}

function cellOf(cell) {
  if (typeof cell === "number") return element("td", { className: "number", textContent: short(cell) });
  if (cell instanceof Node) return element("td", {}, cell);
  return element("td", { textContent: cell ?? "" });
}

function compare(a, b) {
  const [x, y] = [a, b].map((cell) => (cell instanceof Node ? (cell.dataset?.sort ?? cell.textContent) : cell));
  const [m, n] = [x, y].map((value) => (value === "" || value === null || value === undefined ? NaN : Number(value)));
  if (!Number.isNaN(m) && !Number.isNaN(n)) return m - n;
  // what is no number comes last
  if (Number.isNaN(m) !== Number.isNaN(n)) return Number.isNaN(m) ? 1 : -1;
  return String(x ?? "").localeCompare(String(y ?? ""), "en", { numeric: true });
}

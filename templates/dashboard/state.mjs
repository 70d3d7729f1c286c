/** What is known and chosen, common to all parts of the page. */

const COLOURS = [
  "#4e79a7",
  "#f28e2b",
  "#e15759",
  "#76b7b2",
  "#59a14f",
  "#d4a90d",
  "#b07aa1",
  "#ff7f9f",
  "#9c755f",
  "#7f8fa6",
  "#2aa1d8",
  "#8dc63f",
];
/** Runs that are shown at first: the latest. */
const FIRST = 8;

export const state = {
  /** Runs by id, as the server lists them. */
  runs: new Map(),
  sweeps: [],
  shown: new Set(),
  filter: "",
  onlyStarred: false,
  tab: "Charts",
  axis: "update",
  smoothing: 0,
  log: false,
  /** Part of the x-axis, `{from, to}`; null: everything. */
  range: null,
  /** Words that names of metrics have to hold. */
  metrics: "",
};

const colours = new Map();

/** The colour of a run; it stays the same while the page is open. */
export function colourOf(id) {
  if (!colours.has(id)) colours.set(id, COLOURS[colours.size % COLOURS.length]);
  return colours.get(id);
}

/** Runs that are drawn, in the order of the list. */
export function shownRuns() {
  return [...state.runs.values()].filter(({ id }) => state.shown.has(id));
}

/** Shows the run that the address names, else the latest ones. */
export function chooseFirst() {
  const wanted = new URLSearchParams(location.hash.slice(1)).get("run");
  const latest = [...state.runs.values()].sort((a, b) => (b.updated ?? b.started ?? 0) - (a.updated ?? a.started ?? 0));
  const first = wanted !== null && state.runs.has(wanted) ? [wanted] : latest.slice(0, FIRST).map(({ id }) => id);
  state.shown = new Set(first);
}

const COMPARISON = /^(.+?)(<=|>=|<|>)(-?[\d.]+(?:e[+-]?\d+)?)$/i;

/** Whether a run is listed: every word of the filter is in its name or state, or compares one of its metrics. */
export function isListed(run) {
  if (state.onlyStarred && !run.starred) return false;
  const text = `${run.id} ${run.experiment ?? ""} ${run.state}`.toLowerCase();
  return state.filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => {
      const [, name, sign, number] = COMPARISON.exec(word) ?? [];
      if (name === undefined) return text.includes(word);
      const key = Object.keys(run.values).find((each) => each.toLowerCase() === name);
      const [value, bound] = [run.values[key], Number(number)];
      if (value === undefined) return false;
      return { "<": value < bound, ">": value > bound, "<=": value <= bound, ">=": value >= bound }[sign];
    });
}

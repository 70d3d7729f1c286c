/** Curves of the shown runs, a card a metric. Only what is on the screen is fetched and drawn. */
import uPlot from "uplot";
import style from "uplot/dist/uPlot.min.css";
import { SECTIONS } from "../../lib/core/runs/metric-groups";
import { api } from "./api.mjs";
import { byId, element, short } from "./dom.mjs";
import { phases } from "./phases.mjs";
import { colourOf, shownRuns, state } from "./state.mjs";

/** Metrics of one request. */
const AT_ONCE = 6;
const HEIGHT = 220;
/** Runs that a tip names. */
const NAMED = 8;

document.head.append(element("style", { textContent: style }));

/** Cards by metric: `{ box, plot, isVisible, isStale }`. */
const cards = new Map();
let drawn = "";
let fetching = false;

const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const card = cards.get(target.dataset.metric);
      if (card !== undefined) card.isVisible = isIntersecting;
    }
    void fetchStale();
  },
  { rootMargin: "200px" },
);

/** Draws the cards that there are for the shown runs. */
export async function drawCharts(main) {
  const runs = shownRuns().map(({ id }) => id);
  const metrics = (await api.metrics(runs)).filter(isWanted);
  if (state.tab !== "Charts") return;
  const wanted = JSON.stringify(metrics);
  if (wanted !== drawn || main.querySelector(".charts") === null) {
    drawn = wanted;
    buildCards(main, metrics);
  }
  redrawPhases(main);
  markStale();
}

/** Everything is fetched again when it is on the screen. */
export function markStale() {
  for (const card of cards.values()) card.isStale = true;
  void fetchStale();
}

/** Plots are made anew: their size, colours or scales changed. */
export function rebuildPlots() {
  for (const card of cards.values()) {
    card.plot?.destroy();
    card.plot = null;
  }
  markStale();
}

function isWanted({ name }) {
  return state.metrics
    .toLowerCase()
    .split(/\s+/)
    .every((word) => name.toLowerCase().includes(word));
}

function buildCards(main, metrics) {
  observer.disconnect();
  for (const { plot } of cards.values()) plot?.destroy();
  cards.clear();
  const sections = SECTIONS.flatMap((section) => {
    const own = metrics.filter((metric) => metric.section === section);
    if (own.length === 0) return [];
    const bars = section === "Time per update" ? element("div", { className: "card phasesCard" }) : null;
    return [element("h2", { textContent: section }), bars, element("div", { className: "grid" }, own.map(cardOf))];
  });
  const empty = element("p", {
    className: "empty",
    textContent:
      state.shown.size === 0 ? "Choose runs in the list." : "These runs have logged nothing of this name yet.",
  });
  main.querySelector(".charts")?.remove();
  main.append(element("div", { className: "charts" }, sections.length === 0 ? empty : sections));
  for (const { box } of cards.values()) observer.observe(box);
}

function cardOf({ name }) {
  const plot = element("div", { className: "plot" });
  const box = element("div", { className: "card", "data-metric": name }, element("h3", { textContent: name }), plot);
  cards.set(name, { name, box, place: plot, plot: null, data: null, isVisible: false, isStale: true });
  return box;
}

async function fetchStale() {
  if (fetching) return;
  fetching = true;
  try {
    for (;;) {
      const stale = [...cards.values()].filter(({ isVisible, isStale }) => isVisible && isStale).slice(0, AT_ONCE);
      if (stale.length === 0) return;
      for (const card of stale) card.isStale = false;
      const runs = shownRuns().map(({ id }) => id);
      const width = stale[0].place.clientWidth;
      const { charts, pending } = await api.charts({
        runs,
        names: stale.map(({ name }) => name),
        axis: state.axis,
        smoothing: state.smoothing,
        // two places a pixel for few runs; many would hide each other anyway
        points: Math.round(runs.length > 20 ? width : 2 * width),
        ...(state.range === null ? {} : { range: state.range }),
      });
      for (const card of stale) {
        if (cards.get(card.name) === card) fill(card, charts[card.name]);
        // a hundred curves take a moment: between charts the page gets its turn
        await new Promise((resolve) => setTimeout(resolve));
      }
      showPending(pending.length);
      // more of them have been read by the next answer
      if (pending.length > 0) for (const card of stale) card.isStale = true;
    }
  } catch (error) {
    console.warn(error);
  } finally {
    fetching = false;
  }
}

function showPending(count) {
  byId("pending").textContent = count === 0 ? "" : `reading ${count} more runs …`;
}

function fill(card, { x, runs }) {
  const ids = Object.keys(runs);
  const rows = ids.map((id) => (state.log ? runs[id].map((y) => (y !== null && y > 0 ? y : null)) : runs[id]));
  const data = [x, ...rows];
  const same = card.plot !== null && card.ids.join("\n") === ids.join("\n");
  card.ids = ids;
  if (same) card.plot.setData(data);
  else {
    card.plot?.destroy();
    card.plot = new uPlot(optionsOf(card, ids, x.length), data, card.place);
  }
}

function optionsOf(card, ids, places) {
  const css = getComputedStyle(document.body);
  const [soft, line] = [colourIn(css, "--soft"), colourIn(css, "--line")];
  const axis = {
    stroke: soft,
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
    font: "11px system-ui",
  };
  return {
    width: card.place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 18, 0, 0],
    scales: { x: { time: false }, y: state.log ? { distr: 3 } : {} },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map(axisLabel), space: 60, size: 30 },
      { ...axis, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : short(tick))), size: 58 },
    ],
    series: [
      {},
      ...ids.map((id) => ({
        label: id,
        stroke: colourOf(id),
        width: ids.length > 20 ? 1 : 1.5,
        spanGaps: true,
        points: { show: places < 40, size: 5, fill: colourOf(id) },
      })),
    ],
    cursor: {
      sync: { key: "charts" },
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
      bind: { dblclick: () => () => zoom(null) },
    },
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          const range = { from: plot.posToVal(left, "x"), to: plot.posToVal(left + width, "x") };
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          zoom(range);
        },
      ],
      setCursor: [(plot) => showTip(plot, card)],
    },
  };
}

let onZoom = () => {};

/** What happens when a part of the x-axis is chosen (null: everything). */
export function whenZoomed(listener) {
  onZoom = listener;
}

function zoom(range) {
  if (range === null && state.range === null) return;
  state.range = range;
  onZoom();
  markStale();
}

function axisLabel(value) {
  if (value === null) return "";
  if (state.axis !== "time") return value >= 1e5 ? `${short(value / 1e3)}k` : short(value);
  return value >= 7200 ? `${short(value / 3600)} h` : value >= 120 ? `${short(value / 60)} min` : `${short(value)} s`;
}

/** A variable of the styles as a colour that a canvas knows. */
function colourIn(css, name) {
  const probe = element("span", { style: `color: var(${name})` });
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color || css.color;
}

/** The values under the pointer, those nearest to it. */
function showTip(plot, card) {
  const tip = byId("tip");
  const { left, top, idx } = plot.cursor;
  if (!plot.over.matches(":hover")) return;
  if (left < 0 || idx === null || idx === undefined) {
    tip.style.display = "none";
    return;
  }
  const found = card.ids.flatMap((id, i) => {
    const at = nearest(plot.data[i + 1], idx);
    return at < 0 ? [] : [{ id, x: plot.data[0][at], y: plot.data[i + 1][at] }];
  });
  const distance = ({ y }) => Math.abs(plot.valToPos(y, "y") - top);
  found.sort((a, b) => distance(a) - distance(b));
  tip.replaceChildren(
    element("div", {}, `${state.axis} ${axisLabel(plot.data[0][idx])}`),
    ...found
      .slice(0, NAMED)
      .map(({ id, y }) =>
        element(
          "div",
          { colour: colourOf(id) },
          element("i"),
          element("span", { textContent: id }),
          element("b", { textContent: short(y) }),
        ),
      ),
  );
  if (found.length > NAMED) tip.append(element("div", { textContent: `and ${found.length - NAMED} more` }));
  const box = plot.over.getBoundingClientRect();
  tip.style.display = "block";
  tip.style.left = `${Math.min(box.left + left + 14, innerWidth - tip.offsetWidth - 8)}px`;
  tip.style.top = `${Math.min(box.top + top + 14, innerHeight - tip.offsetHeight - 8)}px`;
}

/** The place nearest to `index` that has a value; -1: none nearby. */
function nearest(values, index) {
  for (let step = 0; step < values.length && step < 400; step++) {
    if (values[index - step] !== null && values[index - step] !== undefined) return index - step;
    if (values[index + step] !== null && values[index + step] !== undefined) return index + step;
  }
  return -1;
}

function redrawPhases(main) {
  main.querySelector(".phasesCard")?.replaceChildren(...phases(shownRuns()));
}

document.addEventListener("mousemove", ({ target }) => {
  if (!(target instanceof Element) || target.closest(".u-over") === null) byId("tip").style.display = "none";
});

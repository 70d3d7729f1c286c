/** The dashboard: lists runs, draws what is chosen, and follows the server's events. */
import { api } from "./api.mjs";
import { drawCharts, markStale, rebuildPlots, whenZoomed } from "./charts.mjs";
import { byId, element, short } from "./dom.mjs";
import { drawRunList } from "./run-list.mjs";
import { chooseFirst, state } from "./state.mjs";
import { configView, logView, picturesView, runsView, sweepsView } from "./views.mjs";

const VIEWS = { Runs: runsView, Config: configView, Pictures: picturesView, Log: logView, Sweeps: sweepsView };
const TABS = ["Charts", ...Object.keys(VIEWS)];
/** Milliseconds between redraws for events of the server. */
const PAUSE = 1000;
const KEPT = ["axis", "smoothing", "log"];

const main = byId("main");

function keep() {
  localStorage.setItem("noether-dashboard", JSON.stringify(Object.fromEntries(KEPT.map((key) => [key, state[key]]))));
}

function recall() {
  try {
    Object.assign(state, JSON.parse(localStorage.getItem("noether-dashboard") ?? "{}"));
  } catch {
    // what an older page kept
  }
}

/** Draws the chosen tab; what is there stays until the new is complete. */
let turn = 0;
async function draw() {
  const own = ++turn;
  drawRunList(draw);
  if (state.tab === "Charts") {
    if (main.dataset.tab !== "Charts") {
      main.replaceChildren(chartTools());
      main.dataset.tab = "Charts";
    }
    return drawCharts(main).catch(fail);
  }
  try {
    const parts = await VIEWS[state.tab](() => void draw());
    if (own !== turn) return;
    const scrolled = main.scrollTop;
    main.replaceChildren(...(state.tab === "Runs" ? [metricFilter(), ...parts] : parts));
    // a log is read from its end
    if (main.dataset.tab === state.tab) main.scrollTop = scrolled;
    else main.scrollTop = state.tab === "Log" ? main.scrollHeight : 0;
    main.dataset.tab = state.tab;
  } catch (error) {
    fail(error);
  }
}

function fail(error) {
  console.warn(error);
  byId("live").textContent = error.message;
  byId("live").className = "off";
}

function metricFilter() {
  const input = element("input", {
    type: "search",
    value: state.metrics,
    placeholder: "Metrics: loss test",
    "aria-label": "Filter metrics",
    onchange: () => {
      state.metrics = input.value.trim();
      void draw();
    },
  });
  return element("div", { className: "tools" }, input);
}

function chartTools() {
  const axis = element(
    "select",
    {
      "aria-label": "x-axis",
      onchange: () => {
        state.axis = axis.value;
        state.range = null;
        keep();
        showRange();
        markStale();
      },
    },
    ["update", "epoch", "sample", "time"].map((name) =>
      element("option", {
        value: name,
        textContent: `over ${name === "time" ? "time" : `${name}s`}`,
        selected: state.axis === name,
      }),
    ),
  );
  const smoothing = element("input", {
    ...{ type: "range", min: 0, max: 0.99, step: 0.01, "aria-label": "smoothing" },
    oninput: () => {
      state.smoothing = Number(smoothing.value);
      weight.textContent = short(state.smoothing);
      keep();
      markStale();
    },
  });
  smoothing.value = state.smoothing;
  const weight = element("span", { textContent: short(state.smoothing) });
  const log = element("input", {
    type: "checkbox",
    checked: state.log,
    onchange: () => {
      state.log = log.checked;
      keep();
      rebuildPlots();
    },
  });
  const reset = element("button", {
    className: "plain",
    id: "reset",
    onclick: () => {
      state.range = null;
      showRange();
      markStale();
    },
  });
  const tools = metricFilter();
  tools.append(
    axis,
    element("label", {}, "smoothing", smoothing, weight),
    element("label", {}, log, "logarithmic"),
    reset,
  );
  showRange(reset);
  return tools;
}

function showRange(reset = byId("reset")) {
  if (reset === null) return;
  reset.hidden = state.range === null;
  if (state.range !== null) reset.textContent = `${short(state.range.from)} to ${short(state.range.to)} ✕`;
}

function chooseTab(tab) {
  state.tab = tab;
  for (const button of byId("tabs").children) button.setAttribute("aria-selected", String(button.textContent === tab));
  void draw();
}

/** Runs as the server lists them now. */
function take(runs, removed, sweeps) {
  for (const run of runs) state.runs.set(run.id, run);
  for (const id of removed) {
    state.runs.delete(id);
    state.shown.delete(id);
  }
  if (sweeps) state.sweeps = sweeps;
}

function follow() {
  const events = new EventSource("/api/events");
  const live = byId("live");
  let waiting = null;
  events.addEventListener("open", async () => {
    live.textContent = "live";
    live.className = "on";
    // what happened while nobody listened
    const { runs, sweeps } = await api.runs();
    take(
      runs,
      [...state.runs.keys()].filter((id) => !runs.some((run) => run.id === id)),
      sweeps,
    );
    void draw();
  });
  events.addEventListener("error", () => {
    live.textContent = "disconnected";
    live.className = "off";
  });
  events.addEventListener("runs", ({ data }) => {
    const { runs, removed, sweeps } = JSON.parse(data);
    const fresh = runs.filter(({ id, state: now }) => !state.runs.has(id) && now === "running");
    take(runs, removed, sweeps);
    for (const { id } of fresh) state.shown.add(id);
    waiting ??= setTimeout(() => {
      waiting = null;
      void draw();
    }, PAUSE);
  });
}

async function start() {
  recall();
  byId("tabs").append(
    ...TABS.map((tab) =>
      element("button", {
        role: "tab",
        textContent: tab,
        "aria-selected": String(tab === state.tab),
        onclick: () => chooseTab(tab),
      }),
    ),
  );
  byId("filter").oninput = ({ target }) => {
    state.filter = target.value.trim();
    drawRunList(draw);
    if (state.tab === "Runs") void draw();
  };
  byId("starred").onclick = ({ target }) => {
    state.onlyStarred = !state.onlyStarred;
    target.setAttribute("aria-pressed", String(state.onlyStarred));
    void draw();
  };
  byId("menu").onclick = ({ target }) =>
    target.setAttribute("aria-expanded", String(document.body.classList.toggle("menu")));
  whenZoomed(() => showRange());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuildPlots);
  new ResizeObserver(rebuildSoon).observe(main);
  const { title, runs, sweeps } = await api.runs();
  byId("title").textContent = title;
  document.title = `${title} · noether-ts`;
  take(runs, [], sweeps);
  chooseFirst();
  await draw();
  follow();
}

let resizing = null;
let width = 0;
function rebuildSoon() {
  clearTimeout(resizing);
  resizing = setTimeout(() => {
    if (main.clientWidth === width) return;
    if (width !== 0) rebuildPlots();
    width = main.clientWidth;
  }, 200);
}

start().catch(fail);

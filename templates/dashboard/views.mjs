/** The tabs besides the charts: runs, configs, pictures, logs, sweeps. */
import { api } from "./api.mjs";
import { ago, element, sortableTable } from "./dom.mjs";
import { colourOf, isListed, shownRuns, state } from "./state.mjs";

/** Runs whose configs stand side by side, whose pictures are shown. */
const SIDE_BY_SIDE = 12;
/** Metrics that the table has at most. */
const COLUMNS = 24;

const chosen = { run: null, picture: null, update: Infinity, sweep: null, onlyDifferent: true };

const note = (text) => element("p", { className: "empty", textContent: text });
const none = () => note("Choose runs in the list.");

/** Every listed run with the last values of its metrics. */
export async function runsView() {
  const runs = [...state.runs.values()].filter(isListed);
  if (runs.length === 0) return [note("No run is listed.")];
  const words = state.metrics.toLowerCase().split(/\s+/);
  const names = new Set(runs.flatMap(({ values }) => Object.keys(values)));
  const isResult = (name) => !/^(optim|train_time|memory|gradient|lossdiff)\//.test(name);
  const columns = [...names]
    .filter((name) =>
      state.metrics === "" ? isResult(name) : words.every((word) => name.toLowerCase().includes(word)),
    )
    .sort()
    .slice(0, COLUMNS);
  const rows = runs.map((run) => [
    element("span", { colour: colourOf(run.id), className: "legend", "data-sort": run.id }, element("i"), run.id),
    element("span", { className: run.state, textContent: run.state }),
    run.epoch,
    run.update,
    element("span", {
      className: "ago",
      "data-sort": String(run.updated ?? 0),
      textContent: ago(run.updated ?? run.started),
    }),
    element("a", { href: api.reportUrl(run.id), target: "_blank", textContent: "report" }),
    ...columns.map((name) => run.values[name] ?? ""),
  ]);
  return [sortableTable(["run", "state", "epoch", "update", "last entry", "", ...columns], rows)];
}

/** The configs of the shown runs side by side. */
export async function configView(redraw) {
  const runs = shownRuns().slice(0, SIDE_BY_SIDE);
  if (runs.length === 0) return [none()];
  const configs = await Promise.all(runs.map(({ id }) => api.config(id)));
  const keys = [...new Set(configs.flatMap((config) => Object.keys(config)))];
  const differs = (key) => new Set(configs.map((config) => JSON.stringify(config[key]))).size > 1;
  const onlyDifferent = chosen.onlyDifferent && runs.length > 1;
  const shown = keys.filter((key) => !onlyDifferent || differs(key));
  const box = element("input", {
    type: "checkbox",
    checked: chosen.onlyDifferent,
    onchange: () => {
      chosen.onlyDifferent = box.checked;
      redraw();
    },
  });
  const text = (value) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));
  const rows = shown.map((key) => [key, ...configs.map((config) => text(config[key]))]);
  return [
    element("div", { className: "tools" }, element("label", {}, box, "differences only")),
    rows.length === 0
      ? note("These runs have the same config.")
      : sortableTable(["key", ...runs.map(({ id }) => id)], rows, (line, [key]) => {
          if (runs.length > 1 && differs(key)) line.className = "differs";
        }),
  ];
}

/** Pictures that the shown runs have stored: predicted, true, difference. */
export async function picturesView(redraw) {
  const runs = shownRuns().slice(0, SIDE_BY_SIDE);
  const sets = await Promise.all(runs.map(async ({ id }) => ({ id, pictures: await api.pictures(id) })));
  const names = [...new Set(sets.flatMap(({ pictures }) => pictures.map(({ name }) => name)))].sort();
  if (names.length === 0)
    return [
      runs.length === 0 ? none() : note("These runs have stored no pictures: a FieldPictureCallback makes them."),
    ];
  if (!names.includes(chosen.picture)) chosen.picture = names[0];
  const updates = [
    ...new Set(sets.flatMap(({ pictures }) => pictures.filter(isChosen).map(({ update }) => update))),
  ].sort((a, b) => a - b);
  const at = updates.findLastIndex((update) => update <= chosen.update);
  const place = at < 0 ? updates.length - 1 : at;
  const list = element(
    "select",
    {
      "aria-label": "picture",
      onchange: () => {
        chosen.picture = list.value;
        redraw();
      },
    },
    names.map((name) => element("option", { value: name, textContent: name, selected: name === chosen.picture })),
  );
  const slider = element("input", {
    type: "range",
    min: 0,
    max: updates.length - 1,
    "aria-label": "update",
    oninput: () => {
      chosen.update = Number(slider.value) === updates.length - 1 ? Infinity : updates[slider.value];
      redraw();
    },
  });
  slider.value = place;
  const tools = element("div", { className: "tools" }, list, element("label", {}, slider, `update ${updates[place]}`));
  const rows = sets.flatMap(({ id, pictures }) => {
    const own = pictures.filter((set) => isChosen(set) && set.update <= updates[place]).at(-1);
    if (own === undefined) return [];
    return [
      element("h2", { textContent: own.update === updates[place] ? id : `${id} (update ${own.update})` }),
      element("div", { className: "figures" }, figures(id, own)),
    ];
  });
  return [tools, ...rows];
}

const isChosen = ({ name }) => name === chosen.picture;
const ORDER = ["predicted", "true", "difference"];

function figures(run, { name, update, files }) {
  const rank = (shows) => (ORDER.indexOf(shows) + 1 || ORDER.length + 1) - 1;
  return Object.entries(files)
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([shows, file]) =>
      element(
        "figure",
        {},
        element("img", { src: api.pictureUrl(run, file), alt: `${name}, ${shows}, update ${update}` }),
        element("figcaption", { textContent: shows }),
      ),
    );
}

/** The end of a run's log. */
export async function logView(redraw) {
  const runs = shownRuns();
  if (runs.length === 0) return [none()];
  if (!state.shown.has(chosen.run)) chosen.run = runs[0].id;
  const list = element(
    "select",
    {
      "aria-label": "run",
      onchange: () => {
        chosen.run = list.value;
        redraw();
      },
    },
    runs.map(({ id }) => element("option", { value: id, textContent: id, selected: id === chosen.run })),
  );
  const text = await api.log(chosen.run);
  return [
    element(
      "div",
      { className: "tools" },
      list,
      element("a", { href: api.reportUrl(chosen.run), target: "_blank", textContent: "report" }),
    ),
    element("pre", { textContent: text === "" ? "The log is empty." : text }),
  ];
}

/** The results of a sweep. */
export async function sweepsView(redraw) {
  if (state.sweeps.length === 0) return [note("There is no folder with the results.csv of a sweep here.")];
  if (!state.sweeps.includes(chosen.sweep)) chosen.sweep = state.sweeps[0];
  const list = element(
    "select",
    {
      "aria-label": "sweep",
      onchange: () => {
        chosen.sweep = list.value;
        redraw();
      },
    },
    state.sweeps.map((id) => element("option", { value: id, textContent: id, selected: id === chosen.sweep })),
  );
  const { columns, rows } = await api.sweep(chosen.sweep);
  const isNumber = (text) => text !== "" && Number.isFinite(Number(text));
  const show = element("button", {
    className: "plain",
    textContent: "show its runs",
    onclick: () => {
      const prefix = chosen.sweep === "." ? "" : `${chosen.sweep}/`;
      state.shown = new Set([...state.runs.keys()].filter((id) => id.startsWith(prefix)));
      redraw();
    },
  });
  return [
    element("div", { className: "tools" }, list, show, `${rows.length} runs`),
    sortableTable(
      columns,
      rows.map((row) => row.map((text) => (isNumber(text) ? Number(text) : text))),
    ),
  ];
}

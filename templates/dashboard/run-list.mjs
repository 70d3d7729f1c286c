/** The list of runs at the side. */
import { api } from "./api.mjs";
import { ago, byId, element } from "./dom.mjs";
import { colourOf, isListed, state } from "./state.mjs";

export function drawRunList(onChange) {
  const listed = [...state.runs.values()].filter(isListed);
  byId("count").textContent = `${state.shown.size} of ${state.runs.size} shown`;
  byId("runs").replaceChildren(...listed.map((run) => itemOf(run, onChange)));
  byId("all").onclick = () => show(listed, onChange);
  byId("none").onclick = () => show([], onChange);
}

function show(runs, onChange) {
  state.shown = new Set(runs.map(({ id }) => id));
  onChange();
}

function itemOf(run, onChange) {
  const { id, experiment, starred } = run;
  const box = element("input", {
    type: "checkbox",
    id: `run ${id}`,
    checked: state.shown.has(id),
    onchange: () => {
      if (box.checked) state.shown.add(id);
      else state.shown.delete(id);
      onChange();
    },
  });
  const star = element("button", {
    className: "star",
    textContent: "★",
    "aria-pressed": String(starred),
    "aria-label": `mark ${id}`,
    onclick: async () => {
      await api.star(id, !starred);
      state.runs.set(id, { ...run, starred: !starred });
      onChange();
    },
  });
  const progress = run.state === "running" && run.done !== null ? `${Math.floor(100 * run.done)} %, ` : "";
  return element(
    "li",
    { className: state.shown.has(id) ? "shown" : "", colour: colourOf(id) },
    box,
    element("label", { for: `run ${id}` }, element("b", { textContent: id })),
    star,
    element(
      "small",
      {},
      element("span", { className: run.state, textContent: run.state }),
      `, ${experiment === null ? "" : `${experiment}, `}${progress}update ${run.update.toLocaleString("en")}, ${ago(run.updated ?? run.started)}`,
    ),
  );
}

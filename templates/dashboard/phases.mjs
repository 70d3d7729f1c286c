/** What the time of an update is spent on, a bar a run. */
import { element, short } from "./dom.mjs";

const PHASES = [
  ["data_wait", "waiting for data", "#e15759"],
  ["forward", "forward", "#4e79a7"],
  ["backward", "backward and optimizer", "#f28e2b"],
];
/** Runs that get a bar. */
const MOST = 12;

export function phases(runs) {
  const bars = runs
    .slice(0, MOST)
    .map(({ id, values }) => ({ id, parts: PHASES.map(([part]) => values[`train_time/${part}/mean`] ?? 0) }))
    .filter(({ parts }) => parts.some((seconds) => seconds > 0));
  if (bars.length === 0) return [];
  const longest = Math.max(...bars.map(({ parts }) => sum(parts)));
  const rows = bars.flatMap(({ id, parts }) => [
    element("span", { textContent: id, title: id }),
    element(
      "div",
      { className: "bar", role: "img", "aria-label": describe(parts) },
      parts.map((seconds, i) =>
        element("div", {
          style: `width: ${(100 * seconds) / longest}%; background: ${PHASES[i][2]}`,
          title: `${PHASES[i][1]}: ${time(seconds)}`,
        }),
      ),
    ),
    element("b", { textContent: time(sum(parts)) }),
  ]);
  const legend = PHASES.map(([, name, colour]) => element("span", { colour }, element("i"), ` ${name}`));
  return [element("div", { className: "legend" }, legend), element("div", { className: "phases" }, rows)];
}

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const time = (seconds) => (seconds < 1 ? `${short(1000 * seconds)} ms` : `${short(seconds)} s`);
const describe = (parts) => parts.map((seconds, i) => `${PHASES[i][1]} ${time(seconds)}`).join(", ");

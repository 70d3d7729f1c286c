import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeYaml } from "../../config/yaml/writer";
import { packageRoot } from "../../torch/loader";
import { getLogger } from "../logging";
import { durationForPeople } from "../logging/formatters";
import {
  align,
  describeRun,
  MetricsReader,
  type MetricTable,
  namesOf,
  PICTURES,
  readLog,
  readPictures,
  readRunConfig,
  type RunDescription,
  type Section,
  SECTIONS,
  sectionOf,
  seriesOf,
} from "../runs";
import { writeTextFile } from "../writers/text-file";
import { escapeHtml, htmlFacts, htmlPage, htmlPicture, htmlTable } from "./html";
import { lineChart } from "./line-chart";

/** File in the folder of a run. */
const FILE = "report.html";
/** Places of the x-axis of a chart, charts of a section, bytes of pictures: so that the page stays small. */
const MOST = { points: 600, charts: 12, pictureBytes: 12 * 2 ** 20 } as const;
/** Lines at the end of the log of a run that failed. */
const LAST_LINES = 25;

/**
 * Writes `report.html` into the folder of a run that has ended, complete or not at all: one file without a network, with curves, last and
 * best metrics, config, versions, time and memory, and the latest pictures. It is made from what the run left there.
 *
 * Never throws: a run does not fail because of its report.
 */
export async function writeRunReport(folder: string): Promise<void> {
  const logger = getLogger("report");
  try {
    const path = join(folder, FILE);
    writeTextFile(path, await runReport(folder));
    logger.info(`report: ${path}`);
  } catch (error) {
    logger.warning(`no report was written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The page of {@link writeRunReport}. */
export async function runReport(folder: string): Promise<string> {
  const [run, table, config, log] = await Promise.all([
    describeRun(folder),
    new MetricsReader(folder).refresh(),
    readRunConfig(folder),
    readLog(folder),
  ]);
  const failed = /^\S+ C .*the run failed:[\s\S]*/m.exec(log)?.[0];
  const title = [run.experiment, folder.split(/[/\\]/).slice(-2).join("/")].filter(Boolean).join(": ");
  return htmlPage(
    title,
    [
      htmlFacts(factsOf(folder, run, table, log)),
      failed === undefined ? "" : `<h2 class="failed">The run failed</h2><pre>${escapeHtml(lastLines(failed))}</pre>`,
      metricsTable(run, table),
      timesTable(run),
      ...SECTIONS.map((section) => chartsOf(table, section)),
      await picturesOf(folder),
      `<h2>Config</h2><details><summary>what the run was started with (hp_resolved.yaml)</summary><pre>${escapeHtml(writeYaml(config))}</pre></details>`,
    ].join("\n"),
  );
}

function factsOf(folder: string, run: RunDescription, table: MetricTable, log: string): [string, string][] {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as { version: string };
  // what the log says of the machine
  const logged = (name: string): string =>
    new RegExp(`^\\S+ D (?:E=\\S+ U=\\S+ )?${name}: (.*)$`, "m").exec(log)?.[1] ?? "";
  const times = table
    .keys()
    .map((key) => table.series(key, "time"))
    .filter((series) => series !== undefined);
  const last = times.reduce((latest, { x }) => Math.max(latest, x.at(-1) ?? 0), 0);
  const parameters = Object.entries(run.summary).find(([key]) => /^param_count\/[^/]+$/.test(key))?.[1];
  const memory = seriesOf(table, "memory/peak_gib")?.y;
  const facts: [string, string][] = [
    ["folder", folder],
    ["progress", `epoch ${run.epoch}, update ${run.update}, sample ${run.sample}`],
    [
      "started",
      run.started === null ? "" : new Date(run.started).toISOString().slice(0, 19).replace("T", " ") + " UTC",
    ],
    ["logged for", table.length > 1 ? durationForPeople(last) : ""],
    ["parameters", typeof parameters === "number" ? parameters.toLocaleString("en") : ""],
    ["most tensor memory", memory === undefined ? "" : `${memory.reduce((a, b) => Math.max(a, b), 0).toFixed(2)} GiB`],
    ["noether-ts", version],
    ["torch", /"torch":"([^"]*)"/.exec(logged("torch"))?.[1] ?? ""],
    ["node", process.version],
    ["system", logged("system")],
    ["git commit", logged("git commit")],
  ];
  return facts.filter(([, value]) => value !== "");
}

function metricsTable(run: RunDescription, table: MetricTable): string {
  const names = namesOf(table).filter((name) => ["Losses", "Metrics", "Throughput"].includes(sectionOf(name)));
  if (names.length === 0) return "";
  const rows = names.sort().map((name) => {
    const y = [...seriesOf(table, name)!.y];
    const finite = y.filter(Number.isFinite);
    const bound = (pick: (a: number, b: number) => number): string =>
      finite.length === 0 ? "" : short(finite.reduce(pick));
    return [name, short(y.at(-1)!), bound((a, b) => Math.min(a, b)), bound((a, b) => Math.max(a, b)), String(y.length)];
  });
  return `<h2>Metrics</h2>\n${htmlTable(["metric", "last", "smallest", "largest", "values"], rows)}`;
}

const PHASES: Readonly<Record<string, string>> = { data_wait: "#e15759", forward: "#4e79a7", backward: "#f28e2b" };

/** What an update's time is spent on, by the last values. */
function timesTable({ values }: RunDescription): string {
  const parts = Object.entries(PHASES).flatMap(([name, colour]) => {
    const seconds = values[`train_time/${name}/mean`];
    return seconds === undefined ? [] : [{ name, colour, seconds }];
  });
  const total = parts.reduce((sum, { seconds }) => sum + seconds, 0);
  if (!(total > 0)) return "";
  const share = (seconds: number): string => `${((100 * seconds) / total).toFixed(1)}%`;
  const bar = parts.map(({ colour, seconds }) => `<div style="width:${share(seconds)};background:${colour}"></div>`);
  const rows = parts.map(({ name, seconds }) => [
    name.replace("_", " "),
    `${short(1000 * seconds)} ms`,
    share(seconds),
  ]);
  return `<h2>Time of an update</h2><div class="bar">${bar.join("")}</div>${htmlTable(["part", "mean", "share"], rows)}`;
}

function chartsOf(table: MetricTable, section: Section): string {
  const names = namesOf(table)
    .filter((name) => sectionOf(name) === section)
    .sort();
  if (names.length === 0) return "";
  const charts = names.slice(0, MOST.charts).map((name) => {
    const { x, y } = align([seriesOf(table, name)!], MOST.points);
    const positive = y[0]!.filter((value): value is number => value !== null);
    const isLog = section === "Losses" && positive.length > 0 && positive.every((value) => value > 0);
    return lineChart([{ label: name, x, y: y[0]! }], { title: name, xLabel: "update", isLog });
  });
  const more = names.length > MOST.charts ? `<p>and ${names.length - MOST.charts} more: noether-ts dashboard</p>` : "";
  return `<h2>${section}</h2><div class="charts">${charts.join("\n")}</div>${more}`;
}

/** The last pictures of each name, as many as fit. */
async function picturesOf(folder: string): Promise<string> {
  const latest = new Map((await readPictures(folder)).map((set) => [set.name, set]));
  let room: number = MOST.pictureBytes;
  const rows: string[] = [];
  for (const { name, update, files } of latest.values()) {
    const shown = Object.entries(files)
      .map(([shows, file]) => [shows, join(folder, PICTURES, file)] as const)
      .filter(([, path]) => existsSync(path))
      .sort(([a], [b]) => rank(a) - rank(b));
    const pngs = shown.map(([shows, path]) => [shows, readFileSync(path)] as const);
    room -= pngs.reduce((sum, [, png]) => sum + png.length, 0);
    if (room < 0) break;
    const figures = pngs.map(([shows, png]) => htmlPicture(png, `${name}, ${shows}`, shows)).join("");
    rows.push(`<h3>${escapeHtml(name)}, update ${update}</h3><div class="row">${figures}</div>`);
  }
  return rows.length === 0 ? "" : `<h2>Pictures</h2>\n${rows.join("\n")}`;
}

const ORDER = ["predicted", "true", "difference"];
const rank = (shows: string): number => (ORDER.indexOf(shows) + 1 || ORDER.length + 1) - 1;

const lastLines = (text: string): string => text.trimEnd().split("\n").slice(0, LAST_LINES).join("\n");
const short = (value: number): string =>
  Number.isFinite(value) ? String(Number(value.toPrecision(5))) : String(value);

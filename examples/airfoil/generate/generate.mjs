/**
 * Makes the data set: simulates every case of cases.mjs with OpenFOAM and writes ../data/{train,val,test}.safetensors
 * and ../data/cases.json. One core, about ten seconds a case. Finished cases are kept in the work folder, so an
 * interrupted run goes on where it stopped.
 *
 *   node generate.mjs [--work DIR] [--limit N]
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cases, spare } from "./cases.mjs";
import { readCase, runSimpleFoam, VISCOSITY, writeCase } from "./foam.mjs";
import { writeSafetensors } from "./safetensors.mjs";

/** 12064 cells. */
export const GRID = { surface: 160, wake: 36, layers: 52, firstCell: 3e-4, radius: 30 };
const MAX_ITERATIONS = 600;
/** A case counts as converged when its lift coefficient moved by less than this over the last 100 iterations … */
const SETTLED = 5e-3;
/** … and the initial residual of the pressure equation is below this. */
const RESIDUAL = 3e-4;
/** Volume points are drawn from the cells in this window. */
const WINDOW = { x: [-0.75, 1.75], y: [-0.75, 0.75] };
const VOLUME_POINTS = 3072;

const { values: options } = parseArgs({ options: { work: { type: "string" }, limit: { type: "string" } } });
const work = options.work ?? join(tmpdir(), "noether-airfoil");
const output = join(dirname(fileURLToPath(import.meta.url)), "..", "data");

/** Small deterministic generator (mulberry32), uniform in [0, 1). */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Cells drawn without replacement with a weight that grows with the cell's size up to 2 % of a chord: dense near the
 * surface, where the fields vary, but not only in the boundary layer, where the cells are thinnest.
 * (Efraimidis and Spirakis: the largest values of u^(1/w).)
 */
function drawVolumePoints(cells, layers, random) {
  const candidates = [];
  cells.forEach((cell, n) => {
    const [x, y] = cell.position;
    if (x < WINDOW.x[0] || x > WINDOW.x[1] || y < WINDOW.y[0] || y > WINDOW.y[1]) return;
    const outward = cells[n % layers === layers - 1 ? n - 1 : n + 1].position;
    const size = Math.hypot(outward[0] - x, outward[1] - y);
    candidates.push({ cell, key: random() ** (0.02 / Math.min(size, 0.02)) });
  });
  if (candidates.length < VOLUME_POINTS) throw new Error(`only ${candidates.length} cells in the window`);
  candidates.sort((a, b) => b.key - a.key);
  return candidates.slice(0, VOLUME_POINTS).map(({ cell }) => cell);
}

function simulate(item, seed) {
  const directory = join(work, "case");
  const conditions = { shape: item.shape, angle: item.angle, speed: item.reynolds * VISCOSITY };
  const mesh = writeCase(directory, conditions, { grid: GRID, endTime: MAX_ITERATIONS });
  const started = Date.now();
  const log = runSimpleFoam(directory);
  const seconds = (Date.now() - started) / 1000;
  const residual = Number([...log.matchAll(/Solving for p, Initial residual = (\S+),/g)].at(-1)[1]);
  const result = readCase(directory, mesh, conditions);
  const { lift, drag, iterations, settled } = result;
  const converged = settled < SETTLED && residual < RESIDUAL;
  const cells = drawVolumePoints(result.cells, mesh.layers, uniform(seed));
  return {
    report: { lift, drag, iterations, settled, residual, seconds, converged },
    surface_position: result.surface.flatMap(({ from, to }) => [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2]),
    surface_pressure: result.surface.map(({ pressure }) => pressure),
    volume_position: cells.flatMap(({ position }) => position),
    volume_velocity: cells.flatMap(({ velocity }) => velocity),
    volume_pressure: cells.map(({ pressure }) => pressure),
  };
}

mkdirSync(work, { recursive: true });
const list = cases().slice(0, options.limit ? Number(options.limit) : undefined);
const done = [];
let spares = 0;
for (const [number, planned] of list.entries()) {
  const path = join(work, `${planned.name}.json`);
  let result;
  if (existsSync(path)) {
    result = JSON.parse(readFileSync(path, "utf8"));
    spares += result.replaced.length;
  } else {
    const replaced = [];
    for (let item = planned; ; item = { ...planned, ...spare(spares++) }) {
      if (replaced.length > 5) throw new Error(`${planned.name}: no operating point converges`);
      let fields;
      let failure;
      try {
        fields = simulate(item, 1 + number);
        if (!fields.report.converged) failure = fields.report;
      } catch (error) {
        failure = { error: String(error.message).slice(-300) };
      }
      if (!failure) {
        result = { ...item, ...fields, replaced };
        break;
      }
      console.log(
        `${item.name}: angle ${item.angle}, Re ${item.reynolds} does not converge: ${JSON.stringify(failure)}`,
      );
      replaced.push({ angle: item.angle, reynolds: item.reynolds, ...failure });
    }
    writeFileSync(`${path}.tmp`, JSON.stringify(result));
    renameSync(`${path}.tmp`, path);
  }
  const { lift, drag, iterations, settled, seconds } = result.report;
  console.log(
    `${number + 1}/${list.length} ${result.name} ${result.split}: angle ${result.angle}, Re ${result.reynolds}: ` +
      `lift ${lift.toFixed(4)}, drag ${drag.toFixed(5)}, ${iterations} iterations, settled ${settled.toExponential(1)}, ${seconds.toFixed(1)} s`,
  );
  done.push(result);
}
rmSync(join(work, "case"), { recursive: true, force: true });

mkdirSync(output, { recursive: true });
const stack = (items, key, dtype, shape) => ({
  dtype,
  shape: [items.length, ...shape],
  values: items.flatMap((item) => item[key]),
});
for (const split of ["train", "val", "test"]) {
  const items = done.filter((item) => item.split === split);
  if (items.length === 0) continue;
  const tensors = {
    surface_position: stack(items, "surface_position", "F32", [GRID.surface, 2]),
    surface_pressure: stack(items, "surface_pressure", "F16", [GRID.surface, 1]),
    volume_position: stack(items, "volume_position", "F32", [VOLUME_POINTS, 2]),
    volume_velocity: stack(items, "volume_velocity", "F16", [VOLUME_POINTS, 2]),
    volume_pressure: stack(items, "volume_pressure", "F16", [VOLUME_POINTS, 1]),
    inflow_design_parameters: {
      dtype: "F32",
      shape: [items.length, 2],
      values: items.flatMap(({ angle, reynolds }) => [angle, reynolds * VISCOSITY]),
    },
    geometry_design_parameters: {
      dtype: "F32",
      shape: [items.length, 3],
      values: items.flatMap(({ shape }) => [shape.camber, shape.position, shape.thickness]),
    },
  };
  writeSafetensors(join(output, `${split}.safetensors`), tensors, {
    cases: JSON.stringify(items.map(({ name }) => name)),
  });
}
const index = done.map(({ name, split, digits, angle, reynolds, report, replaced }) => ({
  name,
  split,
  naca: digits,
  angle,
  reynolds,
  speed: reynolds * VISCOSITY,
  lift: report.lift,
  drag: report.drag,
  iterations: report.iterations,
  settled: report.settled,
  residual: report.residual,
  replaced,
}));
writeFileSync(join(output, "cases.json"), `[\n${index.map((entry) => `  ${JSON.stringify(entry)}`).join(",\n")}\n]\n`);

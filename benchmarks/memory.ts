/**
 * Memory over many updates of a small model: live tensors must stay flat, and resident memory must grow by less than
 * 1 KiB an update (slope of a line through samples taken after a warm-up).
 *
 *   npx tsx benchmarks/memory.ts [--updates 20000]
 *
 * Exits with 1 when a bound does not hold.
 */
import { parseArgs } from "node:util";
import { memory, nn, optim, randn, scope, setNumThreads } from "../lib/torch";

const { values: options } = parseArgs({ options: { updates: { type: "string", default: "20000" } } });
const updates = Number(options.updates);
const every = Math.max(1, Math.floor(updates / 100));
const warmUp = Math.floor(updates / 5);

/** Slope of the least-squares line through (x, y). */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (index: 0 | 1): number => points.reduce((sum, point) => sum + point[index], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return covariance / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

setNumThreads(1);
const model = new nn.Sequential(
  new nn.Linear(32, 64),
  new nn.LayerNorm(64),
  new nn.GELU(),
  new nn.Dropout(0.1),
  new nn.Linear(64, 8),
);
const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });

function update(): number {
  return scope(() => {
    const [x, y] = [randn([16, 32]), randn([16, 8])];
    optimizer.zeroGrad();
    const loss = nn.functional.mseLoss(model.forward(x), y);
    loss.backward();
    nn.utils.clipGradNorm_(model.parameters(), 1);
    optimizer.step();
    return loss.item();
  });
}

const resident: [number, number][] = [];
const tensors: number[] = [];
for (let i = 0; i < updates; i++) {
  update();
  if (i < warmUp || i % every !== 0) continue;
  resident.push([i, process.memoryUsage.rss()]);
  tensors.push(memory().tensors);
}

const bytesPerUpdate = slope(resident);
const flat = Math.min(...tensors) === Math.max(...tensors);
console.log(`| over ${updates} updates | measured | bound |\n|---|---|---|`);
console.log(`| live tensors, least to most | ${Math.min(...tensors)} to ${Math.max(...tensors)} | flat |`);
console.log(`| growth of resident memory an update | ${bytesPerUpdate.toFixed(0)} B | 1024 B |`);
console.log(`| resident memory at the end | ${(resident.at(-1)![1] / 2 ** 20).toFixed(0)} MiB | |`);
if (!flat || bytesPerUpdate >= 1024) process.exitCode = 1;

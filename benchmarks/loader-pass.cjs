// One pass of benchmarks/loader.ts, and what it took; loader.py is PyTorch's.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const { manualSeed, scope } = require("../dist/torch");
const { DataLoader, datasetFromFile } = require("../dist/data");

const [folder, samples, numWorkers, batchSize, started] = process.argv.slice(2);

const memory = () => Number(/^Pss: +(\d+)/m.exec(readFileSync("/proc/self/smaps_rollup", "utf8"))[1]);

async function main() {
  manualSeed(0);
  const dataset = await datasetFromFile(`${join(__dirname, "loader-dataset.cjs")}#Cars`, folder, Number(samples));
  const start = performance.now();
  const loader = new DataLoader(dataset, {
    batchSize: Number(batchSize),
    numWorkers: Number(numWorkers),
    shuffle: true,
  });
  const iterator = loader[Symbol.asyncIterator]();
  await scope(async () => void (await iterator.next()));
  const first = (performance.now() - start) / 1000;
  const since_start = Date.now() / 1000 - Number(started);
  let kib = 0;
  let total = 0;
  for (let number = 0, done = false; !done; number++) {
    done = await scope(async () => {
      const next = await iterator.next();
      if (!next.done) total += next.value.volume_sdf.sum().item();
      return next.done === true;
    });
    if (number % 40 === 0) kib = Math.max(kib, memory());
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(JSON.stringify({ first, since_start, seconds, kib, total }));
}

void main();

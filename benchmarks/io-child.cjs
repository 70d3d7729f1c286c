// Our side of io.ts, on the built package: fetches, and prints seconds and peak memory (VmHWM) as JSON.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const [service, out, jobs] = process.argv.slice(2);

async function main() {
  const start = performance.now();
  const io = require(join(__dirname, "..", "dist", "io", "index.js"));
  io.configureLogging({ sink: () => undefined });
  if (service === "hub") await io.fetchHuggingfaceRepoSnapshot("o/n", out, { jobs: Number(jobs) });
  else await io.fetchS3Prefix("b", "", out, null, { jobs: Number(jobs) });
  const seconds = (performance.now() - start) / 1000;
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
  console.log(JSON.stringify({ seconds, peak }));
}

void main();

/**
 * `noether-ts serve` under load beside the same run behind FastAPI and uvicorn, computed by PyTorch: one prediction at a time with all cores,
 * and as many as there are cores with one each. All answer the same requests, in turns; before that their answers are compared. What counts
 * is the faster one of the two.
 *
 *     npx tsx benchmarks/serving.ts RUN [--requests 2000] [--rounds 4] [--connections 8] [--points 1000] [--python PYTHON | --alone]
 *
 * RUN is a finished run of examples/airfoil (the other side knows its pipeline), built dist/ is needed. PYTHON (or the variable of this name)
 * has torch, fastapi, uvicorn[standard]. Every request is one case with as many points on the surface as in the volume, as JSON with base64.
 * Exits with 1 when a bound does not hold.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import autocannon from "autocannon";
import { manualSeed, rand } from "../lib/torch";
import { median } from "./statistics";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    requests: { type: "string", default: "2000" },
    rounds: { type: "string", default: "4" },
    connections: { type: "string", default: "8" },
    points: { type: "string", default: "1000" },
    threads: { type: "string" },
    python: { type: "string", default: process.env["PYTHON"] ?? "python3" },
    alone: { type: "boolean", default: false },
  },
});
const [path] = positionals;
if (path === undefined) throw new Error("expected the folder of a run");

/**
 * Times as many requests a second; seconds of the event loop's delay (p99); MiB between the least memory of the two halves of the load,
 * of which some gather in every thread before V8 collects them (over 9000 requests it goes up and down by 60 MiB).
 */
const BOUNDS = { throughput: 1.2, delay: 0.02, growth: 32 };
const PORTS = { ours: 18461, python: 18462, pythonMany: 18463 };
type Side = keyof typeof PORTS;
const COMMAND = join(__dirname, "..", "dist", "cli", "noether-ts.js");

interface Answer {
  readonly fields: Readonly<Record<string, { readonly shape: readonly number[]; readonly base64: string }>>;
}

const address = (side: Side): string => `http://127.0.0.1:${PORTS[side]}`;
const headers = { "content-type": "application/json" };

/** A case as the body of a request. */
function makeBody(points: number): string {
  manualSeed(0);
  const input = (shape: number[]) => {
    const values = rand(shape).mul(0.8).dataSync() as Float32Array; // within the bounds of the example
    return { shape, base64: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64") };
  };
  const inputs = {
    surface_position: input([points, 2]),
    volume_position: input([points, 2]),
    inflow_design_parameters: input([2]),
  };
  return JSON.stringify({ inputs, encoding: "base64" });
}

/** Waits until a server answers a prediction; throws with what it says instead. */
async function firstAnswer(side: Side, child: ChildProcess, body: string): Promise<Answer> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${side}: the server ended with code ${child.exitCode}`);
    const response = await fetch(`${address(side)}/predict`, { method: "POST", headers, body }).catch(() => null);
    if (response?.ok) return (await response.json()) as Answer;
    if (response) throw new Error(`${side}: ${response.status} ${await response.text()}`);
    await delay(200);
  }
}

function largestDifference(a: Answer, b: Answer): number {
  const numbers = (text: string): Float32Array => new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);
  let largest = 0;
  for (const [name, { base64 }] of Object.entries(a.fields)) {
    const other = numbers(b.fields[name]!.base64);
    numbers(base64).forEach((value, i) => (largest = Math.max(largest, Math.abs(value - other[i]!))));
  }
  return largest;
}

/** Sends requests; gives what the load generator measured, and how many were answered a second until the last one was. */
async function shoot(side: Side, body: string, amount: number) {
  const connections = Number(options.connections);
  const started = performance.now();
  let answered = started; // the generator itself ends with a whole second
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const load = { method: "POST", headers, body, amount, connections, timeout: 120 } as const;
    autocannon({ url: `${address(side)}/predict`, ...load }, (error: Error | null, all) =>
      error === null ? resolve(all) : reject(error),
    ).on("response", () => (answered = performance.now()));
  });
  if (result["2xx"] !== amount || result.errors > 0)
    throw new Error(`${side}: ${result["2xx"]} answers, ${result.non2xx} refused, ${result.errors} errors`);
  return { latency: result.latency, rate: (1000 * amount) / (answered - started) };
}

/** Seconds of processor time that a process has used so far, on Linux; elsewhere NaN. */
function processorTime({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return NaN;
  }
}

async function gauge(name: string): Promise<number> {
  const text = await (await fetch(`${address("ours")}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)![1]);
}

function startOurs(): ChildProcess {
  const threads = options.threads === undefined ? [] : ["--threads", options.threads];
  return spawn(process.execPath, [COMMAND, "serve", path!, "--port", String(PORTS.ours), ...threads], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** Python's two sides: as many threads of an operator as there are cores, which is PyTorch's default, or as many predictions. */
function startPython(side: Side, folder: string): ChildProcess {
  const cores = String(availableParallelism());
  const [threads, predictions] = side === "python" ? [cores, "1"] : ["1", cores];
  const [checkpoint, portable] = [join(folder, "run.th"), join(folder, "run.pt")];
  if (!existsSync(portable)) {
    execFileSync(process.execPath, [COMMAND, "export", path!, "--format", "1.1", "-o", checkpoint]);
    execFileSync(process.execPath, [COMMAND, "export", path!, "-o", portable]);
  }
  const script = join(__dirname, "serving.py");
  return spawn(options.python, [script, String(PORTS[side]), threads, predictions], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, NOETHER_CHECKPOINT: checkpoint, NOETHER_EXPORT: portable },
  });
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "noether-serving-"));
  const children: ChildProcess[] = [];
  try {
    const body = makeBody(Number(options.points));
    const sides: Side[] = options.alone ? ["ours"] : ["ours", "python", "pythonMany"];
    const answers: Answer[] = [];
    for (const side of sides) {
      const child = side === "ours" ? startOurs() : startPython(side, folder);
      children.push(child);
      answers.push(await firstAnswer(side, child, body));
    }
    console.log(
      `${cpus()[0]!.model}, ${cpus().length} cores; ${options.points} points a domain, ${options.connections} connections`,
    );
    if (!options.alone)
      console.log(
        `answers differ by ${Math.max(...answers.map((answer) => largestDifference(answers[0]!, answer))).toExponential(1)} at most`,
      );
    const rounds = Number(options.rounds);
    const amount = Math.ceil(Number(options.requests) / rounds);
    for (const side of sides) await shoot(side, body, Math.min(200, amount)); // warm-up
    const rates = { ours: [] as number[], python: [] as number[], pythonMany: [] as number[] };
    const memory: number[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const side of sides) {
        const child = children[sides.indexOf(side)]!;
        const before = processorTime(child);
        const { rate, latency } = await shoot(side, body, amount);
        const cost = ((processorTime(child) - before) / amount) * 1000;
        rates[side].push(rate);
        console.log(
          `${side.padEnd(10)} ${rate.toFixed(1).padStart(7)} requests/s, latency p50 ${latency.p50} ms, p99 ${latency.p99} ms, ${cost.toFixed(1)} ms of processor time a request`,
        );
      }
      memory.push((await gauge("process_resident_memory_bytes")) / 2 ** 20);
    }
    const delay99 = await gauge("noether_event_loop_delay_seconds");
    console.log(
      `event loop p99 ${(delay99 * 1000).toFixed(1)} ms; memory after each round ${memory.map((mib) => mib.toFixed(0)).join(", ")} MiB`,
    );
    const half = Math.ceil(memory.length / 2);
    const growth = Math.min(...memory.slice(-half)) - Math.min(...memory.slice(0, half));
    const failed: string[] = [];
    if (delay99 > BOUNDS.delay) failed.push("the event loop");
    if (growth > BOUNDS.growth) failed.push("memory");
    if (!options.alone) {
      const ratio = median(rates.ours) / Math.max(median(rates.python), median(rates.pythonMany));
      console.log(`${ratio.toFixed(2)} times the throughput of FastAPI, uvicorn and PyTorch`);
      if (ratio < BOUNDS.throughput) failed.push(`throughput (expected ${BOUNDS.throughput} times)`);
    }
    if (failed.length > 0) {
      console.error(`out of bounds: ${failed.join(", ")}`);
      process.exitCode = 1;
    }
  } finally {
    for (const child of children) child.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();

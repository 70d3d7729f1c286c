/**
 * `noether-ts serve` under load: requests a second, delay of the event loop, memory.
 *
 *     npx tsx benchmarks/serving.ts RUN [requests] [connections]
 *
 * RUN is a finished run. Every request is one case with random points, as JSON with base64.
 */
import { spawn } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";
import autocannon from "autocannon";
import { rand } from "../lib/torch";

const [path, requests = "2000", connections = "8"] = process.argv.slice(2);
if (path === undefined) throw new Error("expected the folder of a run");
const POINTS = 1000;

interface Description {
  readonly inputs: readonly { readonly name: string; readonly role: string; readonly channels: number | null }[];
}

async function main(): Promise<void> {
  const server = spawn(process.execPath, [
    join(__dirname, "..", "dist", "cli", "noether-ts.js"),
    "serve",
    path!,
    "--port",
    "0",
  ]);
  server.stderr.pipe(process.stderr);
  const address = await new Promise<string>((resolve) =>
    server.stdout.on("data", (chunk: Buffer) => {
      const found = /http:\/\/\S+/.exec(chunk.toString());
      if (found) resolve(found[0]);
    }),
  );
  try {
    const { inputs } = (await (await fetch(`${address}/run`)).json()) as Description;
    const entries = inputs.map(({ name, role, channels }) => {
      const shape = role === "condition" ? [channels ?? 1] : [POINTS, channels ?? 1];
      const values = rand(shape).dataSync() as Float32Array;
      return [
        name,
        { shape, base64: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64") },
      ];
    });
    const body = JSON.stringify({ inputs: Object.fromEntries(entries) as object, encoding: "base64" });
    const gauge = async (name: string): Promise<number> => {
      const text = await (await fetch(`${address}/metrics`)).text();
      return Number(new RegExp(`^${name} (.*)$`, "m").exec(text)![1]);
    };
    const shoot = async (amount: number) =>
      autocannon({
        url: `${address}/predict`,
        ...{ method: "POST", headers: { "content-type": "application/json" }, body },
        ...{ amount, connections: Number(connections), timeout: 120 },
      });
    await shoot(100);
    const before = await gauge("process_resident_memory_bytes");
    const result = await shoot(Number(requests));
    const after = await gauge("process_resident_memory_bytes");
    console.log(`${cpus()[0]!.model}, ${cpus().length} cores; ${POINTS} points a domain, ${connections} connections`);
    console.log(
      `${result["2xx"]} answers, ${result.non2xx} refused, ${result.errors} errors, ${result.requests.average.toFixed(1)} requests/s`,
    );
    console.log(
      `latency p50 ${result.latency.p50} ms, p99 ${result.latency.p99} ms; event loop p99 ${((await gauge("noether_event_loop_delay_seconds")) * 1000).toFixed(1)} ms`,
    );
    console.log(`memory ${(before / 2 ** 20).toFixed(0)} → ${(after / 2 ** 20).toFixed(0)} MiB`);
  } finally {
    server.kill("SIGTERM");
  }
}

void main();

/**
 * 1,000 small and 4 large files from one server on the loopback: here beside huggingface_hub and boto3 of Python, with the
 * same concurrency. Wall time of the fetch with the loading of what it needs, and peak memory of the process.
 *
 *   npm run build && PYTHON=/path/to/python npx tsx benchmarks/io.ts [small|large]
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROUNDS = Number(process.env["ROUNDS"] ?? 5);
const JOBS = "8";
const tsx = join(dirname(require.resolve("tsx/package.json")), "dist", "cli.mjs");
const python = process.env["PYTHON"] ?? "python3";

interface Measured {
  readonly seconds: number;
  readonly peak: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

function run(command: string, args: readonly string[], urls: { hub: string; s3: string }): Measured {
  const out = mkdtempSync(join(tmpdir(), "noether-bench-"));
  try {
    const environment = {
      ...process.env,
      HOME: out,
      HF_ENDPOINT: urls.hub,
      HF_HUB_DISABLE_PROGRESS_BARS: "1",
      HF_HUB_DISABLE_XET: "1",
      AWS_ENDPOINT_URL: urls.s3,
      AWS_ACCESS_KEY_ID: "benchmark",
      AWS_SECRET_ACCESS_KEY: "benchmark",
    };
    const { status, stdout, stderr } = spawnSync(command, [...args, join(out, "files"), JOBS], {
      encoding: "utf8",
      env: environment,
    });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as Measured;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  console.log("| | here | Python | time | here, peak | Python, peak | memory |\n|---|---|---|---|---|---|---|");
  const failed: string[] = [];
  for (const size of process.argv.length > 2 ? process.argv.slice(2) : ["small", "large"]) {
    const server = spawn(process.execPath, [tsx, join(__dirname, "io-server.ts"), size], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const line = await new Promise<string>((resolve) =>
      server.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString())),
    );
    const urls = JSON.parse(line) as { hub: string; s3: string };
    for (const service of ["hub", "s3"] as const) {
      const [here, there]: [Measured[], Measured[]] = [[], []];
      const child = join(__dirname, "io-child.cjs");
      for (let round = 0; round < ROUNDS; round++) {
        here.push(run(process.execPath, [child, service], urls));
        there.push(run(python, [join(__dirname, "io.py"), service], urls));
      }
      const time = median(here.map(({ seconds }, i) => seconds / there[i]!.seconds));
      const memory = median(here.map(({ peak }, i) => peak / there[i]!.peak));
      const seconds = (of: readonly Measured[]): string => `${median(of.map((each) => each.seconds)).toFixed(2)} s`;
      const peak = (of: readonly Measured[]): string =>
        `${Math.round(median(of.map((each) => each.peak)) / 2 ** 20)} MiB`;
      const files = size === "small" ? "1,000 files of 20 kB" : "4 files of 128 MiB";
      console.log(
        `| ${files}, ${service === "hub" ? "huggingface_hub" : "boto3"} | ${seconds(here)} | ${seconds(there)} | ${time.toFixed(2)} | ${peak(here)} | ${peak(there)} | ${memory.toFixed(2)} |`,
      );
      if (time > 1 || memory > 0.5) failed.push(`${files}, ${service}`);
    }
    server.stdin.end();
  }
  if (failed.length > 0) {
    console.log(`\nBounds (time 1.0, memory 0.5) that did not hold: ${failed.join("; ")}.`);
    process.exitCode = 1;
  }
}

void main();

/**
 * 1,000 small and 4 large files from one server on the loopback, with the same concurrency: this package beside huggingface_hub and
 * boto3 of Python, `noether-data` beside `hf download` and `aws s3 cp --recursive`. Wall time of the fetch with the loading of what
 * it needs, and peak memory of the process. The commands are looked for beside PYTHON (pip install huggingface_hub boto3 awscli).
 *
 *   npm run build && PYTHON=/path/to/python npx tsx benchmarks/io.ts [small|large]
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

/** What fetches everything of a server to a folder. */
type Fetch = (folder: string) => readonly string[];

const child = join(__dirname, "io-child.cjs");
const reference = join(__dirname, "io.py");
const ownCommand = join(__dirname, "..", "dist", "cli", "noether-data.js");
const command = (...words: readonly string[]): readonly string[] => [python, reference, "run", ...words];
/** A command of Python is a file beside it. */
const ofPython = (name: string): string => join(dirname(python), name);

/** What is compared, by the name of Python's side. */
const PAIRS: Readonly<Record<string, readonly [here: Fetch, there: Fetch]>> = {
  huggingface_hub: [
    (folder) => [process.execPath, child, "hub", folder, JOBS],
    (folder) => [python, reference, "hub", folder, JOBS],
  ],
  "`hf download`": [
    (folder) => command(process.execPath, ownCommand, "huggingface", "snapshot", "o/n", folder),
    (folder) => command(ofPython("hf"), "download", "o/n", "--local-dir", folder, "--max-workers", JOBS),
  ],
  boto3: [
    (folder) => [process.execPath, child, "s3", folder, JOBS],
    (folder) => [python, reference, "s3", folder, JOBS],
  ],
  "`aws s3 cp`": [
    (folder) => command(process.execPath, ownCommand, "aws", "fetch", "b", "", folder, "--jobs", JOBS),
    (folder) => command(ofPython("aws"), "s3", "cp", "--recursive", "--only-show-errors", "s3://b/", folder),
  ],
};

function run(fetch: Fetch, urls: { readonly hub: string; readonly s3: string }): Measured {
  const out = mkdtempSync(join(tmpdir(), "noether-bench-"));
  try {
    mkdirSync(join(out, ".aws"));
    writeFileSync(join(out, ".aws", "config"), `[default]\ns3 =\n  max_concurrent_requests = ${JOBS}\n`);
    const environment = {
      ...process.env,
      HOME: out,
      HF_ENDPOINT: urls.hub,
      HF_HUB_DISABLE_PROGRESS_BARS: "1",
      HF_HUB_DISABLE_XET: "1",
      AWS_ENDPOINT_URL: urls.s3,
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "benchmark",
      AWS_SECRET_ACCESS_KEY: "benchmark",
    };
    const [program, ...args] = fetch(join(out, "files"));
    const { status, stdout, stderr } = spawnSync(program!, args, { encoding: "utf8", env: environment });
    if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
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
    const files = size === "small" ? "1,000 files of 20 kB" : "4 files of 128 MiB";
    for (const [name, [ours, theirs]] of Object.entries(PAIRS)) {
      const [here, there]: [Measured[], Measured[]] = [[], []];
      for (let round = 0; round < ROUNDS; round++) {
        here.push(run(ours, urls));
        there.push(run(theirs, urls));
      }
      const time = median(here.map(({ seconds }, i) => seconds / there[i]!.seconds));
      const memory = median(here.map(({ peak }, i) => peak / there[i]!.peak));
      const seconds = (of: readonly Measured[]): string => `${median(of.map((each) => each.seconds)).toFixed(2)} s`;
      const peak = (of: readonly Measured[]): string =>
        `${Math.round(median(of.map((each) => each.peak)) / 2 ** 20)} MiB`;
      console.log(
        `| ${files}, ${name} | ${seconds(here)} | ${seconds(there)} | ${time.toFixed(2)} | ${peak(here)} | ${peak(there)} | ${memory.toFixed(2)} |`,
      );
      if (time > 1 || memory > 0.5) failed.push(`${files}, ${name}`);
    }
    server.stdin.end();
  }
  if (failed.length > 0) {
    console.log(`\nBounds (time 1.0, memory 0.5) that did not hold: ${failed.join("; ")}.`);
    process.exitCode = 1;
  }
}

void main();

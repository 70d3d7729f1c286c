/**
 * `noether-ts doctor`: says what noether-ts runs on and whether it works: Node, platform, C library, addon, libtorch,
 * threads, devices, and every attempt to load the addon with its error. Exit code 0: healthy, 1: not.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { readSetupRecord } from "../torch/libtorch-folders";
import { isMusl, nextCommands, packageRoot, platformName, type LoadAttempt } from "../torch/loader";
import { versionText } from "../torch/cuda/status";
import type { CpuKernels, CudaKernels, CudaStatus } from "../torch/native";
import { EXIT, printResult } from "./command";
import type { ProbeReport } from "./doctor-probe";
import { UsageError } from "./hydra-arguments";
import { commandLine, flag, printHelp, readCommandLine } from "./options";

/** What {@link examine} found out. */
export interface DoctorReport {
  readonly healthy: boolean;
  /** Label and value of each line, in print order. */
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly attempts: readonly LoadAttempt[];
  /** One sentence for each thing that is wrong; empty when healthy. */
  readonly problems: readonly string[];
  /** Commands to run next; empty when healthy. */
  readonly next: readonly string[];
}

/** Outcome of the subprocess that loads the addon: its report, or how it died. */
export type ProbeOutcome = ProbeReport | { readonly crash: string };

/** Variables that change what is loaded or how it runs. */
const variables = [
  "NOETHER_NATIVE",
  "LIBTORCH",
  "NOETHER_PYTHON",
  "NOETHER_CACHE",
  "NOETHER_VARIANT",
  "LD_LIBRARY_PATH",
  "NOETHER_CPU",
  "OMP_NUM_THREADS",
  "MKL_NUM_THREADS",
  "CUDA_VISIBLE_DEVICES",
];

/** Examines this installation. `probe` stands in for the subprocess in tests. */
function examine(probe: () => ProbeOutcome = runProbe): DoctorReport {
  const problems: string[] = [];
  const manifest = JSON.parse(readFileSync(join(packageRoot(), "package.json"), "utf8")) as {
    version: string;
    engines: { node: string };
  };
  const facts: [string, string][] = [
    ["Node", `${process.versions.node} (expected ${manifest.engines.node})`],
    ["platform", `${platformName()}, ${cLibrary()}`],
    ["package", `noether-ts ${manifest.version} in ${packageRoot()}`],
    ["memory", `${gigabytes(freemem())} free of ${gigabytes(totalmem())}`],
  ];
  if (!isAtLeast(process.versions.node, manifest.engines.node)) {
    problems.push(`expected Node ${manifest.engines.node}, this is ${process.versions.node}`);
  }
  if (isMusl()) problems.push("expected glibc, this system has musl: libtorch has no build for it");
  for (const name of variables) if (process.env[name] !== undefined) facts.push([name, process.env[name]]);
  facts.push(["set-up", describeSetup(problems)]);

  const outcome = probe();
  let attempts: readonly LoadAttempt[] = [];
  if ("crash" in outcome) {
    problems.push(`loading the addon and adding two tensors ended the process: ${outcome.crash}`);
  } else {
    attempts = outcome.attempts;
    facts.push(...describeProbe(outcome, problems));
  }
  facts.push(["GPU driver", gpuDriver()]);
  const healthy = problems.length === 0;
  return { healthy, facts, attempts, problems, next: healthy ? [] : nextCommands(attempts) };
}

/** The report as the command prints it. */
function formatReport(report: DoctorReport): string {
  const width = Math.max(...report.facts.map(([label]) => label.length));
  const lines = report.facts.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
  lines.push("load attempts:");
  if (report.attempts.length === 0) lines.push("  none was reported");
  for (const { source, path, error } of report.attempts) {
    lines.push(
      `  ${error === undefined ? "ok    " : "failed"}  ${source}${path ? ` (${path})` : ""}${error ? `: ${error}` : ""}`,
    );
  }
  if (report.healthy) return [...lines, "healthy"].join("\n");
  lines.push("not healthy:", ...report.problems.map((problem) => `  - ${problem}`));
  lines.push("what to do next:", ...report.next.map((command, index) => `  ${index + 1}. ${command}`));
  return lines.join("\n");
}

const COMMAND = commandLine({
  usage: ["noether-ts doctor [options]"],
  about: "Says what noether-ts runs on and whether it works.",
  sections: [{ options: { json: flag({ does: "the same for programs" }) } }],
  end: "Exit codes: 0 healthy, 1 not healthy, 2 bad usage.",
});

/** Runs the command; returns the exit code. */
export function doctor(args: readonly string[]): number {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  if (read.words.length > 0) throw new UsageError(`expected no words, got ${read.words.join(" ")}`);
  const report = examine();
  printResult(`${read.values.json ? JSON.stringify(report, null, 2) : formatReport(report)}\n`);
  return report.healthy ? EXIT.ok : EXIT.failed;
}

function runProbe(): ProbeOutcome {
  const child = spawnSync(process.execPath, [join(__dirname, "doctor-probe.js")], {
    encoding: "utf8",
    timeout: 120_000,
  });
  if (child.status === 0) return JSON.parse(child.stdout.trim().split("\n").at(-1)!) as ProbeReport;
  const lastWords = child.stderr.trim().split("\n").at(-1);
  const cause = child.error?.message ?? (child.signal ? `signal ${child.signal}` : `exit code ${child.status}`);
  return { crash: lastWords ? `${cause}, ${lastWords}` : cause };
}

function describeProbe(probe: ProbeReport, problems: string[]): [string, string][] {
  const { versions, threads, devices } = probe;
  if (!versions) {
    problems.push("expected the native addon to load, every attempt failed");
    return [["addon", "none loaded"]];
  }
  for (const { name, error } of devices ?? []) if (error) problems.push(`expected 1 + 2 = 3 on ${name}: ${error}`);
  const folder = probe.libtorchFile && dirname(dirname(probe.libtorchFile));
  return [
    ["addon", `${probe.attempts.at(-1)?.path} (version ${versions.addon}, compiler ${versions.cxx})`],
    ["libtorch", `${versions.torch}, ${versions.cudaLinked ? "with CUDA" : "CPU"}${folder ? `, ${folder}` : ""}`],
    ["CUDA", probe.noCuda === undefined ? describeCuda(probe.cuda!) : `not available: ${probe.noCuda}`],
    ["CPU kernels", describeKernels(probe.kernels!)],
    // a libtorch without CUDA has no use for them
    ...(versions.cudaLinked ? [["CUDA kernels", describeCudaKernels(probe.cudaKernels!)] as [string, string]] : []),
    ["threads", `${threads?.intraOp} in an operator, ${threads?.interOp} between operators`],
    ["devices", (devices ?? []).map(({ name, error }) => (error ? `${name} (failed)` : name)).join(", ")],
  ];
}

/** `1 device, CUDA 13.0, driver for up to 13.1` */
function describeCuda({ devices, runtimeVersion, driverVersion }: CudaStatus): string {
  return `${devices} device${devices === 1 ? "" : "s"}, CUDA ${versionText(runtimeVersion)}, driver for up to ${versionText(driverVersion)}`;
}

/** `tier amx: matmul by amx, else ATen; attention by amx, else ATen` */
function describeKernels({ capability, matmul, attention }: CpuKernels): string {
  const list = (kernels: CpuKernels["matmul"]) => {
    const names = kernels.filter(({ available }) => available).map(({ name }) => name);
    return [...names, "ATen"].join(", else ");
  };
  return `tier ${capability}: matmul by ${list(matmul)}; attention by ${list(attention)}`;
}

/** Without them operators are compositions of libtorch's, and CUDA graphs cannot be recorded. */
function describeCudaKernels({ available, problem }: CudaKernels): string {
  return available ? "loaded, with CUDA graphs" : `not available: ${problem.split("\n")[0]}`;
}

/** What the last set-up chose; a libtorch that is gone since then is a problem for an addon that was compiled against it. */
function describeSetup(problems: string[]): string {
  const record = readSetupRecord();
  if (!record) return "not run yet (no record of it)";
  const { libtorch, version, variant, inputs } = record;
  const compiled = inputs !== undefined;
  if (compiled && !process.env.NOETHER_NATIVE && !existsSync(join(libtorch, "lib"))) {
    problems.push(`expected libtorch ${version} in ${libtorch}, which the addon was compiled against, but it is gone`);
  }
  return `${compiled ? "compiled against" : "prebuilt addon,"} libtorch ${version} (${variant}) in ${libtorch}`;
}

function gpuDriver(): string {
  const query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"];
  const { status, stdout } = spawnSync("nvidia-smi", query, { encoding: "utf8", timeout: 20_000 });
  return status === 0 && stdout.trim() ? stdout.trim().split("\n").join("; ") : "none found (nvidia-smi)";
}

function cLibrary(): string {
  if (process.platform !== "linux") return "system C library";
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime ? `glibc ${header.glibcVersionRuntime}` : "musl";
}

function isAtLeast(version: string, range: string): boolean {
  const [have, want] = [version, range.replace(/^>=/, "")].map((text) => text.split(".").map(Number));
  return have![0]! > want![0]! || (have![0] === want![0] && have![1]! >= (want![1] ?? 0));
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

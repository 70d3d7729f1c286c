/** docs/benchmarks.md: a section for each machine, of which a run writes its own and leaves the others as they are. */
import { readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";

/** What figures depend on. */
export interface Machine {
  readonly cpu: string;
  /** The highest tier of our own kernels: aten, avx2, avx512, avx512_bf16 or amx. */
  readonly capability: string;
  readonly cores: number;
  /** That operators may use, where a benchmark names no other number. */
  readonly threads: number;
  readonly system: string;
}

/** What was compared. */
export interface Versions {
  readonly node: string;
  readonly libtorch: string;
  readonly python: string;
}

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`, a section for each machine: both sides take turns in one run. Times are medians over the rounds; a ratio is here / Python (below 1: faster here), where rounds are pairs the median of their ratios. Both sides have the threads that the section names, or the benchmark.
`;

/** The model name that the system gives, cores, threads and system of this machine. */
export function thisMachine(capability: string): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() || process.arch,
    capability,
    cores: all.length,
    threads: availableParallelism(),
    system: process.platform,
  };
}

/** The heading of a machine's section. */
export const heading = ({ cpu, capability, cores }: Machine): string => `## ${cores} × ${cpu}, ${capability}`;

/** A machine's section: what it is, and the benchmarks as sections of their own. */
export function section(machine: Machine, versions: Versions, benchmarks: readonly string[]): string {
  const threads = `${machine.threads} thread${machine.threads === 1 ? "" : "s"}`;
  const facts = `| | |
|---|---|
| machine | ${machine.cores} × ${machine.cpu}, ${machine.system}, ${threads}; kernels up to ${machine.capability} |
| here | Node ${versions.node}, libtorch ${versions.libtorch} |
| Python | torch ${versions.python} |
`;
  return [`${heading(machine)}\n`, facts, ...benchmarks].join("\n");
}

/** The page with one section put in the place of the one of the same heading, or at the end. */
export function withSection(page: string, text: string): string {
  const sections = page.split(/^(?=## )/m).slice(1);
  const title = (part: string) => part.split("\n", 1)[0];
  const place = sections.findIndex((part) => title(part) === title(text));
  sections.splice(place < 0 ? sections.length : place, place < 0 ? 0 : 1, text);
  return [INTRODUCTION, ...sections.map((part) => `${part.trimEnd()}\n`)].join("\n");
}

/** The page as it is; empty where there is none yet. */
export function readPage(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

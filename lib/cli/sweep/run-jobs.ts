import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism, constants } from "node:os";
import { createInterface } from "node:readline";
import { ignoreHangUp } from "../../core/logging/lost-readers";
import type { JobMessage } from "./job-link";

/** What became of a job. */
export interface JobResult {
  /** `stopped`: by a signal to the sweep; `not run`: that signal came before it. */
  readonly status: "done" | "failed" | "stopped" | "not run";
  /** Exit code; null where a signal ended the process, or there was none. */
  readonly code: number | null;
  readonly seconds: number;
  /** Folder of the run, if it came to have one. */
  readonly runPath: string | null;
}

/** Options of {@link runJobs}. */
export interface RunJobsOptions {
  /** Jobs at a time. Of more than one, the output is prefixed with the number of the job. */
  readonly atOnce: number;
  /** Words of Node's command line, for each job: options, script, arguments. */
  readonly jobs: readonly (readonly string[])[];
  readonly onStart?: (index: number) => void;
  readonly onEnd?: (index: number, result: JobResult) => void;
}

/** How the jobs of a sweep ended. */
export interface JobsEnd {
  readonly results: readonly JobResult[];
  /** The signal that ended the sweep. */
  readonly signal: NodeJS.Signals | null;
}

const NOT_RUN: JobResult = { status: "not run", code: null, seconds: 0, runPath: null };
const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Runs processes, some at a time. One that fails leaves the others alone. Ctrl-C and SIGTERM go to all that run, and end the sweep with them;
 * jobs at the same time share the processors, unless OMP_NUM_THREADS is set.
 */
export async function runJobs({ jobs, atOnce, onStart, onEnd }: RunJobsOptions): Promise<JobsEnd> {
  const results: JobResult[] = jobs.map(() => NOT_RUN);
  const running = new Set<ChildProcess>();
  let signal: NodeJS.Signals | null = null;
  let next = 0;

  const interrupt = (received: NodeJS.Signals): void => {
    signal ??= received;
    for (const child of running) child.kill(received);
  };
  const work = async (): Promise<void> => {
    while (signal === null && next < jobs.length) {
      const index = next++;
      onStart?.(index);
      const start = performance.now();
      const child = startJob(jobs[index]!, atOnce, atOnce > 1 ? `[${index + 1}/${jobs.length}] ` : null);
      running.add(child);
      const { code, endedBy, runPath } = await endOf(child);
      running.delete(child);
      if (endedBy !== null && signal === null) process.stderr.write(`job ${index + 1} was ended by ${endedBy}\n`);
      const status = signal !== null ? "stopped" : code === 0 ? "done" : "failed";
      const result = { status, code, seconds: (performance.now() - start) / 1000, runPath } as const;
      results[index] = result;
      onEnd?.(index, result);
    }
  };

  const stopIgnoring = ignoreHangUp();
  for (const name of SIGNALS) process.on(name, interrupt);
  try {
    await Promise.all(Array.from({ length: Math.min(atOnce, jobs.length) }, work));
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt);
    stopIgnoring();
  }
  return { results, signal };
}

/** The exit code of a sweep: that of the signal that ended it, else of the first job that failed, else 0. */
export function exitCodeOf({ results, signal }: JobsEnd): number {
  if (signal !== null) return 128 + constants.signals[signal];
  const failed = results.find(({ status }) => status === "failed");
  return failed === undefined ? 0 : failed.code || 1;
}

function startJob(words: readonly string[], atOnce: number, prefix: string | null): ChildProcess {
  const output = prefix === null ? "inherit" : "pipe";
  const threads = Math.max(1, Math.floor(availableParallelism() / atOnce));
  const child = spawn(process.execPath, words, {
    stdio: ["ignore", output, output, "ipc"],
    // in a group of its own, so that a Ctrl-C of the terminal comes once: from here
    detached: true,
    env: atOnce > 1 ? { OMP_NUM_THREADS: String(threads), ...process.env } : process.env,
  });
  if (prefix !== null) {
    const pass = (from: NodeJS.ReadableStream | null, to: NodeJS.WriteStream): void =>
      void createInterface({ input: from! }).on("line", (line) => to.write(`${prefix}${line}\n`));
    pass(child.stdout, process.stdout);
    pass(child.stderr, process.stderr);
  }
  return child;
}

/** Waits for the end of a process and of its output. */
function endOf(
  child: ChildProcess,
): Promise<{ code: number | null; endedBy: NodeJS.Signals | null; runPath: string | null }> {
  let runPath: string | null = null;
  child.on("message", (message: Partial<JobMessage>) => {
    if (typeof message?.runPath === "string") runPath = message.runPath;
  });
  return new Promise((resolve) => {
    child.once("error", (error) => {
      process.stderr.write(`cannot start a job: ${error.message}\n`);
      resolve({ code: null, endedBy: null, runPath });
    });
    child.once("close", (code, endedBy) => resolve({ code, endedBy, runPath }));
  });
}

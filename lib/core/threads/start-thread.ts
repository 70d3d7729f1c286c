import { extname } from "node:path";
import { Worker, type WorkerOptions } from "node:worker_threads";

/**
 * Starts a worker thread of this package.
 *
 * @param entry its file without the ending: `join(__dirname, "worker")`
 * @param from the file that starts it: built or source
 */
export function startThread(entry: string, from: string, options: WorkerOptions): Worker {
  const file = `${entry}${extname(from)}`;
  if (!file.endsWith(".ts")) return new Worker(file, options);
  // from the sources (tests, benchmarks) the thread needs a loader of TypeScript
  const code = [require.resolve("tsx/cjs"), file].map((path) => `require(${JSON.stringify(path)});`).join("");
  return new Worker(code, { ...options, eval: true });
}

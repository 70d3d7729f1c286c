import { mkdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import type { Worker } from "node:worker_threads";
import { getLogger } from "../../core/logging";
import { startThread } from "../../core/threads/start-thread";
import { optionalPackage } from "../../data/readers/optional-package";
import type { DashboardAnswer, DashboardWork } from "./worker";

/** @throws RuntimeError when the package that the dashboard needs is not installed; before a run begins */
export async function requireFastify(): Promise<void> {
  await optionalPackage("fastify", "HTTP requests (dashboard=true)");
}

/**
 * The dashboard of a run, in a thread of its own, so that training does not wait for it. It shows all runs below a folder, at first this
 * one, until the run has ended. That it cannot be shown is a warning.
 */
export class RunDashboard {
  readonly #thread: Worker;
  /** Null: it is not there. */
  readonly address: Promise<string | null>;

  /**
   * @param root folder with the runs
   * @param run folder of this run
   */
  constructor(root: string, run: string) {
    const logger = getLogger("dashboard");
    mkdirSync(root, { recursive: true });
    const work: DashboardWork = { root };
    this.#thread = startThread(join(__dirname, "worker"), __filename, { workerData: work, stdout: false });
    this.#thread.unref();
    this.address = new Promise<DashboardAnswer>((resolve) => {
      this.#thread.once("message", resolve);
      this.#thread.once("error", (error) => resolve({ problem: error.message }));
    }).then((answer) => {
      if ("problem" in answer) {
        logger.warning(`the run goes on without a dashboard: ${answer.problem}`);
        return null;
      }
      const id = relative(root, run).split(sep).join("/");
      const address = `${answer.address}/#run=${encodeURIComponent(id)}`;
      logger.info(`dashboard: ${address}`);
      return address;
    });
  }

  async close(): Promise<void> {
    await this.#thread.terminate();
  }
}

/** The thread in which the dashboard of a run lives; see `run-dashboard.ts`. */
import { parentPort, workerData } from "node:worker_threads";
import { listen } from "./listen";
import { createDashboard } from "./server";

/** What the thread is told. */
export interface DashboardWork {
  /** Folder with the runs. */
  readonly root: string;
}

/** What it answers, once. */
export type DashboardAnswer = { readonly address: string } | { readonly problem: string };

const { root } = workerData as DashboardWork;
const answer = (message: DashboardAnswer): void => parentPort!.postMessage(message);

createDashboard(root)
  .then(async (server) => answer({ address: await listen(server, "127.0.0.1", null) }))
  .catch((error: unknown) => answer({ problem: error instanceof Error ? error.message : String(error) }));

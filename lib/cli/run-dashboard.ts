import { createDashboard } from "../training/dashboard/server";
import { listen } from "../training/dashboard/listen";
import { EXIT, printResult } from "./command";

/** What `noether-ts dashboard` was asked for. */
export interface DashboardRequest {
  readonly folder: string;
  readonly host: string;
  /** Null: the usual one, or a free one. */
  readonly port: number | null;
  readonly token: string | null;
}

/** Serves until a signal comes. */
export async function runDashboard({ folder, host, port, token }: DashboardRequest): Promise<number> {
  const server = await createDashboard(folder, { token });
  const ended = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  const address = await listen(server, host, port);
  printResult(`runs of ${folder} on ${address}; Ctrl-C ends\n`);
  await ended;
  await server.close();
  return EXIT.ok;
}

/** The line between the process of a sweep and those of its jobs: Node's channel between parent and child. */

/** What a job tells the sweep. */
export interface JobMessage {
  /** Folder of its run, which is its own from now on. */
  readonly runPath: string;
}

/** Tells the sweep that started this process, if one did, where the run is. */
export function tellRunPath(runPath: string): void {
  if (process.send === undefined || !process.connected) return;
  const message: JobMessage = { runPath };
  process.send(message);
}

/** Where a sweep started this process: asks it to stop, as SIGTERM does, when the sweep is killed. */
export function stopWithSweep(): void {
  if (process.send === undefined || !process.connected) return;
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // whoever listens keeps the process alive; the run alone decides when it ends
  process.channel?.unref();
}

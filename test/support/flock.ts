import { type ChildProcess, spawn } from "node:child_process";

/** Whether this system has `flock` and says who holds one. */
export const hasFlock = process.platform === "linux";

/** Another process that holds a `flock(2)` on a file, as Python's filelock does, until it is released. */
export async function holdFlock(path: string): Promise<{ release(): Promise<void> }> {
  const child: ChildProcess = spawn("flock", [path, "sh", "-c", "echo held; cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.stdout!.once("data", () => resolve());
  });
  return {
    release: async () =>
      new Promise<void>((resolve) => {
        child.once("close", () => resolve());
        child.stdin!.end();
      }),
  };
}

import { refuseSurplus, show } from "./arguments";
import { frameModes, isAsync, refusePromise, runInFrame, type Mode } from "./async-context";
import { currentActivation } from "./scope";

/**
 * @internal Refuses to run what is no function.
 *
 * @throws TypeError that shows the form of the call.
 */
export function checkBody(where: string, body: unknown, surplus: readonly unknown[]): void {
  if (typeof body !== "function")
    throw new TypeError(
      `${where}: expected a function to run, ${where}(() => …), got ${body === undefined ? "none" : show(body)}`,
    );
  if (surplus.length > 0) refuseSurplus(where, surplus);
}

/** Runs `body` in a mode: directly when it is synchronous, in a frame that follows it across `await` when it is async. */
export function runInMode<T>(where: string, mode: Mode, body: () => T, surplus: readonly unknown[]): T {
  checkBody(where, body, surplus);
  if (isAsync(body))
    return runInFrame(
      { activate: currentActivation(), modes: [...frameModes(), mode] },
      body as () => Promise<unknown>,
    ) as T;
  mode.enter();
  try {
    const result = body();
    refusePromise(where, result);
    return result;
  } finally {
    mode.exit();
  }
}

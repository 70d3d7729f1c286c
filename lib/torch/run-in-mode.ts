import { checkBody } from "./arguments";
import { frameModes, isAsync, refusePromise, runInFrame, type Mode } from "./async-context";
import { currentActivation } from "./scope";

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

/** Random numbers of one piece of work, apart from those of everything else in the process. */
import { native } from "./addon";
import type { Generator } from "./generator";
import { runInMode } from "./run-in-mode";

/**
 * Runs `body` with a CPU generator in place of the default one: whatever draws without naming a generator (`rand`, `dropout`, …)
 * draws from it, and `manualSeed`, `getRngState` and `setRngState` mean it. Only in this thread, also across `await`: other work
 * neither sees nor disturbs it.
 *
 * @internal
 */
export function withRandomStream<T>(generator: Generator, body: () => T): T {
  const mode = { enter: () => native.enterRandomStream(generator.id), exit: () => native.exitRandomStream() };
  return runInMode("withRandomStream", mode, body, []);
}

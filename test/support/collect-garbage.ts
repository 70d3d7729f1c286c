import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What counts the tensors: `noether-ts/torch`, from the sources or as it is built. */
interface Counter {
  readonly memory: () => { readonly tensors: number };
}

/**
 * Frees the tensors that nobody owns any more, also those of test files that ran in this process before: a collection in the
 * middle of a test would free them then, and change what the test counts.
 */
export async function collectGarbage(torch: Counter | Promise<Counter> = import("../../lib/torch")): Promise<void> {
  const { memory } = await torch;
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  // a realm that jest has just left is free after the second collection at the earliest
  for (let quiet = 0; quiet < 3;) {
    const before = memory().tensors;
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    quiet = memory().tensors < before ? 0 : quiet + 1;
  }
}

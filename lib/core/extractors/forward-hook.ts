import { randomUUID } from "node:crypto";

import type { nn } from "../../torch";

/** Thrown by a {@link ForwardHook} to leave a forward pass once it has what it wants. */
export class StopForwardException extends Error {
  override readonly name = "StopForwardException";
}

/** Options of {@link ForwardHook}. */
export interface ForwardHookOptions {
  /** Leave the forward pass after the output is stored. */
  readonly raiseException?: boolean;
  /** Key to store under; by default a random one. Several hooks may share one map. */
  readonly key?: string | null;
}

/**
 * Stores the output of a module: `module.registerForwardHook(hook.call)`. The tensors belong to the scope of the forward
 * pass; take them out with `keep` to use them later.
 */
export class ForwardHook {
  readonly key: string;
  readonly outputs: Map<string, unknown>;
  readonly raiseException: boolean;
  enabled = true;

  constructor(outputs: Map<string, unknown>, { raiseException = false, key = null }: ForwardHookOptions = {}) {
    this.outputs = outputs;
    this.raiseException = raiseException;
    this.key = key || randomUUID();
  }

  /** The hook itself. */
  readonly call: nn.ForwardHook = (_module, _inputs, output) => {
    if (!this.enabled) return;
    this.outputs.set(this.key, output);
    if (this.raiseException) throw new StopForwardException();
  };
}

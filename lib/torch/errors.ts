/** Errors of the torch layer. */
import { types } from "node:util";
import { explainMessage } from "./messages";

/** What the addon puts on the errors that it throws. */
interface NativeError extends Error {
  readonly code?: string;
  readonly operator?: string;
  readonly backtrace?: string;
}

/** An error that libtorch or the addon reports: the message is for people, `code` for programs. */
export class TorchError extends Error {
  override readonly name: string = "TorchError";
  /** Stable code: `ERR_TORCH` (libtorch refused), `ERR_ARGUMENT`, `ERR_DISPOSED`, `ERR_OUT_OF_MEMORY`, `ERR_OPERATOR`, … */
  readonly code: string;
  /** Name of the operator that was called, where there was one. */
  readonly operator: string | undefined;
  /**
   * libtorch's own message, with its C++ trace where the environment has `TORCH_SHOW_CPP_STACKTRACES=1`. Not enumerable, so that
   * printing the error stays readable.
   */
  declare readonly backtrace: string | undefined;

  constructor(
    message: string,
    details: { code?: string; operator?: string; backtrace?: string; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code ?? "ERR_TORCH";
    this.operator = details.operator;
    Object.defineProperty(this, "backtrace", { value: details.backtrace, enumerable: false });
  }
}

/** Use of a tensor after `dispose()` or after the end of its scope. */
export class DisposedError extends TorchError {
  override readonly name = "DisposedError";

  constructor(operator: string) {
    super(
      `${operator}: expected a live tensor, got one that was disposed. Return it from its scope, or take it out with keep(), to use it afterwards.`,
      { code: "ERR_DISPOSED", operator },
    );
  }
}

/** Tells failures of the connection with other processes, where there are any: the backward pass may be what waits for them. */
let ofProcesses: (error: Error, operation: string) => Error | null = () => null;

/** @internal */
export function connectProcesses(describe: typeof ofProcesses): void {
  ofProcesses = describe;
}

/** A {@link TorchError} from whatever a native call threw; errors of other origin (callbacks, TypeErrors) pass through. */
export function asTorchError(error: unknown, operator?: string): unknown {
  if (!types.isNativeError(error) || error instanceof TorchError) return error;
  const { code, message, backtrace, operator: reported } = error as NativeError;
  if (typeof code !== "string" || !code.startsWith("ERR_")) return error;
  const ofOthers = ofProcesses(error, reported ?? operator ?? "operation");
  if (ofOthers !== null) return ofOthers;
  if (code === "ERR_DISPOSED") return new DisposedError(reported ?? operator ?? "tensor");
  return new TorchError(explainMessage(message, reported ?? operator), {
    code,
    operator: reported ?? operator,
    backtrace,
  });
}

/** Runs native code and rethrows its errors as {@link TorchError}. */
export function guard<T>(operator: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw asTorchError(error, operator);
  }
}

/** A bug of ours, as opposed to a mistake of the caller. */
export function internal(message: string): never {
  throw new Error(`internal: ${message}`);
}

import * as pythonErrors from "../../config/python-errors";
import { ConfigError, KindError, NoetherError } from "../../config/errors";
import { CheckpointError, DisposedError, TorchError } from "../../torch";
import { NoSourceError } from "../factory/dataset-source";
import { FileFormatError } from "../readers/errors";

/** Errors on their way between threads, which would lose their class and all fields but the message. */

/** An error as plain data. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own fields that are plain: `code`, `file`, `line`, `path`, … */
  readonly fields: Readonly<Record<string, string | number | boolean>>;
  readonly cause?: EncodedError;
}

type ErrorClass = abstract new (...args: never[]) => Error;

const CLASSES: Readonly<Record<string, ErrorClass>> = {
  ...pythonErrors,
  ...{ ConfigError, KindError, NoetherError, FileFormatError, NoSourceError },
  ...{ CheckpointError, DisposedError, TorchError },
  ...{ Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError },
};

export function encodeError(thrown: unknown): EncodedError {
  // not instanceof: errors of another realm are errors, too
  const isError = typeof thrown === "object" && thrown !== null && "message" in thrown;
  if (!isError) return { name: "Error", message: `thrown: ${String(thrown)}`, stack: undefined, fields: {} };
  const error = thrown as Error;
  const known = ["name", "message", "stack", "cause"];
  const plain = Object.entries(error).filter(
    ([key, value]) => !known.includes(key) && ["string", "number", "boolean"].includes(typeof value),
  );
  return {
    name: error.name,
    message: error.message,
    stack: error.stack,
    fields: Object.fromEntries(plain) as EncodedError["fields"],
    ...(error.cause === undefined ? {} : { cause: encodeError(error.cause) }),
  };
}

/** An error of the original class where that is one of JavaScript's or ours, with the original's stack; else an `Error` of its name. */
export function decodeError({ name, message, stack, fields, cause }: EncodedError): Error {
  const error = new Error(message, cause === undefined ? {} : { cause: decodeError(cause) });
  const known = CLASSES[name];
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype as object);
  Object.assign(error, fields);
  for (const [key, value] of Object.entries({ name, stack: stack ?? error.stack }))
    Object.defineProperty(error, key, { value, writable: true, configurable: true });
  return error;
}

/** Puts where it happened before the message of whatever was thrown; what is no error becomes one. */
export function aboutSamples(thrown: unknown, where: string, samples: readonly number[]): unknown {
  if (typeof thrown !== "object" || thrown === null || !("message" in thrown))
    return aboutSamples(new Error(`thrown: ${String(thrown)}`), where, samples);
  const error = thrown as Error & { path?: unknown; sampleIndex?: number };
  const file = typeof error.path === "string" && !error.message.includes(error.path) ? ` (${error.path})` : "";
  const message = `${where}: ${error.message}${file}`;
  try {
    Object.defineProperty(error, "stack", {
      value: error.stack?.replace(error.message, () => message),
      writable: true,
      configurable: true,
    });
    Object.defineProperty(error, "message", { value: message, writable: true, configurable: true });
    if (samples.length === 1) Object.assign(error, { sampleIndex: samples[0] });
    return error;
  } catch {
    return new Error(message, { cause: thrown }); // a frozen one
  }
}

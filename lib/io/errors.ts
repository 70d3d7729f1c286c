/** Errors of fetching and verifying files. Their messages hold no secrets, whatever they were made of. */
import { sanitize } from "./redact";

/** Base of all: `code` is for programs, `message` for people. */
export class IoError extends Error {
  /** Stable reason, e.g. `IO_MISSING_CREDENTIAL`. */
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(sanitize(message), options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** An argument, a URI or a file that cannot be what it should be. */
export class InvalidInputError extends IoError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("IO_INVALID_INPUT", message, options);
  }
}

/** A file, object, repository or revision that is not there. */
export class NotFoundError extends IoError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("IO_NOT_FOUND", message, options);
  }
}

/** Content that is not what it should be: a wrong length or a wrong checksum. */
export class IntegrityError extends IoError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("IO_INTEGRITY", message, options);
  }
}

/** A server that answered with an error, or with something that the protocol does not know. */
export class RemoteError extends IoError {
  /** HTTP status; null: there was no answer. */
  readonly status: number | null;
  /** What the server asked to wait, in milliseconds; null: nothing. */
  readonly retryAfter: number | null;

  constructor(message: string, options: { status?: number | null; retryAfter?: number | null; cause?: unknown } = {}) {
    super("IO_REMOTE", message, { cause: options.cause });
    this.status = options.status ?? null;
    this.retryAfter = options.retryAfter ?? null;
  }
}

/** A transfer that ended before all bytes were there; worth another try. */
export class InterruptedTransferError extends IoError {
  constructor(message: string, options?: { cause?: unknown }) {
    super("IO_INTERRUPTED", message, options);
  }
}

/** Tasks of a pool that failed, each with its input; all others ran to their end. */
export class ParallelErrors<T = unknown> extends IoError {
  readonly errors: readonly (readonly [input: T, error: unknown])[];

  constructor(errors: readonly (readonly [T, unknown])[], message = `${errors.length} errors encountered`) {
    super("IO_PARALLEL", message, { cause: errors[0]?.[1] });
    this.errors = errors;
  }
}

/** The text of whatever was thrown, without secrets. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return sanitize(String(error));
  // Node's network errors over several addresses have an empty message
  const inner = error instanceof AggregateError ? error.errors.map(messageOf).join("; ") : "";
  return sanitize(error.message || inner || error.name);
}

/** `code` of a system error, if it is one. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

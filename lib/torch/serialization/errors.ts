import { TorchError, asTorchError } from "../errors";

/**
 * A file that is not a checkpoint, is damaged, or holds something that is not loaded; or a value that cannot be saved.
 * The message names the file and what was found; `code` is `ERR_CHECKPOINT`.
 */
export class CheckpointError extends TorchError {
  override readonly name = "CheckpointError";

  constructor(message: string, details: { cause?: unknown } = {}) {
    super(message, { code: "ERR_CHECKPOINT", ...details });
  }
}

/** The file was a checkpoint once: it was cut, overwritten or made up. */
export function damaged(found: string): CheckpointError {
  return new CheckpointError(`expected an intact file, got ${found}`);
}

/** The file is intact, but holds something that is not loaded. */
export function unsupported(found: string, advice: string): CheckpointError {
  return new CheckpointError(`expected only plain data and tensors, got ${found}: ${advice}`);
}

/** A name from a file, safe to print. */
export function printable(text: string): string {
  const clean = JSON.stringify(text).slice(1, -1);
  return clean.length > 120 ? `${clean.slice(0, 120)}…` : clean;
}

/**
 * Runs `body` and puts `subject` (the file's name) before the message of every error that does not name it.
 */
export function about<T>(subject: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw withSubject(subject, error);
  }
}

/** {@link about} for asynchronous work. */
export async function aboutAsync<T>(subject: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    throw withSubject(subject, error);
  }
}

function withSubject(subject: string, error: unknown): unknown {
  if (error instanceof CheckpointError)
    return new CheckpointError(`${subject}: ${error.message}`, { cause: error.cause });
  const known = asTorchError(error);
  if (!(known instanceof TorchError)) return error;
  if (known.code === "ERR_FILE_FORMAT") return new CheckpointError(`${subject}: ${known.message}`);
  return known.message.includes(subject)
    ? known
    : new TorchError(`${subject}: ${known.message}`, { code: known.code, cause: known });
}

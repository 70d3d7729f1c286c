import { InterruptedTransferError, messageOf, RemoteError } from "../errors";
import { log } from "../logging";
import { type Clock, systemClock } from "./clock";

/** How often and how fast something is tried again. */
export interface RetryOptions {
  /** Tries after the first one that may fail in a row; bytes that came begin a new row. Default: 5 */
  readonly retries?: number;
  /** Default: the time of the system. */
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
}

/** Wait before the first retry; each further one takes twice as long. */
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 20_000;
/** A server that asks for more than this is not waited for. */
const LONGEST_RETRY_AFTER = 120_000;

/** What a network does that works a moment later. A name that does not exist (ENOTFOUND) or a bad certificate stays. */
const TRANSIENT_CODES = new Set([
  "ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EPIPE", "ETIMEDOUT", "ESOCKETTIMEDOUT", "EAI_AGAIN", "ENETDOWN",
  "ENETUNREACH", "EHOSTUNREACH", "EHOSTDOWN", "ERR_STREAM_PREMATURE_CLOSE", "HPE_INVALID_CONSTANT", "EPROTO",
]); // prettier-ignore
const TRANSIENT_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Whether another try may help. */
export function deservesRetry(error: unknown): boolean {
  if (error instanceof InterruptedTransferError) return true;
  if (error instanceof RemoteError) {
    if (error.status !== null)
      return TRANSIENT_STATUS.has(error.status) && (error.retryAfter ?? 0) <= LONGEST_RETRY_AFTER;
    return deservesRetry(error.cause);
  }
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(deservesRetry);
  return TRANSIENT_CODES.has((error as NodeJS.ErrnoException).code ?? "");
}

/** One row of tries. */
export interface Attempt {
  /** Something came: the row of failures begins anew. */
  progressed(): void;
}

/**
 * Runs a task until it succeeds, fails for good or has failed too often in a row. Waits twice as long each time, at least
 * what the server asks for, and a random part less than that, so that clients do not come back all at once.
 */
export async function withRetries<T>(
  what: string,
  task: (attempt: Attempt) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { retries = 5, clock = systemClock, signal } = options;
  let failures = 0;
  const attempt: Attempt = { progressed: () => void (failures = 0) };
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await task(attempt);
    } catch (error) {
      signal?.throwIfAborted();
      if (!deservesRetry(error) || failures >= retries) throw error;
      const wait = waitBefore(failures++, error, clock);
      log.warning(
        `${what}: ${messageOf(error)}; trying again in ${(wait / 1000).toFixed(1)} s (${failures}/${retries})`,
      );
      await clock.sleep(wait, signal);
    }
  }
}

function waitBefore(failures: number, error: unknown, clock: Clock): number {
  const backoff = Math.min(FIRST_WAIT * 2 ** failures, LONGEST_WAIT) * (0.5 + clock.random() / 2);
  const asked = error instanceof RemoteError ? (error.retryAfter ?? 0) : 0;
  return Math.max(backoff, asked);
}

/** Milliseconds of a `Retry-After` header: seconds or a date; null: none that is understood. */
export function parseRetryAfter(header: string | null | undefined, now: number): number | null {
  if (!header) return null;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

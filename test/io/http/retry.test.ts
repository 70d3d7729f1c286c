import { deservesRetry, IntegrityError, NotFoundError, RemoteError, withRetries } from "../../../lib/io";
import { parseRetryAfter } from "../../../lib/io/http/retry";
import { TestClock } from "../../support/test-clock";
import { configureLogging } from "../../../lib/io/logging";

beforeAll(() => configureLogging({ sink: () => undefined }));
afterAll(() => configureLogging());

const withCode = (code: string): Error => Object.assign(new Error(code), { code });

test.each([
  ...[408, 425, 429, 500, 502, 503, 504].map((status) => [new RemoteError("x", { status }), true] as const),
  ...[400, 401, 403, 405, 409, 412, 416, 501].map((status) => [new RemoteError("x", { status }), false] as const),
  ...["ECONNRESET", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "EPIPE"].map((code) => [withCode(code), true] as const),
  ...["ENOTFOUND", "ENOSPC", "EACCES", "CERT_HAS_EXPIRED"].map((code) => [withCode(code), false] as const),
  [new RemoteError("x", { cause: withCode("ECONNRESET") }), true],
  [new RemoteError("x", { status: 503, retryAfter: 3_600_000 }), false],
  [new AggregateError([withCode("ECONNREFUSED"), withCode("ENETUNREACH")]), true],
  [new NotFoundError("x"), false],
  [new IntegrityError("x"), false],
  ["text", false],
] as const)("%s: %s", (error, deserved) => expect(deservesRetry(error)).toBe(deserved));

const failing = async (clock: TestClock, retries: number, random = 1): Promise<number> => {
  let tries = 0;
  clock.random = () => random;
  const task = async (): Promise<never> => {
    tries++;
    return Promise.reject(new RemoteError("x", { status: 503 }));
  };
  await expect(withRetries("x", task, { clock, retries })).rejects.toThrow("x");
  return tries;
};

test("waits double up to 20 s", async () => {
  const clock = new TestClock();
  expect(await failing(clock, 7)).toBe(8);
  expect(clock.sleeps).toEqual([1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
});

test("clients come back at different times", async () => {
  const clock = new TestClock();
  await failing(clock, 2, 0);
  expect(clock.sleeps).toEqual([500, 1000]);
});

test.each([
  ["5", 5000],
  ["Thu, 01 Jan 1970 00:00:10 GMT", 9000],
  ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ["soon", null],
  ["", null],
  [null, null],
])("Retry-After: %s", (header, wait) => expect(parseRetryAfter(header, 1000)).toBe(wait));

/**
 * Ranges of floats as Hydra counts them: in decimals of 28 digits, as Python's `decimal`, so that the values of
 * `range(0,1,0.1)` do not drift (0.30000000000000004).
 */

/** `digits × 10^exponent`. */
interface Decimal {
  readonly digits: bigint;
  readonly exponent: number;
}

const PRECISION = 28;

/**
 * `start`, `start + step`, … up to, not including, `stop`.
 *
 * @throws RangeError for a step of 0, numbers that are not finite, and more than `limit` values
 */
export function decimalRange(start: number, stop: number, step: number, limit: number): number[] {
  if (![start, stop, step].every(Number.isFinite) || step === 0)
    throw new RangeError("an infinite number or a step of 0");
  const [end, by] = [exactly(stop), exactly(step)];
  const values: number[] = [];
  for (let at = exactly(start); step > 0 ? compare(at, end) < 0 : compare(at, end) > 0; at = add(at, by)) {
    if (values.length === limit) throw new RangeError(`more than ${limit} values`);
    values.push(Number(`${at.digits}e${at.exponent}`));
  }
  return values;
}

/** A double without rounding. */
function exactly(value: number): Decimal {
  let digits = value;
  let halvings = 0;
  while (!Number.isInteger(digits)) {
    digits *= 2;
    halvings++;
  }
  // m / 2^k = m × 5^k / 10^k
  return { digits: BigInt(digits) * 5n ** BigInt(halvings), exponent: -halvings };
}

function compare(a: Decimal, b: Decimal): number {
  const [left, right] = aligned(a, b);
  return left < right ? -1 : left > right ? 1 : 0;
}

function add(a: Decimal, b: Decimal): Decimal {
  const [left, right] = aligned(a, b);
  return rounded({ digits: left + right, exponent: Math.min(a.exponent, b.exponent) });
}

/** The digits of both at the smaller exponent. */
function aligned(a: Decimal, b: Decimal): [bigint, bigint] {
  const exponent = Math.min(a.exponent, b.exponent);
  const at = ({ digits, exponent: own }: Decimal): bigint => digits * 10n ** BigInt(own - exponent);
  return [at(a), at(b)];
}

/** To {@link PRECISION} digits, ties to even. */
function rounded({ digits, exponent }: Decimal): Decimal {
  const surplus = String(digits < 0n ? -digits : digits).length - PRECISION;
  if (surplus <= 0) return { digits, exponent };
  const unit = 10n ** BigInt(surplus);
  const magnitude = digits < 0n ? -digits : digits;
  const [quotient, rest] = [magnitude / unit, magnitude % unit];
  const isUp = 2n * rest > unit || (2n * rest === unit && quotient % 2n === 1n);
  const result = quotient + (isUp ? 1n : 0n);
  return { digits: digits < 0n ? -result : result, exponent: exponent + surplus };
}

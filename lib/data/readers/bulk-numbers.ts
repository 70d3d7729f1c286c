/**
 * Many numbers of a text at once, where they are written as programs write them. Each function stops before the first that is
 * not, or that the bytes may not hold as a whole: {@link Scanner} reads that one with all checks.
 */
import { BYTE_KINDS } from "./text";

// of this module: a look-up across modules costs more than the work on a byte
const KINDS = BYTE_KINDS;
const NUMBER_END = 2;
const [MINUS, DOT, ZERO] = [45, 46, 48];

/** 10⁰ … 10²², which doubles hold exactly. */
const POWERS = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));
const INVERSES = POWERS.map((power) => 1 / power);
/** Halves of the powers with 26 bits each (Dekker 1971), so that products of halves are exact. */
const SPLITTER = 2 ** 27 + 1;
const HIGH_HALVES = POWERS.map((power) => SPLITTER * power - (SPLITTER * power - power));
const LOW_HALVES = POWERS.map((power, i) => power - HIGH_HALVES[i]!);

/** Text that is read, and how far. */
export class NumberText {
  /** Next byte. */
  next = 0;

  /**
   * @param end of the bytes; a number that begins before `end - margin` is read
   * @param skipped bits of BYTE_KINDS that may stand before a number
   */
  constructor(
    readonly bytes: Uint8Array,
    next: number,
    readonly end: number,
    readonly skipped: number,
  ) {
    this.next = next;
  }
}

/** Longest number, with what follows it, that is read here. */
const MARGIN = 128;

/**
 * Decimals into `target` from `at` on: the nearest doubles, as JavaScript itself reads them. Up to 15 digits and small powers
 * of ten are exact in doubles (Clinger 1990); 16 to 18 digits are divided in twice the precision.
 *
 * @returns the index after the last number that was read
 */
export function readDecimals(text: NumberText, target: Float32Array | Float64Array, at: number): number {
  const { bytes, end, skipped } = text;
  const last = end - MARGIN;
  const { length } = target;
  let next = text.next;
  let index = at;
  while (index < length) {
    while (next < last && (KINDS[bytes[next]!]! & skipped) !== 0) next++;
    if (next >= last) break;
    let i = next;
    const stop = next + MARGIN - 40;
    let byte = bytes[i]!;
    // 1 for a minus, without a branch that would be wrong half of the time
    const sign = ((byte ^ MINUS) - 1) >>> 31;
    byte = bytes[(i += sign)]!;
    const first = i;
    // nine digits, and nine more: products and sums of integers are faster than those of doubles
    let high = 0;
    let low = 0;
    let digits = 0;
    while (byte === ZERO && i < stop) byte = bytes[++i]!;
    let digit = byte - ZERO;
    while (digit >= 0 && digit <= 9 && digits < 9) {
      high = ((high << 3) + (high << 1) + digit) | 0;
      digits++;
      digit = bytes[++i]! - ZERO;
    }
    while (digit >= 0 && digit <= 9 && digits < 18) {
      low = ((low << 3) + (low << 1) + digit) | 0;
      digits++;
      digit = bytes[++i]! - ZERO;
    }
    let exponent = 0;
    let count = i - first;
    if (digit === DOT - ZERO) {
      const point = ++i;
      digit = bytes[i]! - ZERO;
      if (digits === 0) while (digit === 0 && i < stop) digit = bytes[++i]! - ZERO;
      while (digit >= 0 && digit <= 9 && digits < 9) {
        high = ((high << 3) + (high << 1) + digit) | 0;
        digits++;
        digit = bytes[++i]! - ZERO;
      }
      while (digit >= 0 && digit <= 9 && digits < 18) {
        low = ((low << 3) + (low << 1) + digit) | 0;
        digits++;
        digit = bytes[++i]! - ZERO;
      }
      exponent = point - i;
      count += i - point;
    }
    if (count === 0) break;
    // e or E
    if ((digit | 32) === 101 - ZERO) {
      const isSmall = bytes[++i] === MINUS;
      if (isSmall || bytes[i] === 43) i++;
      const start = i;
      let power = 0;
      for (let d = bytes[i]! - ZERO; d >= 0 && d <= 9 && i < start + 4; d = bytes[++i]! - ZERO) power = 10 * power + d;
      if (i === start) break;
      exponent += isSmall ? -power : power;
    }
    if ((KINDS[bytes[i]!]! & NUMBER_END) === 0) break;
    let value: number;
    if (digits <= 15) {
      const mantissa = digits <= 9 ? high : high * POWERS[digits - 9]! + low;
      if (exponent === 0 || mantissa === 0) value = mantissa;
      else if (exponent < 0 && exponent >= -22) value = mantissa / POWERS[-exponent]!;
      else if (exponent > 0 && exponent <= 22) value = mantissa * POWERS[exponent]!;
      else break;
    } else {
      if (exponent > 0 || exponent < -22) break;
      value = quotient(high, digits - 9, low, -exponent);
      if (value < 0) break;
    }
    target[index++] = value * (1 - 2 * sign);
    next = i;
  }
  text.next = next;
  return index;
}

/**
 * (high × 10^scale + low) / 10^divisor, for integers of nine digits each: in twice the precision, so that the result is the nearest
 * double; −1 where it is too close to the middle of two to tell.
 */
function quotient(high: number, scale: number, low: number, divisor: number): number {
  // the integer as a sum of two doubles; the product is exact: 30 bits of high, 21 of 10^9
  const product = high * POWERS[scale]!;
  const sum = product + low;
  const rest = low - (sum - product);
  const first = sum * INVERSES[divisor]!;
  const back = first * POWERS[divisor]!;
  const spread = SPLITTER * first;
  const highHalf = spread - (spread - first);
  const lowHalf = first - highHalf;
  const [p, q] = [HIGH_HALVES[divisor]!, LOW_HALVES[divisor]!];
  const backRest = lowHalf * q - (back - highHalf * p - lowHalf * p - highHalf * q);
  const second = (sum - back - backRest + rest) * INVERSES[divisor]!;
  const value = first + second;
  const margin = Math.abs(second) * 1e-14;
  return first + (second - margin) === value && first + (second + margin) === value ? value : -1;
}

/**
 * Integers from 0 to 999,999,999 into `target` from `at` on.
 *
 * @returns the index after the last number that was read
 */
export function readIndices(text: NumberText, target: Int32Array, at: number): number {
  const { bytes, end, skipped } = text;
  const last = end - MARGIN;
  const { length } = target;
  let next = text.next;
  let index = at;
  while (index < length) {
    while (next < last && (KINDS[bytes[next]!]! & skipped) !== 0) next++;
    if (next >= last) break;
    let i = next;
    let value = 0;
    for (let d = bytes[i]! - ZERO; d >= 0 && d <= 9; d = bytes[++i]! - ZERO)
      value = ((value << 3) + (value << 1) + d) | 0;
    if (i === next || i - next > 9 || i >= end || (KINDS[bytes[i]!]! & NUMBER_END) === 0) break;
    target[index++] = value;
    next = i;
  }
  text.next = next;
  return index;
}

/** Lists of integers that are read one after the other: list l has the values from `offsets[l]` to below `offsets[l + 1]`. */
export class IndexLists {
  values: Int32Array;
  readonly offsets: Int32Array;
  /** Lists and values so far. */
  count = 0;
  length = 0;

  constructor(total: number) {
    this.offsets = new Int32Array(total + 1);
    this.values = new Int32Array(4 * total);
  }

  /** Has room for so many more values. */
  reserve(more: number): void {
    if (this.length + more <= this.values.length) return;
    const larger = new Int32Array(2 * (this.length + more));
    larger.set(this.values);
    this.values = larger;
  }

  /** Ends a list with the values up to `length`. */
  end(length: number): void {
    this.length = length;
    this.offsets[++this.count] = length;
  }
}

const LIST_MARGIN = 512;

/** Lists behind their lengths, `4(0 1 5 4)`, each of up to 9 integers below 10^9; parentheses are among what is skipped. */
export function readLists(text: NumberText, lists: IndexLists): void {
  const { bytes, end, skipped } = text;
  const last = end - LIST_MARGIN;
  const total = lists.offsets.length - 1;
  let next = text.next;
  while (lists.count < total) {
    while (next < last && (KINDS[bytes[next]!]! & skipped) !== 0) next++;
    if (next >= last) break;
    const size = bytes[next]! - ZERO;
    let i = next + 1;
    if (!(size >= 0 && size <= 9) || (KINDS[bytes[i]!]! & skipped) === 0) break;
    lists.reserve(size);
    const { values, length } = lists;
    let item = 0;
    for (; item < size; item++) {
      // most often one byte stands between two numbers
      let d = bytes[++i]! - ZERO;
      if (!(d >= 0 && d <= 9)) {
        while (i < end && (KINDS[bytes[i]!]! & skipped) !== 0) i++;
        d = bytes[i]! - ZERO;
      }
      const start = i;
      let value = 0;
      for (; d >= 0 && d <= 9; d = bytes[++i]! - ZERO) value = ((value << 3) + (value << 1) + d) | 0;
      if (i === start || i - start > 9 || i >= end || (KINDS[bytes[i]!]! & skipped) === 0) break;
      values[length + item] = value;
    }
    if (item < size) break;
    lists.end(length + size);
    next = i;
  }
  text.next = next;
}

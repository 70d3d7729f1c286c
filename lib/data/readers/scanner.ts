import type { TypedArray } from "./arrays";
import type { ByteSource } from "./byte-source";
import { POWERS_OF_TEN, endsNumber, isSpace } from "./text";

const WINDOW = 2 ** 20;
/** Longest word or number that is looked at as a whole. */
const MAX_WORD = 4096;
const MAX_LINE = 2 ** 20;
const MINUS = 45;
const PLUS = 43;
const DOT = 46;
const ZERO = 48;
const [OPEN, CLOSE] = [40, 41];

/**
 * Reads words, numbers, lines and raw bytes one after the other through a window of 1 MiB, so that a file may be larger
 * than memory. Words end at white space.
 */
export class Scanner {
  #window: Uint8Array;
  /** Byte of the source at which the window begins. */
  #start: number;
  /** Next byte and end, within the window. */
  #next = 0;
  #end: number;

  /** @param limit end of what is read, from the beginning of the source. */
  constructor(
    readonly source: ByteSource,
    position = 0,
    readonly limit: number = source.size,
  ) {
    const memory = source.memory;
    if (memory !== undefined) {
      [this.#window, this.#start, this.#next, this.#end] = [memory, 0, Math.min(position, limit), limit];
    } else {
      [this.#window, this.#start, this.#end] = [new Uint8Array(Math.min(WINDOW, limit - position)), position, 0];
    }
  }

  /** Byte of the source that comes next. */
  get position(): number {
    return this.#start + this.#next;
  }

  set position(position: number) {
    const next = position - this.#start;
    if (next >= 0 && next <= this.#end) this.#next = next;
    else [this.#start, this.#next, this.#end] = [position, 0, 0];
  }

  /** Has at least `count` bytes in the window, or as many as there are. */
  #fill(count: number): void {
    if (this.#end - this.#next >= count || this.#start + this.#end >= this.limit) return;
    this.#start += this.#next;
    if (this.#window.length < Math.min(count, this.limit - this.#start)) {
      const larger = new Uint8Array(Math.min(Math.max(count, WINDOW), this.limit - this.#start));
      larger.set(this.#window.subarray(this.#next, this.#end));
      this.#window = larger;
    } else {
      this.#window.copyWithin(0, this.#next, this.#end);
    }
    this.#end -= this.#next;
    this.#next = 0;
    const target = this.#window.subarray(this.#end, this.#end + this.limit - this.#start - this.#end);
    this.source.read(target, this.#start + this.#end);
    this.#end += target.length;
  }

  /** The byte `ahead` of the next one without taking it; -1 after the end. */
  peek(ahead = 0): number {
    if (this.#next + ahead >= this.#end) this.#fill(ahead + 1);
    return this.#next + ahead < this.#end ? this.#window[this.#next + ahead]! : -1;
  }

  /** Takes a byte; -1 at the end. */
  take(): number {
    if (this.#next >= this.#end) this.#fill(1);
    return this.#next < this.#end ? this.#window[this.#next++]! : -1;
  }

  /** Skips `count` bytes. */
  skip(count: number): void {
    this.position += count;
  }

  get isAtEnd(): boolean {
    return this.peek() < 0;
  }

  skipSpace(): void {
    for (;;) {
      while (this.#next < this.#end && isSpace(this.#window[this.#next]!)) this.#next++;
      if (this.#next < this.#end) return;
      this.#fill(1);
      if (this.#next >= this.#end) return;
    }
  }

  /** Goes to the next such byte, without taking it; false when there is none. */
  skipTo(byte: number): boolean {
    for (;;) {
      const at = this.#window.indexOf(byte, this.#next);
      if (at >= 0 && at < this.#end) {
        this.#next = at;
        return true;
      }
      this.#next = this.#end;
      this.#fill(1);
      if (this.#next >= this.#end) return false;
    }
  }

  /** The next word; empty at the end. */
  word(): string {
    this.skipSpace();
    this.#fill(MAX_WORD);
    let end = this.#next;
    while (end < this.#end && !isSpace(this.#window[end]!)) end++;
    if (end - this.#next > MAX_WORD - 1)
      throw this.error(`expected a word, got ${end - this.#next} bytes without white space`);
    const text = this.#text(this.#next, end);
    this.#next = end;
    return text;
  }

  /** The rest of the line, without its end; undefined after the last one. */
  line(): string | undefined {
    if (this.isAtEnd) return undefined;
    let length = 256;
    for (;;) {
      this.#fill(length);
      const at = this.#window.subarray(this.#next, this.#end).indexOf(10);
      const isLast = this.#start + this.#end >= this.limit;
      if (at >= 0 || isLast) {
        const end = at >= 0 ? this.#next + at : this.#end;
        if (end - this.#next > MAX_LINE) break;
        const text = this.#text(this.#next, end > this.#next && this.#window[end - 1] === 13 ? end - 1 : end);
        this.#next = at >= 0 ? end + 1 : end;
        return text;
      }
      if (length > MAX_LINE) break;
      length *= 2;
    }
    throw this.error(`expected a line of text, got more than ${MAX_LINE} bytes without the end of a line`);
  }

  /** Raw bytes, as many as the target holds. */
  bytes(target: Uint8Array, what?: string): void {
    const inWindow = Math.min(target.length, this.#end - this.#next);
    if (this.limit - this.position < target.length)
      throw this.source.error(
        `expected ${target.length} bytes of ${what ?? "data"}, got ${this.limit - this.position}`,
        this.position,
      );
    target.set(this.#window.subarray(this.#next, this.#next + inWindow));
    if (inWindow < target.length) this.source.read(target.subarray(inWindow), this.position + inWindow, what);
    this.position += target.length;
  }

  /** A count of things that the file must hold, each of at least `bytesEach` bytes. */
  count(what: string, bytesEach = 0): number {
    const start = (this.skipSpace(), this.position);
    const word = this.word();
    const value = Number(word);
    if (!/^\d+$/.test(word) || !Number.isSafeInteger(value))
      throw this.error(`expected ${what}, got ${show(word)}`, start);
    this.require(value, bytesEach, what, start);
    return value;
  }

  /** Makes sure, before memory is taken, that so many things of so many bytes can follow. */
  require(count: number, bytesEach: number, what: string, offset = this.position): void {
    const left = this.limit - this.position;
    if (!(count * bytesEach <= left + 1))
      throw this.error(`expected ${what}: ${count} need at least ${count * bytesEach} bytes, got ${left}`, offset);
  }

  /** The next number. */
  number(what = "a number"): number {
    this.skipSpace();
    this.#fill(MAX_WORD);
    return this.#number(what);
  }

  /**
   * Fills the array with numbers that white space separates.
   *
   * @param inParentheses rows may stand in parentheses; the last closing one is left.
   */
  numbers<Values extends TypedArray>(target: Values, what = "a number", inParentheses = false): Values {
    this.require(target.length, 2, what);
    if (target instanceof BigInt64Array || target instanceof BigUint64Array) {
      for (let i = 0; i < target.length; i++) target[i] = this.bigint(what);
      return target;
    }
    const isInteger = !(target instanceof Float32Array || target instanceof Float64Array);
    for (let i = 0; i < target.length; i++) {
      if (this.#end - this.#next < 2 * MAX_WORD) this.#fill(2 * MAX_WORD);
      let next = this.#next;
      for (let byte = this.#window[next]!; next < this.#end; byte = this.#window[++next]!)
        if (!isSpace(byte) && !(inParentheses && (byte === OPEN || byte === CLOSE))) break;
      this.#next = next;
      if (this.#end - next < MAX_WORD) {
        // much white space
        this.skipSpace();
        this.#fill(MAX_WORD);
      }
      const start = this.position;
      const value = this.#number(what);
      target[i] = value;
      if (isInteger && target[i] !== value)
        throw this.error(
          `expected ${what} that is an integer of ${8 * target.BYTES_PER_ELEMENT} bits, got ${value}`,
          start,
        );
    }
    return target;
  }

  /** The next integer of any size. */
  bigint(what = "an integer"): bigint {
    this.skipSpace();
    const start = this.position;
    const word = this.word();
    if (!/^[+-]?\d{1,20}$/.test(word)) throw this.error(`expected ${what}, got ${show(word)}`, start);
    return BigInt(word);
  }

  /**
   * The number that begins at the next byte; the window holds it as a whole. Up to 15 digits and small exponents are
   * exact in doubles (Clinger 1990); others go through JavaScript's own conversion.
   */
  #number(what: string): number {
    const window = this.#window;
    const end = this.#end;
    let i = this.#next;
    const isNegative = window[i] === MINUS;
    if (isNegative || window[i] === PLUS) i++;
    let mantissa = 0;
    let digits = 0;
    let exponent = 0;
    const first = i;
    for (let d = window[i]! - ZERO; i < end && d >= 0 && d <= 9; d = window[++i]! - ZERO) {
      mantissa = 10 * mantissa + d;
      if (mantissa > 0) digits++;
    }
    let count = i - first;
    if (i < end && window[i] === DOT) {
      const point = ++i;
      for (let d = window[i]! - ZERO; i < end && d >= 0 && d <= 9; d = window[++i]! - ZERO) {
        mantissa = 10 * mantissa + d;
        if (mantissa > 0) digits++;
      }
      exponent = point - i;
      count += i - point;
    }
    if (count === 0) return this.#unusualNumber(what);
    if (i < end && (window[i]! | 32) === 101) {
      let e = i + 1;
      const isSmall = window[e] === MINUS;
      if (isSmall || window[e] === PLUS) e++;
      const start = e;
      let power = 0;
      for (let d = window[e]! - ZERO; e < end && d >= 0 && d <= 9; d = window[++e]! - ZERO) power = 10 * power + d;
      if (e === start) return this.#unusualNumber(what);
      exponent += isSmall ? -power : power;
      i = e;
    }
    if (i < end && !endsNumber(window[i]!)) return this.#unusualNumber(what);
    if (digits > 15 || exponent > 22 || exponent < -22) {
      const value = Number(this.#text(this.#next, i));
      this.#next = i;
      return value;
    }
    this.#next = i;
    const value = exponent < 0 ? mantissa / POWERS_OF_TEN[-exponent]! : mantissa * POWERS_OF_TEN[exponent]!;
    return isNegative ? -value : value;
  }

  /** NaN and infinities as C writes them; everything else is an error. */
  #unusualNumber(what: string): number {
    const start = this.#next;
    let end = start;
    while (end < this.#end && end - start < 40 && (end === start || !endsNumber(this.#window[end]!))) end++;
    const word = this.#text(start, end);
    const [, sign, name] = /^([+-]?)(nan|inf|infinity)$/i.exec(word) ?? [];
    if (name === undefined) throw this.error(`expected ${what}, got ${show(word)}`);
    this.#next = end;
    if (name.toLowerCase() === "nan") return NaN;
    return sign === "-" ? -Infinity : Infinity;
  }

  /** An error at the next byte, or another one, told by its line. */
  error(problem: string, offset = this.position): Error {
    return this.source.errorInText(problem, offset);
  }

  #text(start: number, end: number): string {
    const { buffer, byteOffset } = this.#window;
    return Buffer.from(buffer, byteOffset + start, end - start).toString();
  }
}

/** A word for an error: short, in quotes, without control characters. */
export function show(word: string): string {
  if (word === "") return "the end of the file";
  return JSON.stringify(word.length > 40 ? `${word.slice(0, 40)}…` : word);
}

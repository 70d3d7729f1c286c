import type { TypedArray } from "./arrays";
import { IndexLists, NumberText, readDecimals, readIndices, readLists } from "./bulk-numbers";
import type { ByteSource } from "./byte-source";
import { BYTE_KINDS } from "./text";

// of this module: see BYTE_KINDS
const KINDS = BYTE_KINDS;

const WINDOW = 2 ** 20;
/** Longest word or number that is looked at as a whole. */
const MAX_WORD = 4096;
const MAX_NUMBER = 512;
const MAX_LINE = 2 ** 20;
/** Decimals, and what C writes for those that are none. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const SPECIAL: ReadonlyMap<string, number> = new Map(
  ["", "+", "-"].flatMap((sign) => [
    [`${sign}nan`, NaN],
    [`${sign}inf`, sign === "-" ? -Infinity : Infinity],
    [`${sign}infinity`, sign === "-" ? -Infinity : Infinity],
  ]),
);
const ONE = new Float64Array(1);
/** Bits of BYTE_KINDS. */
const [SPACE, NUMBER_END, PARENTHESIS] = [1, 2, 4];

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
      while (this.#next < this.#end && (KINDS[this.#window[this.#next]!]! & SPACE) !== 0) this.#next++;
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
    while (end < this.#end && (KINDS[this.#window[end]!]! & SPACE) === 0) end++;
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
    this.#toNumber(SPACE);
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
    const skipped = inParentheses ? SPACE | PARENTHESIS : SPACE;
    for (let i = 0; i < target.length; i++) {
      i = this.#manyNumbers(target, i, skipped);
      if (i === target.length) break;
      this.#toNumber(skipped);
      const start = this.#next;
      const value = this.#number(what);
      target[i] = value;
      if (isInteger && target[i] !== value)
        throw this.error(
          `expected ${what} that is an integer of ${8 * target.BYTES_PER_ELEMENT} bits, got ${value}`,
          this.#start + start,
        );
    }
    return target;
  }

  /** As many numbers as {@link bulk-numbers} reads; returns the index of the next one. */
  #manyNumbers(target: TypedArray, at: number, skipped: number): number {
    const isIndex = target instanceof Int32Array;
    if (!isIndex && !(target instanceof Float64Array || target instanceof Float32Array)) return at;
    const text = new NumberText(this.#window, this.#next, this.#end, skipped);
    const index = isIndex ? readIndices(text, target, at) : readDecimals(text, target, at);
    this.#next = text.next;
    return index;
  }

  /** Lists of integers from 0 to below 2^31, each behind its length: `3(0 1 2)`. The last parenthesis is left. */
  lists(total: number, what: string): { values: Int32Array; offsets: Int32Array } {
    const lists = new IndexLists(total);
    while (lists.count < total) {
      const text = new NumberText(this.#window, this.#next, this.#end, SPACE | PARENTHESIS);
      readLists(text, lists);
      this.#next = text.next;
      if (lists.count < total) this.#list(lists, what);
    }
    const { values, offsets, length } = lists;
    return { values: length === values.length ? values : values.slice(0, length), offsets };
  }

  /** One list with all checks. */
  #list(lists: IndexLists, what: string): void {
    const size = this.#index(what);
    // two bytes a value at least, so that the memory is in proportion to the file
    this.require(size, 2, what);
    lists.reserve(size);
    for (let i = 0; i < size; i++) lists.values[lists.length + i] = this.#index(what);
    lists.end(lists.length + size);
  }

  /** An integer of a list below 2^31, which may stand in parentheses. */
  #index(what: string): number {
    this.#toNumber(SPACE | PARENTHESIS);
    return this.#digits(what);
  }

  /** An integer below 2^31 with all checks. */
  #digits(what: string): number {
    const start = this.position;
    const value = this.#number(what);
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** 31)
      throw this.error(`expected ${what}, got ${value}`, start);
    return value;
  }

  /** Goes to the beginning of a number, and has all of it in the window. */
  #toNumber(skipped: number): void {
    for (;;) {
      const window = this.#window;
      const end = this.#end;
      let next = this.#next;
      while (next < end && (KINDS[window[next]!]! & skipped) !== 0) next++;
      this.#next = next;
      if (end - next >= MAX_NUMBER || this.#start + end >= this.limit) return;
      this.#fill(MAX_WORD);
    }
  }

  /** The next integer of any size. */
  bigint(what = "an integer"): bigint {
    this.skipSpace();
    const start = this.position;
    const word = this.word();
    if (!/^[+-]?\d{1,20}$/.test(word)) throw this.error(`expected ${what}, got ${show(word)}`, start);
    return BigInt(word);
  }

  /** The number that begins at the next byte; the window holds it as a whole. */
  #number(what: string): number {
    const text = new NumberText(this.#window, this.#next, this.#end, 0);
    if (readDecimals(text, ONE, 0) === 1) {
      this.#next = text.next;
      return ONE[0]!;
    }
    const start = this.#next;
    let end = start;
    while (end < this.#end && end - start < MAX_NUMBER && (KINDS[this.#window[end]!]! & NUMBER_END) === 0) end++;
    const word = this.#text(start, Math.max(end, Math.min(start + 1, this.#end)));
    const value = NUMBER.test(word) ? Number(word) : SPECIAL.get(word.toLowerCase());
    if (value === undefined) throw this.error(`expected ${what}, got ${show(word)}`);
    this.#next = end;
    return value;
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

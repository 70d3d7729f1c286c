import { bytesSource, withFile } from "../../../lib/data/readers/byte-source";
import { FileFormatError } from "../../../lib/data/readers";
import { Scanner } from "../../../lib/data/readers/scanner";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const scannerOf = (text: string) => new Scanner(bytesSource(Buffer.from(text), "a.txt"));
const numbersOf = (text: string, count: number) => [...scannerOf(text).numbers(new Float64Array(count))];

/** Doubles of every exponent, from a fixed stream. */
function* doubles(count: number): Generator<number> {
  const [words, value] = [new Uint32Array(2), new Float64Array(1)];
  const view = new Uint32Array(value.buffer);
  for (let seed = 1; count > 0;) {
    for (const i of [0, 1]) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      words[i] = seed ^ (seed >>> 13);
    }
    view.set(words);
    if (!Number.isFinite(value[0])) continue;
    count--;
    // as they are, and of the size that fields have
    yield count % 2 === 0 ? value[0]! : (words[0]! / 2 ** 32 - 0.5) * 10 ** (count % 9) + words[1]! / 2 ** 60;
  }
}

describe("numbers are the nearest doubles, as JavaScript reads them", () => {
  const values = [...doubles(20_000)];
  test.each<[string, (x: number) => string]>([
    ["shortest", String],
    ["9 digits", (x) => x.toPrecision(9)],
    ["16 digits", (x) => x.toPrecision(16)],
    ["17 digits", (x) => x.toPrecision(17)],
    ["19 digits", (x) => x.toPrecision(19)],
    ["21 digits", (x) => x.toPrecision(21)],
    ["exponents", (x) => x.toExponential(17)],
    ["decimals", (x) => (Math.abs(x) < 1e15 ? x.toFixed(12) : String(x))],
  ])("%s", (_, write) => {
    const texts = values.map(write);
    const read = numbersOf(texts.join(" "), texts.length);
    const wrong = texts.filter((text, i) => !Object.is(read[i], Number(text)));
    expect(wrong).toEqual([]);
  });
  test("near the middle of two doubles", () => {
    const texts = values.slice(0, 20_000).flatMap((x) => {
      const next = x + Math.abs(x) * 2 ** -52;
      const middle = (BigInt(Math.round(x % 1e6)) * 2n + 1n).toString();
      return [
        `${(x + next) / 2}`,
        `0.${middle}5`,
        `9007199254740993.${Math.abs(Math.round(next % 100))}`,
        "9007199254740993",
      ];
    });
    const valid = texts.filter((text) => Number.isFinite(Number(text)));
    const read = numbersOf(valid.join("\n"), valid.length);
    expect(valid.filter((text, i) => !Object.is(read[i], Number(text)))).toEqual([]);
  });
  test("NaN, infinities, signs, points without digits", () =>
    expect(numbersOf("nan NaN -inf +INF infinity -0 +1. .5 1e5 1E-2 007", 11)).toEqual([
      NaN,
      NaN,
      -Infinity,
      Infinity,
      Infinity,
      -0,
      1,
      0.5,
      1e5,
      0.01,
      7,
    ]));
});

test.each(["1.2.3", "1e", "--1", "x", "1x", "0x10", ".", "e5", "1e5.5", ""])("%j is no number", (text) => {
  expect(() => numbersOf(text.padEnd(2), 1)).toThrow(FileFormatError);
});

test("integers have to fit their type", () => {
  expect([...scannerOf("-128 127").numbers(new Int8Array(2))]).toEqual([-128, 127]);
  expect(() => scannerOf("128").numbers(new Int8Array(1))).toThrow("an integer of 8 bits, got 128");
  expect(() => scannerOf("1.5").numbers(new Int32Array(1))).toThrow("an integer of 32 bits, got 1.5");
  expect([...scannerOf("9223372036854775807").numbers(new BigInt64Array(1))]).toEqual([2n ** 63n - 1n]);
});

describe("a file larger than the window", () => {
  const folder = mkdtempSync(join(tmpdir(), "noether-scanner-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "a.txt");

  test("numbers across its ends", () => {
    const values = Array.from({ length: 150_000 }, (_, i) => i / 7);
    writeFileSync(path, values.join("\n"));
    withFile(path, (source) => {
      const read = new Scanner(source).numbers(new Float64Array(values.length));
      expect(values.filter((value, i) => read[i] !== value)).toEqual([]);
    });
  });
  test("much white space, long lines, and going back", () => {
    writeFileSync(path, `first${" ".repeat(3_000_000)}second ${"x".repeat(900_000)}\nthird`);
    withFile(path, (source) => {
      const scanner = new Scanner(source);
      expect([scanner.word(), scanner.word()]).toEqual(["first", "second"]);
      expect(scanner.line()).toHaveLength(900_001);
      expect(scanner.word()).toBe("third");
      scanner.position = 0;
      expect([scanner.word(), scanner.isAtEnd]).toEqual(["first", false]);
    });
  });
  test("a line without end is refused", () => {
    writeFileSync(path, "x".repeat(3_000_000));
    withFile(path, (source) => expect(() => new Scanner(source).line()).toThrow("expected a line of text"));
  });
  test("errors tell the line", () => {
    writeFileSync(path, `${"1\n".repeat(1_000_000)}x`);
    withFile(path, (source) => {
      expect(() => new Scanner(source).numbers(new Float64Array(1_000_001))).toThrow(
        'a.txt:1000001: expected a number, got "x"',
      );
    });
  });
});

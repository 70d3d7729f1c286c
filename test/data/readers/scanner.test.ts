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
  test("half way between two doubles, and beside it, with 16 to 18 digits", () => {
    const wrong: string[] = [];
    const texts: string[] = [];
    for (let i = 1; i <= 40_000; i++) {
      // odd multiples of half a unit of the last place, which 2^53 < x < 2^59 write exactly
      const power = i % 6;
      const odd = 9007199254740993n + 2n * BigInt(Math.imul(i, 7919) >>> 0);
      const middle = (odd << BigInt(power)).toString();
      for (const text of [middle, `${middle.slice(0, -1)}${(Number(middle.at(-1)) + 1) % 10}`]) {
        texts.push(text, `${text.slice(0, 1)}.${text.slice(1)}`, `0.0${text}`, `-${text.slice(0, 4)}.${text.slice(4)}`);
      }
    }
    const read = numbersOf(texts.join(" "), texts.length);
    texts.forEach((text, i) => {
      if (!Object.is(read[i], Number(text))) wrong.push(text);
    });
    expect(wrong).toEqual([]);
  });
  test("as people write them, among many", () => {
    const texts = [
      "-0",
      "+1",
      "007",
      "0.000",
      ".5",
      "5.",
      "1e5",
      "1E-5",
      "1.e+3",
      "1e22",
      "1e23",
      "1e-22",
      "1e-23",
      "123456789",
      "1234567890",
      "999999999999999999",
      "9999999999999999999",
      `0.${"0".repeat(100)}1`,
      `${"0".repeat(300)}1`,
      `1${"0".repeat(200)}`,
      "0e5",
      "1e-400",
      "1e400",
      "4.9e-324",
    ];
    // more than what is read with all checks at the end of the text
    const many = Array.from({ length: 50 }, () => texts).flat();
    const read = numbersOf(many.join(" "), many.length);
    expect(many.filter((text, i) => !Object.is(read[i], Number(text)))).toEqual([]);
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

describe("lists", () => {
  const listsOf = (text: string, count: number) => {
    const { values, offsets } = scannerOf(text).lists(count, "an index");
    return Array.from({ length: count }, (_, i) => [...values.subarray(offsets[i], offsets[i + 1])]);
  };
  const padding = `\n${"1(0)\n".repeat(400)}`;

  test.each<[string, number[]]>([
    ["4(0 1 2 3)", [0, 1, 2, 3]],
    ["4 ( 0  1\n2\t3 )", [0, 1, 2, 3]],
    ["3\n(\n10\n11\n12\n)", [10, 11, 12]],
    ["12(1 2 3 4 5 6 7 8 9 10 11 12)", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    ["2(999999999 2147483647)", [999_999_999, 2_147_483_647]],
    ["2(007 +8)", [7, 8]],
    ["0()", []],
  ])("%j, alone and among others", (text, expected) => {
    expect(listsOf(text, 1)).toEqual([expected]);
    expect(listsOf(text + padding, 301)).toEqual([expected, ...new Array<number[]>(300).fill([0])]);
    expect(listsOf(padding + text, 401).at(-1)).toEqual(expected);
  });

  test.each([
    ["2(1 -2)", "expected an index, got -2"],
    ["2(1 2.5)", "expected an index, got 2.5"],
    ["2(1 2147483648)", "expected an index, got 2147483648"],
    ["2(1 a)", 'expected an index, got "a"'],
    ["2{1 2}", 'expected an index, got "{"'],
    ["2(1;2)", 'expected an index, got ";"'],
    ["2(1/2)", 'expected an index, got "/"'],
  ])("%j, alone and among others", (text, message) => {
    expect(() => listsOf(text, 1)).toThrow(message);
    expect(() => listsOf(padding + text + padding, 500)).toThrow(message);
  });

  test("more of them than the file can hold", () => {
    expect(() => listsOf("900000000(1 2)", 1)).toThrow(FileFormatError);
  });
});

import type { TypedArray } from "./arrays";

/** Numbers as lines of text, the shortest decimals that give the same values again. */
export function* decimals(values: TypedArray, perLine: number): Generator<string> {
  const text = values instanceof Float32Array ? float32Text : plainText;
  for (let i = 0; i < values.length; i += perLine) {
    const line: string[] = [];
    for (let j = i; j < Math.min(i + perLine, values.length); j++) line.push(text(values[j]!));
    yield `${line.join(" ")}\n`;
  }
}

/** Shortest decimal of a float32; NaN and infinities as C writes them. */
export function float32Text(value: number | bigint): string {
  if (!Number.isFinite(value)) return plainText(value);
  const single = Number(value);
  for (let digits = 6; digits <= 8; digits++) {
    const rounded = Number(single.toPrecision(digits));
    if (Math.fround(rounded) === single) return plainText(rounded);
  }
  return plainText(Number(single.toPrecision(9)));
}

function plainText(value: number | bigint): string {
  if (Object.is(value, -0)) return "-0";
  if (Number.isNaN(value)) return "nan";
  return value === Infinity ? "inf" : value === -Infinity ? "-inf" : String(value);
}

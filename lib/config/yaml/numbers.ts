import { Float, type ScalarValue } from "./nodes";

/** A Python `int` literal: a number while that is exact, else a bigint. */
function integerOf(text: string): number | bigint {
  return exactInteger(BigInt(text.replaceAll("_", "").replace(/^\+/, "")));
}

/** The integer as a number if that is exact. */
export function exactInteger(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** A Python `float` literal. */
export function floatOf(text: string): Float {
  const plain = text.replaceAll("_", "").toLowerCase();
  const sign = plain.startsWith("-") ? -1 : 1;
  const digits = plain.replace(/^[+-]/, "");
  const value = digits === "inf" ? Infinity : digits === "nan" ? NaN : Number(digits);
  return new Float(sign * value);
}

/** The value of a token of the types `INT`, `FLOAT`, `BOOL`, `NULL`; undefined for other types. */
export function literalOf(type: string, text: string): ScalarValue | undefined {
  switch (type) {
    case "INT":
      return integerOf(text);
    case "FLOAT":
      return floatOf(text);
    case "BOOL":
      return text.toLowerCase() === "true";
    case "NULL":
      return null;
    default:
      return undefined;
  }
}

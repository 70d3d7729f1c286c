/**
 * Number texts as Python prints them: parts of checkpoint file names, log lines and YAML files that Python reads.
 */

/**
 * `repr(float(x))`: shortest digits that round-trip, `.0` on integral values, exponent form below 1e-4 and from 1e16.
 *
 * @example pyFloatRepr(1e-5) === "1e-05"; pyFloatRepr(1) === "1.0"
 */
export function pyFloatRepr(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e16)) {
    return padExponent(value.toExponential());
  }
  // between the two JavaScript writes the same digits, without an exponent
  const text = String(value);
  return text.includes(".") ? text : `${text}.0`;
}

/** A number as Python's `str` gives it: integral JavaScript numbers count as int, others as float. */
export function pyNumber(value: number): string {
  return Number.isInteger(value) && !Object.is(value, -0) ? String(value) : pyFloatRepr(value);
}

/** `format(x, ".{precision}f")`: fixed decimals, exact ties rounded to even (JavaScript's `toFixed` rounds them up). */
export function toFixedHalfEven(value: number, precision: number): string {
  if (!Number.isFinite(value)) return pyFloatRepr(value);
  const negative = value < 0 || Object.is(value, -0);
  const digits = exactDecimal(Math.abs(value));
  const [whole = "0", fraction = ""] = digits.split(".");
  const kept = BigInt(whole + fraction.slice(0, precision).padEnd(precision, "0"));
  const rest = fraction.slice(precision);
  const tie = rest.length > 0 && rest[0] === "5" && /^50*$/.test(rest);
  const up = rest.length > 0 && (tie ? kept % 2n === 1n : rest[0]! >= "5");
  const rounded = (kept + (up ? 1n : 0n)).toString().padStart(precision + 1, "0");
  const text = precision === 0 ? rounded : `${rounded.slice(0, -precision)}.${rounded.slice(-precision)}`;
  return negative ? `-${text}` : text;
}

/** `format(x, ".{precision}e")` with an exponent of at least two digits. */
export function toExponentialPython(value: number, precision: number): string {
  return Number.isFinite(value) ? padExponent(value.toExponential(precision)) : pyFloatRepr(value);
}

/** `format(x, ".{precision}g")`. */
export function toGeneralPython(value: number, precision: number): string {
  if (!Number.isFinite(value)) return pyFloatRepr(value);
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  const significant = Math.max(precision, 1);
  const [mantissa, exponentText] = value.toExponential(significant - 1).split("e") as [string, string];
  const exponent = Number(exponentText);
  if (exponent < -4 || exponent >= significant) {
    return padExponent(`${stripZeros(mantissa)}e${exponentText}`);
  }
  return stripZeros(value.toFixed(Math.max(significant - 1 - exponent, 0)));
}

function stripZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

function padExponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

/** All decimal digits of a finite, non-negative double. */
function exactDecimal(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponentBits = Number((bits >> 52n) & 0x7ffn);
  const fractionBits = bits & 0xfffffffffffffn;
  const significand = exponentBits === 0 ? fractionBits : fractionBits | 0x10000000000000n;
  const exponent = (exponentBits === 0 ? 1 : exponentBits) - 1075;
  if (exponent >= 0) {
    return (significand << BigInt(exponent)).toString();
  }
  // significand / 2^k = significand * 5^k / 10^k
  const digits = (significand * 5n ** BigInt(-exponent)).toString().padStart(-exponent + 1, "0");
  return `${digits.slice(0, exponent)}.${digits.slice(exponent)}`;
}

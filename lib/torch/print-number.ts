/** Python's number formats: like JavaScript's, except that exact ties round to even and exponents have two digits. */

/** Python's `f"{value:.{digits}f}"`. */
export function formatFixed(value: number, digits: number): string {
  return nonFinite(value) ?? sign(value) + placePoint(scaled(Math.abs(value), digits), digits);
}

/** Python's `f"{value:.{digits}e}"`. */
export function formatScientific(value: number, digits: number): string {
  const special = nonFinite(value);
  if (special !== null) return special;
  const magnitude = Math.abs(value);
  let exponent = magnitude === 0 ? 0 : Number(magnitude.toExponential().split("e")[1]);
  let mantissa = scaled(magnitude, digits - exponent);
  if (mantissa.toString().length > digits + 1) {
    exponent++;
    mantissa = scaled(magnitude, digits - exponent);
  }
  const power = Math.abs(exponent).toString().padStart(2, "0");
  return `${sign(value)}${placePoint(mantissa, digits)}e${exponent < 0 ? "-" : "+"}${power}`;
}

function nonFinite(value: number): string | null {
  if (Number.isNaN(value)) return "nan";
  return Number.isFinite(value) ? null : value > 0 ? "inf" : "-inf";
}

function sign(value: number): string {
  return value < 0 || Object.is(value, -0) ? "-" : "";
}

/** `value · 10^power`, rounded half to even, exactly. */
function scaled(value: number, power: number): bigint {
  const { mantissa, exponent } = decompose(value);
  let numerator = mantissa;
  let denominator = 1n;
  if (exponent >= 0) numerator <<= BigInt(exponent);
  else denominator <<= BigInt(-exponent);
  if (power >= 0) numerator *= 10n ** BigInt(power);
  else denominator *= 10n ** BigInt(-power);
  const quotient = numerator / denominator;
  const twice = (numerator % denominator) * 2n;
  const up = twice > denominator || (twice === denominator && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}

/** `value = mantissa · 2^exponent`, exactly. */
function decompose(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const biased = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  return biased === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

function placePoint(integer: bigint, digits: number): string {
  if (digits === 0) return integer.toString();
  const text = integer.toString().padStart(digits + 1, "0");
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

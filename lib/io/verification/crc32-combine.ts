/** The polynomial of CRC32 in reflected form: the highest bit is the coefficient of 1, that of x^32 is left out. */
const POLYNOMIAL = 0xedb88320;
const ONE = 0x80000000;
const X_TO_8 = 0x00800000;

/** The product of two polynomials over GF(2), modulo that of CRC32. */
function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = ONE; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= b;
    b = b & 1 ? (b >>> 1) ^ POLYNOMIAL : b >>> 1;
  }
  return product;
}

/** The CRC32 of two contents one after the other, from that of each and the bytes of the second: the first times x^(8 · bytes). */
export function crc32Combine(first: number, second: number, bytesOfSecond: number): number {
  let power = ONE;
  for (let [base, left] = [X_TO_8, bytesOfSecond]; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) power = multiply(power, base);
    base = multiply(base, base);
  }
  return (multiply(power, first) ^ second) >>> 0;
}

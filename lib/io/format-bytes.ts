const UNITS = ["B", "KB", "MB", "GB", "TB"] as const;

/** `0.00 B`, `120.56 KB`, `10.00 MB`: powers of 1024, two decimals, exact ties to the even digit as Python prints them. */
export function fmtBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${twoDecimals(value)} ${UNITS[unit]}`;
}

/** `toFixed` rounds exact ties up; they are exact only where 200 · value is an odd whole number, which doubles show. */
function twoDecimals(value: number): string {
  const halves = value * 200;
  const isTie = Number.isInteger(halves) && halves % 2 === 1 && halves / 200 === value && (value * 8) % 1 === 0;
  if (!isTie) return value.toFixed(2);
  const lower = (halves - 1) / 2;
  return ((lower % 2 === 0 ? lower : lower + 1) / 100).toFixed(2);
}

/** A number of bytes to read: `1.50 GiB`. */
export function bytesText(bytes: number, digits = 2): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(digits)} ${units[unit]!}`;
}

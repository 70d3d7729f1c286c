import { customType, refuse } from "../../config/schema";

const UNITS = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** A number of bytes: 1000000, `500 MB`, `2GiB`. */
export function byteSize() {
  return customType<number, number | string>((input, context) => {
    if (typeof input === "number" && input > 0 && Number.isFinite(input)) return Math.floor(input);
    const [, number, unit = "B"] = /^\s*(\d+(?:\.\d+)?)\s*([kKMGT]i?B|B)?\s*$/.exec(String(input)) ?? [];
    const factor = UNITS[unit as keyof typeof UNITS];
    if (typeof input === "string" && Number(number) > 0 && factor !== undefined)
      return Math.floor(Number(number) * factor);
    return refuse(context, input, "a size in bytes, such as 2GiB or 500MB");
  });
}

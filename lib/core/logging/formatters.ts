import { pyFloatRepr, toExponentialPython, toFixedHalfEven, toGeneralPython } from "../../config/python-format";

const LARGE = ["", "K", "M", "G", "T", "P", "E"];
const SMALL = ["", "m", "µ", "n", "p", "f", "a"];

/**
 * A number with an SI suffix: 1920 -> `1.9K`, 0.00123 -> `1.2m`.
 *
 * @param isInteger Whether the number is a count; counts below 1000 are printed as they are (by default: integral values).
 */
export function shortNumberStr(value: number, precision = 1, isInteger = Number.isInteger(value)): string {
  if (isInteger && Math.abs(value) < 1000) {
    return String(value);
  }
  if (value === 0) {
    return toFixedHalfEven(0, precision);
  }
  const sign = value < 0 ? "-" : "";
  const absolute = Math.abs(value);
  let magnitude = Math.floor(Math.log10(absolute) / 3);
  let scaled = magnitude === 0 ? absolute : absolute / 1000 ** magnitude;
  let text = toFixedHalfEven(scaled, precision);
  if (magnitude !== 0 && Number(text) >= 999.999999) {
    scaled /= 1000;
    magnitude += 1;
    text = toFixedHalfEven(scaled, precision);
  }
  const suffixes = magnitude >= 0 ? LARGE : SMALL;
  return `${sign}${text}${suffixes[Math.min(Math.abs(magnitude), suffixes.length - 1)]}`;
}

/** Seconds as `HH:MM:SS.cc`, with days in front from 24 hours on: 90065 -> `1-01:01:05.00`. Fractions are cut, not rounded. */
export function secondsToDurationStr(seconds: number): string {
  const whole = Math.trunc(seconds);
  const hundredths = Math.trunc((seconds - whole) * 100);
  const two = (value: number): string => String(value).padStart(2, "0");
  const days = Math.floor(whole / 86400);
  const time = [Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60].map(two).join(":");
  return `${days > 0 ? `${days}-` : ""}${time}.${two(hundredths)}`;
}

/** Scientific notation with as few digits as needed: (0.05, 1) -> `5.0e-02`, (1e-5, 2) -> `1e-05`. */
export function floatToScientificNotation(value: number, maxPrecision: number, removePlus = true): string {
  let text = value === 0 ? toExponentialPython(value, maxPrecision) : toGeneralPython(value, maxPrecision);
  if (!text.includes("e")) {
    text = toExponentialPython(value, maxPrecision);
  }
  return removePlus ? text.replace("e+", "e") : text;
}

/** Indices in runs: [0, 1, 2, 3, 6] -> [`0-3`, `6`]; null -> [`all`]. */
export function summarizeIndicesList(indices: readonly number[] | null): string[] {
  if (indices === null) {
    return ["all"];
  }
  const runs: [number, number][] = [];
  for (const index of [...new Set(indices)].sort((a, b) => a - b)) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last[1] === index - 1) {
      last[1] = index;
    } else {
      runs.push([index, index]);
    }
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`));
}

/**
 * Formats a value with a Python format specification of the kinds `.5f`, `.3e`, `.4g`; without one as Python's `str`.
 *
 * @param isInteger Whether the value counts as a Python int.
 */
export function formatValue(value: number | boolean | string, format: string | null = null, isInteger = false): string {
  if (typeof value !== "number") {
    return typeof value === "boolean" ? (value ? "True" : "False") : value;
  }
  const match = format === null ? null : /^\.(\d+)([feg])$/.exec(format);
  if (match === null) {
    return isInteger ? String(value) : pyFloatRepr(value);
  }
  const precision = Number(match[1]);
  if (match[2] === "f") return toFixedHalfEven(value, precision);
  return match[2] === "e" ? toExponentialPython(value, precision) : toGeneralPython(value, precision);
}

/** Values with two decimals in brackets; integral ones without. `[1, 2]`, `[1.10, 2.20]`. */
export function arrayToString(values: readonly number[]): string {
  const integral = values.every(Number.isInteger);
  return `[${values.map((value) => (integral ? String(value) : toFixedHalfEven(value, 2))).join(", ")}]`;
}

/** At most five significant digits, easy to read: 0.0123456 -> `0.012346`, 12345678 -> `1.2346e+07`. */
export function compactNumber(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < 1e5 ? String(value) : toGeneralPython(value, 5);
}

/** Seconds as `9s`, `3m12s`, `2h05m`, `3d04h`: the two largest units. */
export function durationForPeople(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)}h${two(Math.floor(whole / 60) % 60)}m`;
  return `${Math.floor(whole / 86400)}d${two(Math.floor(whole / 3600) % 24)}h`;
}

import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { appendToTextFile, writeTextFile } from "../writers/text-file";
import { Tensor } from "../../torch";
import { type Metrics, readLines } from "./read-metrics";

/**
 * Metrics as JSON lines, one an update, on disk as soon as they are logged. Numbers that JSON does not have are the strings `"NaN"`,
 * `"Infinity"` and `"-Infinity"`; values that are neither numbers, booleans nor strings are left out.
 *
 * A run that continues in its folder keeps the lines up to where it continues.
 */
export class MetricsFile {
  #isOpen = false;

  constructor(readonly path: string) {}

  append(metrics: Metrics): void {
    if (!this.#isOpen) this.#open(metrics["update"]);
    appendToTextFile(this.path, toLine(metrics));
  }

  #open(update: unknown): void {
    mkdirSync(dirname(this.path), { recursive: true });
    this.#isOpen = true;
    if (!existsSync(this.path)) return;
    const kept = readLines(this.path).filter((earlier) => Number(earlier["update"]) < Number(update));
    writeTextFile(this.path, kept.map(toLine).join(""));
  }
}

function toLine(metrics: Metrics): string {
  const values = Object.entries(metrics).flatMap(([key, value]) => {
    const plain = toScalar(value);
    return plain === undefined ? [] : [[key, plain] as const];
  });
  const text = JSON.stringify(Object.fromEntries(values), (_, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
  return `${text}\n`;
}

/** A number, boolean or string, also of a tensor with one element; undefined for anything else. */
export function toScalar(value: unknown): number | boolean | string | undefined {
  if (value instanceof Tensor) return value.numel() === 1 ? toScalar(value.item()) : undefined;
  if (typeof value === "bigint") return Number(value);
  return typeof value === "number" || typeof value === "boolean" || typeof value === "string" ? value : undefined;
}

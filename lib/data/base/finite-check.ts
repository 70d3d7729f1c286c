import { ValueError } from "../../config/python-errors";
import { isFloatingPoint, scope, Tensor } from "../../torch";
import type { Sample } from "../sample";

/** What is done about NaN and infinite values in a sample: fail, leave out their points, or take them as they are. */
export type NonFinitePolicy = "error" | "drop" | "keep";

/**
 * Whether every value of a tensor is finite. One pass that sums: a NaN or an infinite value always shows in the sum, and only a sum
 * that is not finite needs a second look.
 */
export function isAllFinite(x: Tensor): boolean {
  if (!isFloatingPoint(x) || x.numel() === 0) return true;
  // sums of 16-bit numbers overflow
  const isWide = x.dtype === "float32" || x.dtype === "float64";
  return scope(() => {
    const sum = (isWide ? x.sum() : x.to("float32").sum()).item();
    return Number.isFinite(sum) || Boolean(x.isfinite().all().item());
  });
}

/**
 * What is done about values of a sample that are not finite. With `drop`, points are left out of all properties of the same domain
 * that have as many rows, so that a point keeps its position and all of its fields.
 *
 * @param bad properties that have such values
 * @param where what a message says about the sample: `sample 3 of Cars`
 * @param domainOf domain of a property: those of one domain are at the same points
 * @param onDrop told once for each domain that loses points
 * @returns the sample without these points
 * @throws ValueError that names the property and how many values are at fault; with `drop` where no point would be left
 */
export function resolveNonFinite(
  sample: Sample,
  bad: readonly string[],
  policy: Exclude<NonFinitePolicy, "keep">,
  where: string,
  domainOf: (key: string) => string,
  onDrop: (domain: string, message: string) => void,
): Sample {
  if (policy === "error") {
    const key = bad[0]!;
    const others = bad.length > 1 ? ` (so have ${quoted(bad.slice(1))})` : "";
    throw new ValueError(
      `"${key}" of ${where} has ${count(sample[key] as Tensor)}${others}; mend the file, or let the data set's config say non_finite: drop, which leaves such points out, or keep, which takes them`,
    );
  }
  const result = { ...sample };
  for (const group of groupsOf(result, bad, domainOf)) dropRows(result, group, where, onDrop);
  return result;
}

/** Properties that lose points together. */
interface Group {
  readonly domain: string;
  readonly rows: number;
  readonly keys: readonly string[];
  readonly bad: readonly string[];
}

function groupsOf(sample: Sample, bad: readonly string[], domainOf: (key: string) => string): Group[] {
  const groups = new Map<string, Group>();
  for (const key of bad) {
    const domain = domainOf(key);
    const rows = rowsOf(sample[key]) ?? 0;
    const id = `${domain} ${rows}`;
    const keys = Object.keys(sample).filter((other) => domainOf(other) === domain && rowsOf(sample[other]) === rows);
    groups.set(id, { domain, rows, keys, bad: [...(groups.get(id)?.bad ?? []), key] });
  }
  return [...groups.values()];
}

function dropRows(
  sample: Sample,
  { domain, rows, keys, bad }: Group,
  where: string,
  onDrop: (domain: string, message: string) => void,
): void {
  const kept = scope(() => {
    const values = bad.map((key) => sample[key] as Tensor).filter((x) => x.ndim > 0);
    if (values.length === 0) return null;
    const finite = values.map((x) => x.reshape([rows, -1]).isfinite().all(1)); // (N,) each
    return finite
      .reduce((all, one) => all.logicalAnd(one))
      .nonzero()
      .squeeze(1); // (K,)
  });
  const left = kept?.size(0) ?? 0;
  if (kept === null || left === 0) {
    const key = bad[0]!;
    throw new ValueError(
      `"${key}" of ${where} has ${count(sample[key] as Tensor)}, and no point of "${domain}" would be left without them (non_finite: drop)`,
    );
  }
  for (const key of keys) sample[key] = (sample[key] as Tensor).indexSelect(0, kept);
  onDrop(
    domain,
    `${rows - left} of ${rows} points of "${domain}" in ${where} left out: ${quoted(bad)} not finite there`,
  );
}

function rowsOf(value: unknown): number | null {
  return value instanceof Tensor && value.ndim > 0 ? value.size(0) : null;
}

function count(x: Tensor): string {
  const [nan, infinite] = scope(() => [x.isnan().sum().item(), x.isinf().sum().item()] as [number, number]);
  const parts = [nan > 0 ? `${nan} NaN` : "", infinite > 0 ? `${infinite} infinite` : ""].filter((part) => part !== "");
  return `${parts.join(" and ")} among its ${x.numel()} values`;
}

function quoted(keys: readonly string[]): string {
  return keys.map((key) => `"${key}"`).join(", ");
}

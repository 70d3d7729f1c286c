/** What a misspelt option most likely meant. */

/** Names of other libraries, and of PyTorch where it has two. Keys are lower case without underscores. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["axis", "dim"],
  ["axes", "dim"],
  ["keepdims", "keepdim"],
  ["learningrate", "lr"],
  ["shape", "size"],
]);

/**
 * The name that `given` most likely meant: the same letters in another case (`weight_decay`), a known synonym (`axis`), a beginning
 * (`pad` for `padding`), or a name a few edits away (`dtpye`).
 *
 * @returns undefined when none is near.
 */
export function nearestOption(given: string, names: Iterable<string>): string | undefined {
  const wanted = plain(given);
  const candidates = [...names];
  const synonym = ALIASES.get(wanted);
  const alike = candidates.find((name) => plain(name) === wanted);
  if (alike !== undefined) return alike;
  if (synonym !== undefined && candidates.includes(synonym)) return synonym;
  const distances = candidates.map((name) => ({ name, edits: edits(wanted, plain(name)) }));
  const [nearest] = distances.sort((a, b) => a.edits - b.edits);
  if (nearest !== undefined && nearest.edits <= Math.max(1, Math.floor(wanted.length / 3))) return nearest.name;
  return wanted.length >= 2 ? candidates.find((name) => plain(name).startsWith(wanted)) : undefined;
}

function plain(name: string): string {
  return name.replaceAll("_", "").toLowerCase();
}

/** Edit distance in which a swap of neighbours is one edit (optimal string alignment). */
function edits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}

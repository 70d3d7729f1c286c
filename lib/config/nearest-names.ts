/** Edit distance of two names that counts a swap of neighbours as one edit (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = 0; i <= a.length; i++) rows[i]![0] = i;
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, rows[i - 1]![j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      rows[i]![j] = best;
    }
  }
  return rows[a.length]![b.length]!;
}

/** Distance of two names, case-insensitive; for dotted kinds the last segment counts most. */
function nameDistance(name: string, candidate: string): number {
  const a = name.toLowerCase();
  const b = candidate.toLowerCase();
  const whole = editDistance(a, b) / Math.max(a.length, b.length, 1);
  const lastA = a.slice(a.lastIndexOf(".") + 1);
  const lastB = b.slice(b.lastIndexOf(".") + 1);
  const last = editDistance(lastA, lastB) / Math.max(lastA.length, lastB.length, 1);
  return Math.min(whole, last + 0.05 * whole);
}

/**
 * The candidates that a misspelt name most likely meant, nearest first.
 *
 * @param limit - most names returned
 * @returns empty when nothing is near
 */
export function nearestNames(name: string, candidates: Iterable<string>, limit = 3): string[] {
  const scored = [...new Set(candidates)]
    .filter((candidate) => candidate !== name)
    .map((candidate) => ({ candidate, distance: nameDistance(name, candidate) }))
    .filter(({ distance }) => distance <= 0.4)
    .sort((x, y) => x.distance - y.distance || x.candidate.localeCompare(y.candidate));
  const best = scored[0]?.distance ?? 0;
  return scored
    .filter(({ distance }) => distance <= best + 0.1)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** `did you mean "a" or "b"?`, or the first of all names when nothing is near; never the name itself, and empty without others. */
export function suggestNames(name: string, candidates: Iterable<string>): string {
  const all = [...new Set(candidates)].filter((candidate) => candidate !== name);
  const near = nearestNames(name, all);
  if (near.length > 0) return `did you mean ${near.map((x) => `"${x}"`).join(" or ")}?`;
  if (all.length === 0) return "";
  const shown = all
    .slice(0, 20)
    .map((x) => `"${x}"`)
    .join(", ");
  return `known: ${shown}${all.length > 20 ? ", …" : ""}`;
}

/** The message with {@link suggestNames} after it, where there is anything to suggest. */
export function withSuggestion(message: string, name: string, candidates: Iterable<string>): string {
  const hint = suggestNames(name, candidates);
  return hint === "" ? message : `${message}; ${hint}`;
}

import { toMap } from "../../torch";
import { readTorchFile } from "../writers/torch-file";

/** The entries of a `tracker/entries.th`, `{metric: {update: value}}`, by update. */
export function entriesOf(path: string): Record<string, unknown>[] {
  const entries = new Map<number, Record<string, unknown>>();
  for (const [key, series] of toMap<unknown>(readTorchFile(path))) {
    for (const [at, value] of toMap<unknown>(series)) {
      const update = Number(at);
      const entry = entries.get(update) ?? { update };
      entry[String(key)] = value;
      entries.set(update, entry);
    }
  }
  return [...entries.values()].sort((a, b) => Number(a["update"]) - Number(b["update"]));
}

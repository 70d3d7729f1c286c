/** Overrides that say where a run computes and reports, not what it is. */
const UNNAMED = ["accelerator", "devices", "tracker", "name"];
const SHORT_KEYS: Readonly<Record<string, string>> = { clip_grad_norm: "gclip" };

/** One override as part of a run's name; null when it has no place there. */
function shorten(override: string): string | null {
  const text = override.replace(/^\++/, "");
  if (UNNAMED.some((prefix) => text.startsWith(prefix))) return null;
  const equals = text.indexOf("=");
  if (equals < 0) return text;
  const key = text.slice(0, equals);
  const value = text
    .slice(equals + 1)
    .replace(/\.0$/, "")
    .replace(/\.$/, "");
  return `${SHORT_KEYS[key] ?? key}=${value}`;
}

/**
 * Name of a run: the experiment's name and the overrides that make it different:
 * `baseline--model.depth=4-lr=0.01`.
 */
export function runName(name: string | null, overrides: readonly string[] = []): string {
  const parts = overrides.map(shorten).filter((part) => part !== null);
  return parts.length === 0 ? (name ?? "") : `${name ?? ""}--${parts.join("-")}`;
}

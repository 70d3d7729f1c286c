import { ValueError } from "../../../config/python-errors";
import { withSuggestion } from "../../../config/nearest-names";
import { isMapping } from "../../../config/schema";

/** What the data specs say about one sample key. */
interface Expected {
  readonly key: string;
  readonly channels: number;
  /** Where it is written. */
  readonly at: string;
}

/**
 * Compares the properties of a data set with the `data_specs` of a model.
 *
 * @param shapes of the first sample, by key
 * @param firstCase its name
 * @param specs as configs have them; null: nothing is expected
 * @throws ValueError with all that does not fit
 */
export function checkSpecs(shapes: ReadonlyMap<string, readonly number[]>, firstCase: string, specs: unknown): void {
  if (!isMapping(specs)) return;
  const problems = expectations(specs, [...shapes.keys()]).flatMap(({ key, channels, at }) => {
    const shape = shapes.get(key);
    if (!shape) return [withSuggestion(`${at}: the data set has no ${key}`, key, shapes.keys())];
    const found = shape.at(-1)!;
    return found === channels ? [] : [`${at} is ${channels}, but ${key} has ${found} channel${found === 1 ? "" : "s"}`];
  });
  if (problems.length === 0) return;
  throw new ValueError(
    `data_specs and the data set differ (first case: "${firstCase}"):\n${problems.map((problem) => `  ${problem}`).join("\n")}`,
  );
}

function expectations(specs: Record<string, unknown>, keys: readonly string[]): Expected[] {
  const domains = isMapping(specs["domains"]) ? Object.entries(specs["domains"]) : [];
  const dims = (value: unknown, at: string, keyOf: (name: string) => string): Expected[] =>
    isMapping(value)
      ? Object.entries(value).map(([name, channels]) => ({
          key: keyOf(name),
          channels: Number(channels),
          at: `${at}.${name}`,
        }))
      : [];
  const positions = keys
    .filter((key) => domains.some(([domain]) => key === `${domain}_position`))
    .map((key) => ({ key, channels: Number(specs["position_dim"]), at: "data_specs.position_dim" }));
  return [
    ...positions,
    ...domains.flatMap(([domain, spec]) =>
      isMapping(spec)
        ? [
            ...dims(spec["output_dims"], `data_specs.domains.${domain}.output_dims`, (name) => `${domain}_${name}`),
            ...dims(spec["feature_dim"], `data_specs.domains.${domain}.feature_dim`, (name) => name),
          ]
        : [],
    ),
    ...dims(specs["conditioning_dims"], "data_specs.conditioning_dims", (name) => name),
  ];
}

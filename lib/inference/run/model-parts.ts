import { CompositeModel, type ModelBase } from "../../core/models";

/**
 * The parts of a model that have weights, and a config, in a checkpoint of their own: of a composite by key (`encoder`, in nested ones
 * `a.net`), another model is itself the one part, `""`.
 */
export function modelParts(model: ModelBase, key = ""): [key: string, part: ModelBase][] {
  if (!(model instanceof CompositeModel)) return [[key, model]];
  return Object.entries(model.submodels).flatMap(([name, part]) =>
    part === null ? [] : modelParts(part, key === "" ? name : `${key}.${name}`),
  );
}

/** What comes first in the name of a part's file: `composite.encoder`. */
export function partName(model: string, key: string): string {
  return key === "" ? model : `${model}.${key}`;
}

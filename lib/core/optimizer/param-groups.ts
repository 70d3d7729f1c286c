import type { nn, Tensor } from "../../torch";
import { NotImplementedError, ValueError } from "../../config/python-errors";
import { floatToScientificNotation } from "../logging/formatters";
import type { ParamGroupModifierBase } from "./param-group-modifiers/base";

/** Which parameters are exempt from weight decay. */
export interface ParamGroupOptions {
  readonly modifiers: readonly ParamGroupModifierBase[];
  readonly excludeBiasFromWeightDecay: boolean;
  readonly excludeNormalizationParamsFromWeightDecay: boolean;
}

/** Parameters with the same properties (`weight_decay`, `lr_scale`), in the order of the model. */
export interface ParamGroupSpec {
  /** `default`, or the properties as text: `weight_decay=0&lr_scale=5.0e-01`. */
  readonly name: string;
  readonly properties: Readonly<Record<string, number>>;
  readonly parameters: readonly (readonly [name: string, parameter: Tensor])[];
}

/**
 * Sorts the parameters of a model into groups. The order of groups and parameters is that of first appearance; it fixes
 * the indices in optimizer checkpoints.
 *
 * Biases, and everything with fewer than two dimensions (norm weights, learned vectors), get no weight decay unless the
 * options say otherwise.
 */
export function groupParameters(model: nn.Module, options: ParamGroupOptions): ParamGroupSpec[] {
  const groups = new Map<string, { properties: Record<string, number>; parameters: [string, Tensor][] }>();
  for (const [name, parameter] of model.namedParameters()) {
    const properties = parameterProperties(model, name, parameter, options);
    // Equal properties in another order are the same group.
    const key = JSON.stringify(Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1)));
    const group = groups.get(key) ?? { properties, parameters: [] };
    group.parameters.push([name, parameter]);
    groups.set(key, group);
  }
  for (const modifier of options.modifiers) {
    if (!modifier.wasAppliedSuccessfully()) {
      throw new ValueError(
        `param group modifier ${modifier} failed: no parameter of ${model.constructor.name} has this name; names are those of the state dict, e.g. ${model
          .namedParameters()
          .slice(0, 3)
          .map(([name]) => `'${name}'`)
          .join(", ")}`,
      );
    }
  }
  return [...groups.values()].map(({ properties, parameters }) => ({
    name: groupName(properties),
    properties,
    parameters,
  }));
}

function parameterProperties(
  model: nn.Module,
  name: string,
  parameter: Tensor,
  options: ParamGroupOptions,
): Record<string, number> {
  const properties: Record<string, number> = {};
  const isBias = name.slice(name.lastIndexOf(".") + 1) === "bias";
  if (
    isBias
      ? options.excludeBiasFromWeightDecay
      : parameter.ndim <= 1 && options.excludeNormalizationParamsFromWeightDecay
  ) {
    properties["weight_decay"] = 0;
  }
  for (const modifier of options.modifiers) {
    for (const [key, value] of Object.entries(modifier.getProperties(model, name, parameter))) {
      if (key === "params" || key === "name") {
        throw new ValueError(`${modifier} gives the property '${key}', which is reserved`);
      }
      const present = properties[key];
      if (present !== undefined && key !== "lr_scale") {
        throw new ValueError(
          `${modifier}: ${key} is already in the properties of '${name}' (${present}); ` +
            "biases and parameters with fewer than two dimensions are exempt from weight decay unless exclude_bias_from_weight_decay and exclude_normalization_params_from_weight_decay are false",
        );
      }
      properties[key] = present === undefined ? value : present * value;
    }
  }
  return properties;
}

/** Name of a group in logs and metric keys. */
export function groupName(properties: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(properties)
    .filter(([key]) => key !== "params" && key !== "kind")
    .map(([key, value]) => {
      if (typeof value !== "number") {
        throw new NotImplementedError(
          `cannot name a parameter group by ${key}: expected a number, but got ${typeof value}`,
        );
      }
      return `${key}=${value === 0 ? "0" : floatToScientificNotation(value, 1)}`;
    });
  return parts.length === 0 ? "default" : parts.join("&");
}

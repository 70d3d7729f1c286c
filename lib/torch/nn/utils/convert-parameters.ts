/** Parameters as one vector. */
import { checkArgument, refuseSurplus, tensor as tensorKind } from "../../arguments";
import { noGrad } from "../../autograd";
import { TorchError } from "../../errors";
import { cat } from "../../operators.generated";
import { scope } from "../../scope";
import type { Tensor } from "../../tensor";
import { listOf } from "./lists";

/** All entries of all parameters in one vector, (total). */
export function parametersToVector(parameters: Iterable<Tensor>, ...surplus: never[]): Tensor {
  refuseSurplus("parametersToVector", surplus);
  const list = listOf("parametersToVector", parameters);
  return scope(() => cat(list.map((parameter) => parameter.reshape([-1]))));
}

/** Writes the entries of a vector, (total), back into the parameters. */
export function vectorToParameters(vector: Tensor, parameters: Iterable<Tensor>, ...surplus: never[]): void {
  checkArgument("vectorToParameters", "vector", vector, tensorKind);
  refuseSurplus("vectorToParameters", surplus);
  const list = listOf("vectorToParameters", parameters);
  const total = list.reduce((sum, parameter) => sum + parameter.numel(), 0);
  if (vector.numel() !== total)
    throw new TorchError(`vectorToParameters: expected ${total} entries, got shape [${vector.shape.join(", ")}]`);
  noGrad(() =>
    scope(() => {
      let start = 0;
      for (const parameter of list) {
        parameter.copy_(vector.narrow(0, start, parameter.numel()).viewAs(parameter));
        start += parameter.numel();
      }
    }),
  );
}

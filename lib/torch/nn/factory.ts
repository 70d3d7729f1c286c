import { empty } from "../operators.generated";
import { device, dtype, type Kind } from "../arguments";
import type { DType } from "../dtype";
import { Parameter } from "./parameter";

/** Where a module's tensors are made; the defaults are the CPU and the default dtype. */
export interface FactoryOptions {
  device?: string;
  dtype?: DType;
}

/** The options that every layer with weights has. */
export const factoryKinds = { device, dtype } satisfies Record<keyof FactoryOptions, Kind>;

/** A parameter whose memory holds anything yet: the caller initialises it. */
export function emptyParameter(shape: readonly number[], { device, dtype }: FactoryOptions): Parameter {
  const data = empty(shape, { device, dtype });
  const parameter = new Parameter(data);
  data.dispose();
  return parameter;
}

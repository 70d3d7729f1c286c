import { native } from "../addon";
import {
  checkArgument,
  checkOptions,
  dtype as dtypeKind,
  flag,
  isPlainObject,
  nullable,
  oneOf,
  type KindsOf,
} from "../arguments";
import type { Mode } from "../async-context";
import { dtypeCode, type DTypeLike } from "../dtype";
import { runInMode } from "../run-in-mode";

/** Options of {@link autocast}. */
export interface AutocastOptions {
  /** Default: `"cpu"`. */
  readonly deviceType?: string;
  /** Type of the operations that are safe in fewer bits. Default: bfloat16 on the CPU, float16 on CUDA. */
  readonly dtype?: DTypeLike;
  /** Default: true. */
  readonly enabled?: boolean;
  /** Keeps the cast weights for the time of the outermost autocast. Default: true. */
  readonly cacheEnabled?: boolean;
}

const OPTIONS_OBJECT = { text: "an object", accepts: isPlainObject };
const OPTIONS = {
  deviceType: oneOf("cpu", "cuda"),
  dtype: nullable(dtypeKind),
  enabled: flag,
  cacheEnabled: flag,
} satisfies KindsOf<AutocastOptions>;

/** Runs `body` with mixed precision, as `torch.autocast`. */
export function autocast<T>(options: AutocastOptions, body: () => T, ...surplus: never[]): T {
  if (typeof options === "function")
    throw new TypeError("autocast: expected options first, autocast({ deviceType, dtype }, () => …), got a function");
  checkArgument("autocast", "options", options, OPTIONS_OBJECT);
  checkOptions("autocast", options, OPTIONS);
  const { deviceType = "cpu", enabled = true, cacheEnabled = true } = options;
  const dtype = dtypeCode(options.dtype ?? (deviceType === "cpu" ? "bfloat16" : "float16"));
  const outer: ReturnType<typeof native.autocast>[] = [];
  const mode: Mode = {
    enter() {
      outer.push(native.autocast());
      native.enterAutocast();
      native.setAutocast(deviceType, enabled, dtype, cacheEnabled);
    },
    exit() {
      for (const before of outer.pop()!)
        if (before.deviceType === deviceType)
          native.setAutocast(deviceType, before.enabled, before.dtype, before.cache);
      if (native.exitAutocast() === 0) native.clearAutocastCache();
    },
  };
  return runInMode("autocast", mode, body, surplus);
}

/** @internal Whether and how this thread casts now, by device type. */
export function autocastState(): ReturnType<typeof native.autocast> {
  return native.autocast();
}

/** @internal Runs `body` under an {@link autocastState} of before. */
export function withAutocastState<T>(states: ReturnType<typeof native.autocast>, body: () => T): T {
  const outer = native.autocast();
  const take = (all: typeof states): void => {
    for (const { deviceType, enabled, dtype, cache } of all) native.setAutocast(deviceType, enabled, dtype, cache);
  };
  native.enterAutocast();
  take(states);
  try {
    return body();
  } finally {
    take(outer);
    if (native.exitAutocast() === 0) native.clearAutocastCache();
  }
}

import { provideModules } from "../config/factory/load-kind";
import * as config from "../config";
import * as core from "../entries/core";
import * as data from "../data";
import * as everything from "..";
import * as inference from "../inference";
import * as initializers from "../initializers";
import * as io from "../io";
import * as modeling from "../modeling";
import * as torch from "../torch";
import * as training from "../training";

/**
 * Loads every layer, which registers the built-in kinds, and makes `import … from "noether-ts/core"` in user files mean
 * these very modules.
 */
export function provideOwnModules(): void {
  provideModules({
    "noether-ts": everything,
    "noether-ts/config": config,
    "noether-ts/core": core,
    "noether-ts/data": data,
    "noether-ts/inference": inference,
    "noether-ts/initializers": initializers,
    "noether-ts/io": io,
    "noether-ts/modeling": modeling,
    "noether-ts/torch": torch,
    "noether-ts/training": training,
  });
}

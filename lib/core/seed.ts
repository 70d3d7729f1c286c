import { manualSeed } from "../torch";
import { getLogger } from "./logging";

/** Seeds the random numbers of every device. The same seed gives the same numbers as in PyTorch. */
export function setSeed(seed: number): void {
  manualSeed(seed);
  getLogger("seed").debug(`set seed to ${seed}`);
}

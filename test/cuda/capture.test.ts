/** CUDA graphs, and training that is captured. */
import { cases } from "./capture-cases";
import { testOnGpu } from "./device";

testOnGpu.each(cases)("$name", async ({ run }) => run());

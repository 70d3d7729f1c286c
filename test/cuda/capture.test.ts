/** CUDA graphs, and training that is captured. */
import { cuda } from "../../lib/torch";
import { cases } from "./capture-cases";
import { testOnCuda } from "./device";

const reason = cuda.graphsUnavailableReason();
if (reason !== null) console.log(`CUDA graphs are not tested: ${reason}`);

(reason === null ? testOnCuda : test.skip).each(cases)("$name", async ({ run }) => run());

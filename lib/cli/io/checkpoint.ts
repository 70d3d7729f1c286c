/** `noether-data checkpoint`. */
import { existsSync } from "node:fs";
import { resolveCheckpoint } from "../../io";
import { pythonJson } from "../../io/files/python-json";
import { UsageError } from "../hydra-arguments";
import { say } from "./arguments";
import { choice, flag, integer, parsed, text } from "../options";
import { ioCommand } from "./io-command";
import { loaderFor, LOADABLE } from "./verify-load";

const sha256 = parsed(
  { value: "HEX", expected: "64 hexadecimal digits", does: "the SHA-256 that the file has to have" },
  (given) => (/^[0-9a-f]{64}$/i.test(given) ? given : undefined),
);
const verifyLoad = choice(LOADABLE, {
  does: "try to load it: pt (PyTorch, weights only), safetensors, ts (TorchScript), onnx (package onnxruntime-node)",
});

export const checkpoint = {
  fetch: ioCommand({
    words: ["CHECKPOINT"],
    does: "make a checkpoint a file of this machine",
    options: {
      "cache-dir": text({
        value: "DIR",
        does: "where fetched checkpoints are kept",
        otherwise: "NOETHER_CHECKPOINT_CACHE, else ~/.cache/emmi/checkpoints",
      }),
      sha256,
      "verify-load": verifyLoad,
      "min-free-mb": integer({
        ...{ value: "MIB", least: 0, default: 0 },
        does: "MiB that have to be free besides the checkpoint's",
      }),
      "shared-layout": flag({
        default: false,
        does: "names as in the Python framework, where checkpoints of one name replace each other",
      }),
    },
    run: async (given, [uri]) => {
      const {
        localPath,
        size,
        sha256: hash,
      } = await resolveCheckpoint(uri, {
        expectedSha256: given.sha256,
        verifyLoad: await loaderFor(given["verify-load"]),
        cacheDir: given["cache-dir"],
        minFreeBytes: given["min-free-mb"] * 2 ** 20,
        sharedLayout: given["shared-layout"],
      });
      const line = { uri, saved_to: localPath, size, sha256: hash, provider: null, extra: null };
      say(pythonJson(line, { indent: null, ascii: false }));
    },
  }),
  verify: ioCommand({
    words: ["PATH"],
    does: "check a checkpoint that is here",
    options: { sha256, "verify-load": verifyLoad },
    run: async (given, [path]) => {
      if (!existsSync(path)) throw new UsageError(`PATH: '${path}' does not exist`);
      const loader = await loaderFor(given["verify-load"]);
      await resolveCheckpoint(path, { expectedSha256: given.sha256, verifyLoad: loader, computeHash: false });
      say("OK");
    },
  }),
};

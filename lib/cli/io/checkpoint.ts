/** `noether-data checkpoint`. */
import { existsSync } from "node:fs";
import { resolveCheckpoint } from "../../io";
import { pythonJson } from "../../io/files/python-json";
import { UsageError } from "../hydra-arguments";
import { say } from "./arguments";
import type { Given, IoCommand, IoOption } from "./command-line";
import { loaderFor, LOADABLE } from "./verify-load";

const sha256: IoOption = { type: "text", does: "the SHA-256 that the file has to have" };
const verifyLoad: IoOption = {
  type: "choice",
  choices: LOADABLE,
  does: "try to load it: pt (PyTorch, weights only), safetensors, ts (TorchScript), onnx (package onnxruntime-node)",
};

const of = async (given: Given) => {
  const expectedSha256 = given.text("sha256") ?? null;
  if (expectedSha256 !== null && !/^[0-9a-f]{64}$/i.test(expectedSha256))
    throw new UsageError(`expected 64 hexadecimal digits for --sha256, got '${expectedSha256}'`);
  return { expectedSha256, verifyLoad: await loaderFor(given.text("verify-load")) };
};

export const checkpoint: Readonly<Record<string, IoCommand>> = {
  fetch: {
    words: ["CHECKPOINT"],
    does: "make a checkpoint a file of this machine",
    options: {
      "cache-dir": {
        type: "text",
        does: "where fetched checkpoints are kept; without it NOETHER_CHECKPOINT_CACHE, else ~/.cache/emmi/checkpoints",
      },
      sha256,
      "verify-load": verifyLoad,
      "min-free-mb": { type: "int", does: "MiB that have to be free besides the checkpoint's" },
      "shared-layout": {
        type: "flag",
        default: false,
        does: "names as in the Python framework, where checkpoints of one name replace each other",
      },
    },
    run: async (given) => {
      const uri = given.word(0);
      const {
        localPath,
        size,
        sha256: hash,
      } = await resolveCheckpoint(uri, {
        ...(await of(given)),
        cacheDir: given.text("cache-dir"),
        minFreeBytes: (given.int("min-free-mb") ?? 0) * 2 ** 20,
        sharedLayout: given.flag("shared-layout"),
      });
      const line = { uri, saved_to: localPath, size, sha256: hash, provider: null, extra: null };
      say(pythonJson(line, { indent: null, ascii: false }));
    },
  },
  verify: {
    words: ["PATH"],
    does: "check a checkpoint that is here",
    options: { sha256, "verify-load": verifyLoad },
    run: async (given) => {
      if (!existsSync(given.word(0))) throw new UsageError(`PATH: '${given.word(0)}' does not exist`);
      await resolveCheckpoint(given.word(0), { ...(await of(given)), computeHash: false });
      say("OK");
    },
  },
};

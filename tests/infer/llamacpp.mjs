// SPDX-License-Identifier: Apache-2.0
// Probabilities of every next token by llama.cpp: llamacpp.mjs FILE.gguf ID,ID,... OUT: JSON, by position [token, p] pairs.
import {writeFileSync} from "node:fs";

import {getLlama} from "node-llama-cpp";

const [path, ids, out] = process.argv.slice(2);
const tokens = ids.split(",").map(Number);
const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: "error"});
const model = await llama.loadModel({modelPath: path});
const context = await model.createContext({contextSize: Math.max(256, tokens.length + 8), batchSize: 512});
const sequence = context.getSequence();
const results = await sequence.controlledEvaluate(tokens.map((t) => [t, {generateNext: {probabilities: true, options: {temperature: 0}}}]));

writeFileSync(out, JSON.stringify(results.map((result) => [...result.next.probabilities.entries()])));
process.exit(0);

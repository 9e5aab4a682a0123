// SPDX-License-Identifier: Apache-2.0
// What bench-model measures, of llama.cpp as the npm package node-llama-cpp brings it: llamacpp.mjs FILE.gguf THREADS TOKENS NEW
import {getLlama} from "node-llama-cpp";

const [path, ...numbers] = process.argv.slice(2);
const [threads, tokens, more] = numbers.map(Number);
const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: "error", maxThreads: threads});
const model = await llama.loadModel({modelPath: path});
const context = await model.createContext({contextSize: tokens + more + 8, batchSize: 512, threads});
const sequence = context.getSequence();
const ids = Array.from({length: tokens}, (_, i) => 3 + (i * 7919) % 4000);

await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(0, 32));
await sequence.clearHistory();
const begin = performance.now();
await sequence.evaluateWithoutGeneratingNewTokens(ids.slice(0, -1));
const generator = sequence.evaluate(ids.slice(-1), {temperature: 0, yieldEogToken: true});
await generator.next();
const between = performance.now();
for (let i = 0; i < more; i++)
	await generator.next();
console.log(JSON.stringify({prefill_s: (between - begin) / 1e3, decode_s: (performance.now() - between) / 1e3}));
process.exit(0);

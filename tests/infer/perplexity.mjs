// SPDX-License-Identifier: Apache-2.0
// Negative logarithms of the probability of each token but the first of a window, summed by llama.cpp: perplexity.mjs FILE.gguf WINDOW, ids
// (a JSON list) on standard input.
import {readFileSync} from "node:fs";

import {getLlama} from "node-llama-cpp";

const [path, window] = [process.argv[2], Number(process.argv[3])];
const ids = JSON.parse(readFileSync(0, "utf8"));
const llama = await getLlama({gpu: false, build: "never", progressLogs: false, logLevel: "error"});
const model = await llama.loadModel({modelPath: path});
const context = await model.createContext({contextSize: window + 8, batchSize: window});
const sequence = context.getSequence();
let [sum, count] = [0, 0];

for (let at = 0; at < ids.length; at += window) {
	const part = ids.slice(at, at + window);

	await sequence.clearHistory();
	const results = await sequence.controlledEvaluate(part.map((id) => [id, {generateNext: {probabilities: true, options: {temperature: 0}}}]));

	for (let i = 0; i + 1 < part.length; i++) {
		sum -= Math.log(results[i].next.probabilities.get(part[i + 1]));
		count++;
	}
}
console.log(JSON.stringify({ppl: Math.exp(sum / count), count}));
process.exit(0);

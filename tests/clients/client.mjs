// SPDX-License-Identifier: Apache-2.0
// The official JavaScript client against a server of the repositories that make_repos.sh made. Usage: client.mjs REPOS OUT
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, relative } from "node:path";

import { downloadFile, fileExists, listCommits, listDatasets, listFiles, listModels, modelInfo, pathsInfo, snapshotDownload } from "@huggingface/hub";

const [repos, out] = process.argv.slice(2);
const hubUrl = process.env.HF_ENDPOINT;

async function check(name, run) {
	try {
		await run();
		console.log(`PASS javascript: ${name}`);
	} catch (error) {
		console.error(error);
		console.log(`FAIL javascript: ${name}`);
	}
}

function assert(condition, text) {
	if (!condition) throw new Error(text);
}

// Path to bytes; links are followed where they stay inside.
function filesOf(root) {
	const found = new Map();
	const walk = (dir) => {
		for (const name of readdirSync(dir)) {
			const path = join(dir, name);
			const real = realpathSync(path);
			if (real !== path && !real.startsWith(realpathSync(root) + "/")) continue;
			if (statSync(path).isDirectory()) {
				if (name !== ".git" && name !== ".cache") walk(path);
			} else {
				found.set(relative(root, path), readFileSync(path));
			}
		}
	};
	walk(root);
	return found;
}

async function list(args) {
	const found = [];
	for await (const entry of listFiles({ hubUrl, ...args })) found.push(entry);
	return found;
}

const git = (...args) => execFileSync("git", ["-C", join(repos, "acme/history"), ...args]).toString().trim();
const plain = filesOf(realpathSync(join(repos, "acme/plain")));

await check("listFiles, recursive", async () => {
	const files = (await list({ repo: "acme/plain", recursive: true })).filter((e) => e.type === "file");
	assert(files.length === plain.size, `${files.length} files instead of ${plain.size}`);
	for (const file of files) assert(plain.get(file.path)?.length === file.size, file.path);
});

await check("listFiles, one level, a folder, pages", async () => {
	const names = (await list({ repo: "acme/plain", path: "onnx" })).map((e) => e.path).sort();
	assert(names.join() === "onnx/config.json,onnx/deep,onnx/model.onnx", names.join());
	assert((await list({ repo: "acme/many", recursive: true })).length === 1522, "pages");
	assert((await list({ repo: { type: "dataset", name: "acme/data" } })).length === 2, "dataset");
	assert((await list({ repo: { type: "space", name: "acme/space" } })).length === 2, "space");
});

await check("downloadFile, every file", async () => {
	for (const [path, bytes] of plain) {
		const blob = await downloadFile({ hubUrl, repo: "acme/plain", path });
		assert(blob, `${path} is missing`);
		assert(Buffer.from(await blob.arrayBuffer()).equals(bytes), `${path} differs`);
	}
});

await check("downloadFile, a part", async () => {
	const blob = await downloadFile({ hubUrl, repo: "acme/plain", path: "large.dat" });
	const part = Buffer.from(await blob.slice(1000, 2000).arrayBuffer());
	assert(part.equals(plain.get("large.dat").subarray(1000, 2000)), "the part differs");
});

await check("downloadFile, a revision", async () => {
	const blob = await downloadFile({ hubUrl, repo: "acme/history", path: "README.md", revision: "v0" });
	assert((await blob.text()) === "one\n", "README.md at v0");
	assert((await downloadFile({ hubUrl, repo: "acme/plain", path: "nothing" })) === null, "a missing file");
});

await check("snapshotDownload", async () => {
	const cacheDir = join(out, "js-cache");
	mkdirSync(cacheDir, { recursive: true });
	const folder = await snapshotDownload({ hubUrl, repo: "acme/plain", cacheDir });
	for (const [path, bytes] of plain) assert(readFileSync(join(folder, path)).equals(bytes), `${path} differs`);
	const commit = git("rev-parse", "v1.0^{commit}");
	const old = await snapshotDownload({ hubUrl, repo: "acme/history", revision: "v1.0", cacheDir });
	assert(old.endsWith(commit), old);
	assert(readFileSync(join(old, "README.md")).toString() === "two\n", "README.md at v1.0");
});

await check("listCommits", async () => {
	const found = [];
	const revision = git("rev-parse", "release/v2"); // the client does not encode the slash
	for await (const commit of listCommits({ hubUrl, repo: "acme/history", revision, batchSize: 50 })) found.push(commit.oid);
	assert(found.join("\n") === git("log", "--format=%H", "release/v2"), `${found.length} commits`);
});

await check("modelInfo, pathsInfo, fileExists, listModels", async () => {
	const info = await modelInfo({ hubUrl, name: "acme/plain", additionalFields: ["sha"] });
	assert(info.name === "acme/plain" && info.sha.length === 40, JSON.stringify(info));
	const paths = await pathsInfo({ hubUrl, repo: "acme/plain", paths: ["config.json", "onnx", "nothing"] });
	assert(paths.map((p) => p.path).sort().join() === "config.json,onnx", JSON.stringify(paths));
	assert(await fileExists({ hubUrl, repo: "acme/plain", path: "config.json" }), "fileExists");
	assert(!(await fileExists({ hubUrl, repo: "acme/plain", path: "nothing" })), "fileExists of nothing");
	const models = [];
	for await (const model of listModels({ hubUrl, search: { owner: "acme" } })) models.push(model.name);
	assert(models.sort().join().startsWith("acme/bare,acme/change,acme/history,acme/many,acme/plain"), models.join());
	const datasets = [];
	for await (const dataset of listDatasets({ hubUrl, search: { owner: "acme" } })) datasets.push(dataset.name);
	assert(datasets.join() === "acme/data", datasets.join());
});

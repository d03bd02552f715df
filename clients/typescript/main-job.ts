/**
 * The main job with the generated types: upload, training file, fine-tune, extract, evaluate.
 *
 *     node built/main-job.js SERVER FOLDER
 *
 * SERVER is a running Medtune, like http://127.0.0.1:8000, and MEDTUNE_API_KEY a key of it with
 * scope `write`, if it has keys; FOLDER has train.pubtator.txt and dev.pubtator.txt. What is done is
 * told on stderr; the last line, on stdout, is JSON: the model, what it found in one sentence, and
 * its F1 for diseases.
 */
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
type Problem = Schemas["ProblemDocument"];

const SPLITS = ["train", "dev"];
// Of what stands before the disease, one character is two UTF-16 code units.
const TEXT = "\u{1F600} Two patients developed hepatitis after isoniazid.";

const [server, folder] = process.argv.slice(2);
if (server === undefined || folder === undefined) {
  throw new Error("usage: node built/main-job.js SERVER FOLDER");
}
const key = process.env["MEDTUNE_API_KEY"];
const client = createClient<paths>({
  baseUrl: server,
  headers: key ? { Authorization: `Bearer ${key}` } : {},
});

/** The answer; a problem ends the program with its words. */
function given<T>(answer: { data?: T; error?: Problem }): T {
  if (answer.error !== undefined) {
    throw new Error(`${answer.error.code}: ${answer.error.detail} ${answer.error.hint}`);
  }
  if (answer.data === undefined) throw new Error("The server gives an empty answer.");
  return answer.data;
}

/** The job once it has ended. */
async function ended<T extends { id: string; finished_at: string | null }>(
  ask: () => Promise<{ data?: T; error?: Problem }>,
): Promise<T> {
  for (;;) {
    const job = given(await ask());
    if (job.finished_at !== null) {
      console.error(job.id);
      return job;
    }
    await pause(200);
  }
}

/** The multipart form of an upload; `file` has the paths of the files. */
function form(body: { file: string[]; split?: string[]; name?: string }): FormData {
  const fields = new FormData();
  for (const path of body.file) {
    fields.append("file", new Blob([readFileSync(path)]), basename(path));
  }
  for (const split of body.split ?? []) fields.append("split", split);
  if (body.name !== undefined) fields.append("name", body.name);
  return fields;
}

/** The id of a dataset of the folder's two files, a split each. */
async function upload(from: string): Promise<string> {
  const file = SPLITS.map((split) => join(from, `${split}.pubtator.txt`));
  const { id } = given(
    await client.POST("/v1/datasets", {
      body: { file, split: SPLITS, name: "client" },
      bodySerializer: form,
    }),
  );
  const params = { path: { dataset_id: id } };
  return (await ended(() => client.GET("/v1/datasets/{dataset_id}", { params }))).id;
}

/** The id of a training file of the split `train`. */
async function build(dataset_id: string): Promise<string> {
  const { id } = given(
    await client.POST("/v1/training-files", {
      body: { dataset_id, splits: ["train"] },
    }),
  );
  const params = { path: { training_file_id: id } };
  await ended(() => client.GET("/v1/training-files/{training_file_id}", { params }));
  const rows = given(
    await client.GET("/v1/training-files/{training_file_id}/content", { params, parseAs: "text" }),
  );
  console.error(`${rows.trimEnd().split("\n").length} rows`);
  return id;
}

/** The id of a model trained on a training file. */
async function train(training_file_id: string): Promise<string> {
  const body = { training_file_id, hyperparameters: { preset: "fast" } };
  const { id } = given(await client.POST("/v1/fine-tunes", { body }));
  const params = { path: { fine_tune_id: id } };
  const fineTune = await ended(() => client.GET("/v1/fine-tunes/{fine_tune_id}", { params }));
  if (fineTune.model_id === null) throw new Error(`The fine-tune has ${fineTune.status}.`);
  return fineTune.model_id;
}

/** What a model finds in the text; its offsets are those of JavaScript. */
async function extract(model: string): Promise<Schemas["Extraction"]> {
  const answer = given(
    await client.POST("/v1/extractions", {
      body: { model, text: TEXT, options: { offset_unit: "utf16" } },
    }),
  );
  if (!("diseases" in answer)) throw new Error("A list is the answer to several texts.");
  for (const { text, mentions } of answer.diseases ?? []) {
    for (const { start, end } of mentions) {
      if (TEXT.slice(start, end) !== text) throw new Error(`${text} is not at ${start}.`);
    }
  }
  return answer;
}

/** A model's scores on the split `dev`. */
async function evaluate(model: string, dataset_id: string): Promise<Schemas["Evaluation"]> {
  const { id } = given(
    await client.POST("/v1/evaluations", { body: { models: [model], dataset_id, split: "dev" } }),
  );
  const params = { path: { evaluation_id: id } };
  return ended(() => client.GET("/v1/evaluations/{evaluation_id}", { params }));
}

const datasetId = await upload(folder);
const model = await train(await build(datasetId));
const extraction = await extract(model);
const evaluation = await evaluate(model, datasetId);
const found = {
  model,
  diseases: (extraction.diseases ?? []).map((item) => item.text),
  chemicals: (extraction.chemicals ?? []).map((item) => item.text),
  f1: evaluation.results[0]?.scores["diseases"]?.["mentions_strict"]?.f1 ?? null,
};
console.log(JSON.stringify(found));

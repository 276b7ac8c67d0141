// Public names and the installed models they mean.
import assert from "node:assert/strict"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type TestContext, test } from "node:test"
import type { ModelInfo } from "../../src/request/index.ts"
import { publicNames, resolveModel, variantOf } from "../../src/request/names.ts"
import { findModel } from "../../src/sampling/index.ts"
import { testModel } from "../support/engine.ts"

const medium: ModelInfo = { ...testModel, aliases: ["krea:krea@2-medium"] }
const turbo: ModelInfo = { ...testModel, name: "quick", variant: "medium-turbo", aliases: [] }
const official: ModelInfo = { ...testModel, name: "official", aliases: [] }
const found = (name: string, table: Record<string, string> = {}) =>
  resolveModel(name, [medium, turbo, official], table).name

test("every hosted spelling of a variant finds the installed model of that variant", () => {
  for (const name of [
    "krea:krea@2-turbo",
    "krea:krea@2-medium-turbo",
    "krea-2-medium-turbo",
    "krea-2/medium-turbo",
    "krea/krea-2-medium-turbo",
    "krea/krea-2/medium-turbo",
    "krea/v2/medium-turbo",
    "fal-ai/krea/v2/medium-turbo/text-to-image",
    "KREA:KREA@2-TURBO",
  ])
    assert.equal(found(name), "quick", name)
  for (const name of [
    "krea-2",
    "krea/krea-2",
    "krea:krea@2-medium",
    "krea/v2/medium/text-to-image",
    "Medium",
  ])
    assert.equal(found(name), "medium", name)
  assert.equal(variantOf("krea:krea@2-huge"), null)
})

test("a public name whose variant is not installed, and a name nobody has, say what is installed", () => {
  assert.throws(() => found("krea:krea@2-large"), {
    code: "model_not_found",
    field: "model",
    message: /Krea 2 Large \(asked as krea:krea@2-large\)\. Installed: medium, quick, official\./,
  })
  assert.throws(() => resolveModel("krea:krea@2-turbo", [medium]), /Krea 2 Medium Turbo/)
  assert.throws(() => found("gpt-9"), /There is no model gpt-9\. Installed: medium, quick, official\./)
  assert.throws(() => resolveModel("krea-2", []), /Installed: none\./)
})

test("the operator's table goes before installed names and aliases, and is no way to an object's own members", () => {
  const table = { "krea:krea@2-medium": "official", "house-model": "quick", medium: "official" }
  assert.equal(found("krea:krea@2-medium", table), "official")
  assert.equal(found("house-model", table), "quick")
  assert.equal(found("medium", table), "official")
  assert.equal(found("krea-2-medium", table), "medium")
  assert.throws(() => found("constructor", table), { code: "model_not_found" })
  assert.throws(() => found("broken", { broken: "gone" }), /There is no model broken/)
})

test("a model is listed under its aliases and its variant's public name, each once", () => {
  assert.deepEqual(publicNames({ ...medium, aliases: ["krea-2-medium", "krea:krea@2-medium"] }), [
    "krea-2-medium",
    "krea:krea@2-medium",
  ])
  assert.deepEqual(publicNames(turbo), ["krea-2-medium-turbo"])
})

/** A folder of models, of which nothing but the manifest is there. */
async function installed(t: TestContext, ...manifests: object[]) {
  const folder = await mkdtemp(join(tmpdir(), "atelier-names-"))
  t.after(() => rm(folder, { recursive: true }))
  const defaults = { steps: 8, guidance: 0, width: 1024, height: 1024 }
  for (const given of manifests) {
    const manifest = { title: "x", files: { dit: "d", vae: "v" }, defaults, ...given }
    const { name } = manifest as unknown as { name: string }
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, "model.json"), JSON.stringify(manifest))
  }
  return {
    folder,
    nameOf: async (name: string) => (await findModel(name, [folder])).manifest.name,
  }
}

test("the command line and programs find what the server finds, and a path that is there goes before a public name", async (t) => {
  const { nameOf } = await installed(
    t,
    { name: "medium", variant: "medium", aliases: ["krea-2/medium"] },
    { name: "quick", variant: "medium-turbo" },
  )
  for (const name of ["krea-2-medium-turbo", "krea/krea-2/medium-turbo", "krea:krea@2-turbo", "QUICK"])
    assert.equal(await nameOf(name), "quick", name)
  for (const name of ["Medium", "KREA-2/Medium", "krea/v2/medium", "krea-2"])
    assert.equal(await nameOf(name), "medium", name)
  for (const name of ["krea-2-large", "gpt-9"])
    await assert.rejects(nameOf(name), { code: "model_not_found", message: /installed are medium, quick;/ })
  const elsewhere = await installed(t, { name: "krea-2-medium", variant: "medium" })
  const before = process.cwd()
  process.chdir(elsewhere.folder)
  t.after(() => process.chdir(before))
  assert.equal(await nameOf("krea-2-medium"), "krea-2-medium")
})

test("a quantised copy has the public names of its variant only where its source is gone", async (t) => {
  const copy = { name: "a-copy", variant: "medium", quantisedFrom: "official" }
  const shipped = { name: "medium", variant: "medium" }
  const official = { name: "official", variant: "medium" }
  const [both, alone] = [await installed(t, copy, official), await installed(t, copy, shipped)]
  assert.equal(await both.nameOf("krea/v2/medium"), "official")
  assert.equal(await both.nameOf("a-copy"), "a-copy")
  assert.equal(await alone.nameOf("krea/v2/medium"), "a-copy")
})

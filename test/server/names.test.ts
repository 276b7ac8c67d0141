// Public names and the installed models they mean.
import assert from "node:assert/strict"
import { test } from "node:test"
import type { ModelInfo } from "../../src/request/index.ts"
import { publicNames, resolveModel, variantOf } from "../../src/server/names.ts"
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

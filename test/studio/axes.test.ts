// The values of a grid: what the server would refuse is told before half of the grid is made.
import assert from "node:assert/strict"
import { test } from "node:test"
import { LIMITS } from "../../src/request/index.ts"
import type { Capabilities } from "../../studio/src/api/types.ts"
import { type Field, readValues, withCommas } from "../../studio/src/grid/axes.ts"
import { testModel } from "../support/engine.ts"

const capabilities = { models: [testModel], limits: LIMITS } as unknown as Capabilities
const read = (text: string, field: Field, hasComma = false) => readValues(text, field, capabilities, hasComma)

test("fractions are refused where the server takes whole numbers only", () => {
  for (const field of ["seed", "steps", "candidates", "intensity", "complexity", "movement"] as const)
    assert.deepEqual(read("1, 2.5", field), { kind: "whole", value: "2.5" }, field)
  assert.deepEqual(read("0, 2.5", "guidance"), ["0", "2.5"])
  assert.deepEqual(read("12.5", "creativity"), ["12.5"])
})

test("a model is named as it is installed or by an alias, and no other is taken for it", () => {
  assert.deepEqual(read("medium, krea-2-medium", "model"), ["medium", "krea-2-medium"])
  assert.deepEqual(read("medium, larg", "model"), { kind: "model", value: "larg" })
})

test("decimal commas are read between semicolons, and what may be one number or two is refused", () => {
  for (const hasComma of [true, false])
    assert.deepEqual(read("1,5; 2; −0,25", "reference1", hasComma), ["1.5", "2", "-0.25"])
  assert.deepEqual(read("0,5, 1,5", "guidance", true), { kind: "ambiguous", value: "0,5" })
  assert.deepEqual(read("0,5, 1,5", "guidance"), ["0", "5", "1"])
  assert.deepEqual(read("0, 1.5", "guidance", true), ["0", "1.5"])
  assert.deepEqual(read("1,2,3", "seed", true), ["1", "2", "3"])
  assert.deepEqual(read(withCommas("0, 1.5, 3"), "guidance", true), ["0", "1.5", "3"])
})

// The values of a grid: what the server would refuse is told before half of the grid is made.
import assert from "node:assert/strict"
import { test } from "node:test"
import { LIMITS } from "../../src/request/index.ts"
import type { Capabilities } from "../../studio/src/api/types.ts"
import { type Field, readValues } from "../../studio/src/grid/axes.ts"
import { testModel } from "../support/engine.ts"

const capabilities = { models: [testModel], limits: LIMITS } as unknown as Capabilities
const read = (text: string, field: Field) => readValues(text, field, capabilities)

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

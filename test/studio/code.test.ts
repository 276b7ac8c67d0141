// A take as a command: what the command line needs to make the same picture of it.
import assert from "node:assert/strict"
import { test } from "node:test"
import { commandOf } from "../../studio/src/look/code.ts"

const origin = "http://127.0.0.1:4700"
const asset = "00000000-0000-4000-8000-000000000001"
const command = (request: object): string => commandOf({ prompt: "a fox", ...request }, [], origin)

test("pictures of this server are asked for by its private address, which the command has to allow", () => {
  assert.equal(
    command({ references: [{ image: asset, weight: 0.6 }] }),
    `npx atelier generate 'a fox' --reference '${origin}/files/assets/${asset}:0.6' --allow-private-network`,
  )
  assert.doesNotMatch(command({ references: [{ image: "https://example.com/a.png" }] }), /--allow/)
})

test("adapters, quality and alternatives come along", () => {
  const asked = {
    alternatives: true,
    loras: [{ name: "line", weight: 0.5 }],
    output: { format: "jpg", quality: 80 },
  }
  assert.equal(
    command(asked),
    "npx atelier generate 'a fox' --alternatives --lora 'line:0.5' --format jpg --quality 80",
  )
})

test("a prompt that begins like an option stands behind all of them", () => {
  assert.equal(command({ prompt: "--neon fox", seed: 7 }), "npx atelier generate --seed 7 -- '--neon fox'")
})

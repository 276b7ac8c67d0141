// The movement slider on the shipped model: pictures lean further the more is asked, and stay what they are.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import sharp from "sharp"
import { diagonalsOf } from "../../src/image/diagonals.ts"
import { luminance } from "../../src/image/luminance.ts"
import { type GenerationInput, parseRequest } from "../../src/request/request.ts"
import { guided, type Reading, type Tokens } from "../../src/sampling/lane.ts"
import { asFarAs, between, type Trial } from "../../src/sampling/movement.ts"
import { shippedEngine } from "../support/shipped.ts"

describe("among some strengths of movement", () => {
  const trials = (...list: [leans: number, agreement: number][]): Trial[] =>
    list.map(([leans, agreement]) => ({ leans, agreement }))

  test("those are gone through that lean more with each more of it, up to the furthest", () => {
    const some = trials([0.3, 0], [0.5, 0], [0.2, 0], [0.4, 0], [0.6, 0], [0.7, 0], [0.65, 0])
    assert.deepEqual(
      [0.01, 0.33, 0.34, 0.66, 0.67, 1].map((share) => asFarAs(share, some)),
      [1, 1, 4, 4, 5, 5],
    )
  })

  test("one that loses more than a third of the subject is left out", () => {
    assert.equal(asFarAs(1, trials([0.3, -1], [0.5, -1.35], [0.6, -1.5])), 1)
  })

  test("where none leans further, the unmoved one is taken", () => {
    assert.equal(asFarAs(1, trials([0.3, 0], [0.2, 0], [0.9, -3])), 0)
  })
})

describe("a trial between none and all of it", () => {
  const tokens = (...values: number[]): Tokens => ({
    data: Float32Array.from(values),
    valid: new Uint8Array(values.length).fill(1),
  })
  const negative = tokens(9)
  const still: Reading = { branches: [tokens(1), negative], mix: guided(1) }
  const moved: Reading = { branches: [tokens(1, 5), tokens(9)], mix: guided(1) }
  const at = { x: new Float32Array(1), t: 0.5 }
  const velocity = (value: number): Float32Array => new Float32Array([value])

  test("is a share of both velocities, each guided as it would be alone", () => {
    // Still: 2 + (2 - 1) = 3. Moved: 6 + (6 - 1) = 11.
    const { mix } = between(still, moved, 0.25)
    assert.deepEqual(mix([velocity(2), velocity(1), velocity(6)], at), velocity(5))
  })

  test("reads what both have in common once, at one length", () => {
    const { branches, turns } = between(still, moved, 0.5)
    assert.deepEqual(
      branches.map(({ data }) => [...data]),
      [
        [1, 0],
        [9, 0],
        [1, 5],
      ],
    )
    assert.deepEqual([...branches[0]!.valid], [1, 0])
    assert.deepEqual(turns!(0, 8), [0, 1, 2])
  })

  test("takes the turns of either end, in that end's own places", () => {
    const turning: Reading = { ...moved, turns: (taken) => (taken === 0 ? [0, 1] : [0]) }
    const { turns } = between({ ...still, turns: () => [0] }, turning, 0.5)
    assert.deepEqual(
      [turns!(0, 8), turns!(1, 8)],
      [
        [0, 2, 1],
        [0, 2],
      ],
    )
  })

  test("is at its ends the very reading of that end", () => {
    assert.equal(between(still, moved, 0), still)
    assert.equal(between(still, moved, 1), moved)
  })
})

describe("the movement slider", () => {
  const { engine } = shippedEngine()

  const pictures = async (extra: Partial<GenerationInput>): Promise<Uint8Array[]> => {
    const given = {
      prompt: "a castle on a plain background",
      creativity: 0,
      seed: 3,
      width: 256,
      height: 256,
    }
    const made = await engine.generate(parseRequest({ ...given, ...extra }))
    return made.pictures.map(({ bytes }) => bytes)
  }
  const diagonal = async (bytes: Uint8Array): Promise<number> => {
    const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true })
    const { width, height } = info
    return diagonalsOf(luminance({ width, height, data }), width, height).diagonal
  }

  test("leads from upright to leaning", async () => {
    const leans: number[] = []
    for (const movement of [-100, 0, 50, 100])
      leans.push(await diagonal((await pictures({ movement, candidates: 6 }))[0]!))
    assert.deepEqual(
      leans,
      leans.toSorted((a, b) => a - b),
    )
    assert.ok(leans.at(-1)! > leans[1]! + 0.02, leans.join(" "))
  })

  test("gives the same bits alone as in a batch, beside other controls", async () => {
    const asked = { movement: 60, complexity: 30, candidates: 3 }
    const batch = await pictures({ ...asked, count: 2 })
    assert.deepEqual((await pictures({ ...asked, seed: 4 }))[0], batch[1])
  })

  test("tells its progress in steps that only rise", async () => {
    const steps: number[] = []
    const request = parseRequest({
      prompt: "a red apple",
      seed: 5,
      width: 256,
      height: 256,
      movement: 80,
      count: 2,
    })
    await engine.generate(request, { onProgress: ({ step }) => steps.push(step) })
    assert.deepEqual(
      steps,
      steps.toSorted((a, b) => a - b),
    )
    assert.equal(steps.at(-1), 8)
  })
})

// The mathematics of weighted references, boards and sliders.
import assert from "node:assert/strict"
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { boardLooks } from "../../src/controls/board-looks.ts"
import { contentHash, LookCache } from "../../src/controls/look-cache.ts"
import {
  beside,
  combineVelocities,
  LOOK_CALIBRATION,
  lookBranches,
  lookLane,
  mergeLooks,
  saturated,
  type WeightedLook,
} from "../../src/controls/references.ts"
import { askedSliders, counterSliders } from "../../src/controls/sliders.ts"
import { guided, unstretched } from "../../src/sampling/lane.ts"
import { noise } from "../support/run.ts"

const look = (name: string, weight: number): WeightedLook => ({
  hash: contentHash(Buffer.from(name)),
  tokens: noise(12, name.length * 31 + name.charCodeAt(0)),
  weight,
})
const bits = (v: Float32Array): string => Buffer.from(v.buffer, v.byteOffset, v.byteLength).toString("hex")

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  )
}

test("the order of references changes no bit", () => {
  const looks = [look("a", 0.7), look("bb", 1.3), look("ccc", -0.4), look("a", 0.1), look("dddd", -1.9)]
  const shown = permutations(looks).map((order) => {
    const { towards, away } = lookBranches(order)
    return [bits(towards!.tokens), towards!.strength, bits(away!.tokens), away!.strength].join()
  })
  assert.equal(new Set(shown).size, 1)
})

test("weight 0, and weights that cancel, are as if never given", () => {
  assert.deepEqual(lookBranches([look("a", 0)]), {})
  assert.deepEqual(lookBranches([look("a", 1), look("a", -1)]), {})
  assert.deepEqual(lookBranches([look("a", 0.1), look("a", 0.2), look("a", -0.3)]), {})
  assert.deepEqual(lookBranches([look("a", 1), look("b", 0)]), lookBranches([look("a", 1)]))
})

test("equal pictures add up", () => {
  assert.deepEqual(lookBranches([look("a", 0.5), look("a", 0.5)]), lookBranches([look("a", 1)]))
  assert.equal(mergeLooks([look("a", 0.5), look("b", 1), look("a", 0.25)]).length, 2)
})

test("one look keeps its tokens bit for bit, two of equal weight meet in the middle", () => {
  const [a, b] = [look("a", 0.3), look("b", 0.3)]
  assert.equal(bits(lookBranches([a]).towards!.tokens), bits(a.tokens))
  const both = lookBranches([a, b]).towards!.tokens
  both.forEach((value, i) => {
    assert.ok(Math.abs(value - (a.tokens[i]! + b.tokens[i]!) / 2) < 1e-6)
  })
})

test("strength rises with the weight and never passes its limit, ten references at 2 included", () => {
  const of = (weight: number): number => lookBranches([look("a", weight)]).towards!.strength
  const rising = [0.01, 0.1, 0.5, 1, 1.5, 2, 5, 20].map(of)
  for (let i = 1; i < rising.length; i++) assert.ok(rising[i]! > rising[i - 1]!)
  const ten = Array.from({ length: 10 }, (_, i) => look("x".repeat(i + 1), 2))
  assert.ok(lookBranches(ten).towards!.strength <= LOOK_CALIBRATION.towards.limit)
  assert.equal(saturated(0, LOOK_CALIBRATION.away), 0)
})

test("however many references, there are at most two more branches", () => {
  const text = { prompt: { data: noise(8), valid: new Uint8Array([1, 1]) }, guidance: 3 }
  const negative = { data: noise(8, 2), valid: new Uint8Array([1, 1]) }
  const ten = Array.from({ length: 10 }, (_, i) => look("x".repeat(i + 1), i - 4.5))
  assert.equal(lookLane({ ...text, negative }, lookBranches(ten), 4).branches.length, 4)
  assert.equal(lookLane({ ...text, guidance: 0 }, lookBranches(ten), 4).branches.length, 3)
  assert.equal(lookLane({ ...text, negative }, {}, 4).branches.length, 2)
})

test("without references the velocity is that of guidance alone, bit for bit", () => {
  const [c, u] = [noise(64, 3), noise(64, 4)]
  const at = { x: noise(64, 5), t: 0.8 }
  const text = { data: noise(8), valid: new Uint8Array(2) }
  for (const guidance of [0, 0.5, 3, 7.25]) {
    const velocities = guidance === 0 ? [c] : [c, u]
    const { mix } = lookLane({ prompt: text, negative: text, guidance }, lookBranches([look("a", 0)]), 4)
    const turned = velocities[1] ? [c, unstretched(c, velocities[1], at)] : [c]
    assert.equal(bits(mix(velocities, at)), bits(guided(guidance)(turned)))
  }
})

test("a pull goes to the look, a push goes the other way, and both at once add up", () => {
  const [c, p, m] = [noise(16, 5), noise(16, 6), noise(16, 7)]
  const at = { x: noise(16, 11), t: 0.4 }
  const near = combineVelocities({ conditional: c, towards: p }, { guidance: 0, pull: 1 }, at)
  near.forEach((value, i) => {
    assert.ok(Math.abs(value - p[i]!) < 1e-6)
  })
  const both = combineVelocities(
    { conditional: c, towards: p, away: m },
    { guidance: 0, pull: 0.5, push: 0.25 },
    at,
  )
  both.forEach((value, i) => {
    assert.ok(Math.abs(value - (c[i]! + 0.5 * (p[i]! - c[i]!) - 0.25 * (m[i]! - c[i]!))) < 1e-6)
  })
})

test("a pull of 1 is the look's own picture under guidance, as if its tokens were part of the prompt", () => {
  const [c, u, p] = [noise(16, 8), noise(16, 9), noise(16, 10)]
  const text = { data: noise(8), valid: new Uint8Array(2) }
  const full = { towards: { tokens: noise(4), strength: 1 } }
  const at = { x: noise(16, 11), t: 0.4 }
  for (const guidance of [0.5, 3]) {
    const { mix } = lookLane({ prompt: text, negative: text, guidance }, full, 4)
    const alone = lookLane({ prompt: text, negative: text, guidance }, {}, 4).mix([p, u], at)
    mix([c, u, p], at).forEach((value, i) => {
      assert.ok(Math.abs(value - alone[i]!) < 1e-5)
    })
  }
})

test("a pull beyond 1 leads past the look, but hardly along the picture that the look is of", () => {
  const [c, u, p] = [noise(16, 8), noise(16, 9), noise(16, 10)]
  const at = { x: noise(16, 11), t: 0.4 }
  const pulled = (pull: number): Float32Array =>
    combineVelocities({ conditional: c, unconditional: u, towards: p }, { guidance: 3, pull }, at)
  const [there, past] = [pulled(1), pulled(1.5)]
  const clean = at.x.map((value, i) => value - at.t * p[i]!)
  /** Cosine between the clean picture and a change of it. */
  const along = (change: Float32Array): number => {
    const dot = change.reduce((sum, value, i) => sum + value * clean[i]!, 0)
    return Math.abs(dot) / Math.hypot(...change) / Math.hypot(...clean)
  }
  const moved = past.map((value, i) => value - there[i]!)
  assert.ok(Math.hypot(...moved) > 0.1)
  assert.ok(along(moved) < 0.5 * along(p.map((value, i) => value - c[i]!)))
})

test("a push leaves the look by itself: its branch has the negative prompt's words, and none goes away from it", () => {
  const [prompt, negative] = [1, 2].map((k) => ({ data: noise(8, k), valid: new Uint8Array([1, 1]) }))
  const away = { away: { tokens: noise(4, 3), strength: 0.5 } }
  const { branches, mix } = lookLane({ prompt: prompt!, negative: negative!, guidance: 3 }, away, 4)
  assert.equal(bits(branches[2]!.data.slice(0, 8)), bits(negative!.data))
  const [c, u] = [noise(16, 4), noise(16, 5)]
  // A look that changes nothing beside the negative prompt is nothing to leave.
  const at = { x: noise(16, 6), t: 0.7 }
  assert.equal(bits(mix([c, u, u], at)), bits(guided(3)([c, unstretched(c, u, at)])))
  const bare = lookLane({ prompt: prompt!, negative: negative!, guidance: 0 }, away, 4)
  assert.equal(bits(bare.branches[1]!.data.slice(0, 8)), bits(prompt!.data))
})

test("look tokens stand behind the text and count as real, padding stays padding", () => {
  const { data, valid } = beside(
    { data: Float32Array.of(1, 2, 3, 4), valid: Uint8Array.of(1, 0) },
    Float32Array.of(5, 6),
    2,
  )
  assert.deepEqual([...data], [1, 2, 3, 4, 5, 6])
  assert.deepEqual([...valid], [1, 0, 1])
})

test("looks of two encoders are refused", () => {
  const odd = { ...look("b", 1), tokens: new Float32Array(3) }
  assert.throws(() => lookBranches([look("a", 1), odd]), /two encoders/)
})

test("a board's weights add up to its strength, whatever its order, and 0 is as not given", () => {
  const board = ["a", "bb", "ccc", "dddd", "eeeee"].map((name) => look(name, 1))
  assert.deepEqual(boardLooks(board, 0, 1), [])
  for (const strength of [-0.5, 0.35, 1.5]) {
    const looks = boardLooks(board, strength, 7)
    assert.equal(looks.length, 3)
    assert.ok(Math.abs(looks.reduce((s, l) => s + l.weight, 0) - strength) < 1e-12)
    assert.deepEqual(boardLooks(board.toReversed(), strength, 7), looks)
  }
})

test("a mixed board gives another blend for each seed, and each picture its turn", () => {
  const board = ["a", "bb", "ccc", "dddd", "eeeee"].map((name) => look(name, 1))
  const blends = Array.from({ length: 64 }, (_, seed) => boardLooks(board, 1, seed))
  assert.equal(new Set(blends.map((b) => b.map((l) => l.weight).join())).size, 64)
  const shares = board.map((p) =>
    blends.reduce((sum, b) => sum + (b.find((l) => l.hash === p.hash)?.weight ?? 0), 0),
  )
  for (const share of shares) assert.ok(share > 0.1 * 64 && share < 0.32 * 64, shares.join(" "))
})

test("a board of one picture is that picture as a reference", () => {
  for (const seed of [0, 1, 2])
    assert.deepEqual(lookBranches(boardLooks([look("a", 1)], 0.8, seed)), lookBranches([look("a", 0.8)]))
})

test("a board's weights favour, and its negative pictures repel", () => {
  const board = [look("a", 2), look("bb", 0.2), look("ccc", -1)]
  const blends = Array.from({ length: 200 }, (_, seed) => boardLooks(board, 1, seed))
  const share = (name: string): number =>
    blends.reduce((sum, b) => sum + (b.find((l) => l.hash === look(name, 1).hash)?.weight ?? 0), 0)
  assert.ok(share("a") > 4 * share("bb"))
  assert.ok(share("ccc") < 0)
})

test("sliders at 0 are not asked, the others come in a fixed order between -1 and 1", () => {
  assert.deepEqual(askedSliders({ intensity: 0, complexity: 0, movement: 0 }), [])
  assert.deepEqual(askedSliders({ movement: -100, intensity: 30, complexity: 0 }), [
    { name: "intensity", index: 0, value: 0.3 },
    { name: "movement", index: 2, value: -1 },
  ])
})

test("a picture is encoded once, also when asked for twice at once, and survives a restart", async () => {
  const folder = await mkdtemp(join(tmpdir(), "looks-"))
  let encoded = 0
  const make = (): LookCache =>
    new LookCache({
      folder,
      encoder: "test-1",
      values: 4,
      encode: async (bytes) => {
        encoded++
        return Float32Array.of(bytes[0]!, 0.1, -2, 3)
      },
    })
  try {
    const cache = make()
    const [a, b] = await Promise.all([cache.look(Uint8Array.of(9)), cache.look(Uint8Array.of(9))])
    assert.equal(encoded, 1)
    assert.deepEqual(a, b)
    assert.deepEqual(await make().look(Uint8Array.of(9)), a)
    assert.equal(encoded, 1)
    const [file] = await readdir(join(folder, "test-1"))
    await writeFile(join(folder, "test-1", file!), "torn")
    assert.deepEqual(await make().look(Uint8Array.of(9)), a)
    assert.equal(encoded, 2)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test("the least recently used look leaves memory first, and a failure is not kept", async () => {
  const asked: number[] = []
  let isBroken = true
  const cache = new LookCache({
    most: 2,
    encoder: "test-1",
    values: 1,
    encode: async (bytes) => {
      asked.push(bytes[0]!)
      if (isBroken) throw new Error("away")
      return Float32Array.of(bytes[0]!)
    },
  })
  await assert.rejects(cache.look(Uint8Array.of(1)), /away/)
  isBroken = false
  for (const n of [1, 2, 1, 3, 1, 2]) await cache.look(Uint8Array.of(n))
  assert.deepEqual(asked, [1, 1, 2, 3, 2])
})

test("guidance leads away from the opposite intensity, and from no other slider's", () => {
  const moved = askedSliders({ intensity: -40, complexity: 70, movement: 20 })
  assert.deepEqual(counterSliders(moved), [{ name: "intensity", index: 0, value: 0.4 }])
  assert.deepEqual(counterSliders(askedSliders({ intensity: 0, complexity: 70, movement: 0 })), [])
})

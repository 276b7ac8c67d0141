// The mathematics of weighted references, boards and sliders.
import assert from "node:assert/strict"
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { boardLooks } from "../../src/controls/board-looks.ts"
import { contentHash, LookCache } from "../../src/controls/look-cache.ts"
import {
  LOOK_CALIBRATION,
  lookBranches,
  mergeLooks,
  saturated,
  type WeightedLook,
} from "../../src/controls/looks.ts"
import { type BranchTokens, beside, combineVelocities, lookLane } from "../../src/controls/references.ts"
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
  const near = [look("a", 0.7), look("bb", 1.3), look("a", 0.1), look("eeeee", 0.2)]
  for (const looks of [near, [...near.slice(0, 3), look("ccc", -0.4), look("dddd", -1.9)]]) {
    const shown = permutations(looks).map((order) => {
      const { towards, away } = lookBranches(order)
      return [towards!, away ?? { sets: [], strength: 0 }]
        .map(({ sets, strength }) => [strength, ...sets.flatMap((s) => [s.share, bits(s.tokens)])].join())
        .join()
    })
    assert.equal(new Set(shown).size, 1)
  }
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

test("one look keeps its tokens bit for bit", () => {
  const a = look("a", 0.3)
  const { sets } = lookBranches([a]).towards!
  assert.deepEqual(
    sets.map(({ share, tokens }) => [share, bits(tokens)]),
    [[1, bits(a.tokens)]],
  )
})

test("looks that differ are two sets, each with those that are like it, and shares by weight", () => {
  const near = (name: string, value: number, weight: number): WeightedLook => ({
    ...look(name, weight),
    tokens: new Float32Array(12).fill(value),
  })
  const looks = [near("a", 1, 0.5), near("b", 9, 1), near("c", 2, 0.5), near("d", 8, 2)]
  const { sets } = lookBranches(looks).towards!
  const found = sets.map(({ share, tokens }) => [share, tokens[0]!]).sort((a, b) => a[0]! - b[0]!)
  assert.deepEqual(found[0], [0.25, 1.5])
  assert.equal(found[1]![0], 0.75)
  assert.ok(Math.abs(found[1]![1]! - 25 / 3) < 1e-5)
})

test("beside a look to leave, those to come near meet in one set", () => {
  const [a, b] = [look("a", 0.3), look("b", 0.3)]
  const { towards, away } = lookBranches([a, b, look("c", -1)])
  assert.deepEqual([towards!.sets.length, away!.sets.length], [1, 1])
  towards!.sets[0]!.tokens.forEach((value, i) => {
    assert.ok(Math.abs(value - (a.tokens[i]! + b.tokens[i]!) / 2) < 1e-6)
  })
})

test("of two unlike looks one leads by the seed, in a batch each as often as its share says", () => {
  const shares = (weights: [number, number], seed: number): number[] =>
    lookBranches([look("a", weights[0]), look("bb", weights[1])], { seed }).towards!.sets.map((s) => s.share)
  for (const first of [0, 1, 7, 4_294_967_295, 2 ** 40 + 3]) {
    const batch = [0, 1, 2, 3].map((i) => shares([1, 1], first + i))
    for (const [one, other] of batch) assert.ok(Math.abs(one! + other! - 1) < 1e-12 && one !== other)
    assert.equal(batch.filter(([one, other]) => one! > other!).length, 2)
  }
  const uneven = [0, 1, 2, 3].map((seed) => shares([1.5, 0.5], seed))
  const mean = [0, 1].map((i) => uneven.reduce((sum, s) => sum + s[i]! / 4, 0)).sort()
  mean.forEach((share, i) => {
    assert.ok(Math.abs(share - [0.25, 0.75][i]!) < 1e-12)
  })
  assert.deepEqual(lookBranches([look("a", 1)], { seed: 3 }), lookBranches([look("a", 1)]))
})

test("two sets of looks are drawn side by side, their velocities averaged by share, and then take turns", () => {
  const text = { data: noise(8), valid: new Uint8Array(2) }
  const [c, u, p, r] = [noise(16, 1), noise(16, 2), noise(16, 3), noise(16, 4)]
  const at = { x: noise(16, 11), t: 0.4 }
  const asked = { prompt: text, negative: text, guidance: 3 }
  const of = (strength: number, ...shares: number[]) =>
    lookLane(
      asked,
      { towards: { sets: shares.map((share, i) => ({ tokens: noise(4, i), share })), strength } },
      4,
    )
  const [both, one] = [of(1.4, 0.25, 0.75), of(1.4, 1)]
  assert.equal(both.branches.length, 4)
  const mean = p.map((value, i) => 0.25 * value + 0.75 * r[i]!)
  both.mix([c, u, p, r], at).forEach((value, i) => {
    assert.ok(Math.abs(value - one.mix([c, u, mean], at)[i]!) < 1e-5)
  })
  assert.equal(bits(both.mix([c, u, undefined, r], at)), bits(one.mix([c, u, r], at)))

  const steps = (reading: typeof both): string[] =>
    Array.from({ length: 8 }, (_, taken) => reading.turns!(taken, 8).join(""))
  assert.deepEqual(steps(of(0.8, 0.5, 0.5)), ["0123", "0123", "012", "013", "012", "013", "012", "013"])
  const taken = steps(of(0.8, 0.2, 0.8)).slice(2)
  assert.deepEqual([taken.filter((t) => t === "012").length, taken.filter((t) => t === "013").length], [1, 5])
  assert.equal(one.turns, undefined)
  // All the way to the look, the prompt by itself need not run: guidance follows from the look's own picture.
  assert.deepEqual(steps(both).slice(1, 4), ["0123", "13", "12"])
  assert.equal(bits(both.mix([undefined, u, p], at)), bits(guided(3)([p, unstretched(p, u, at)])))
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
  const near = ten.map((one) => ({ ...one, weight: Math.abs(one.weight) }))
  assert.equal(lookLane({ ...text, negative }, lookBranches(near), 4).branches.length, 4)
  assert.equal(lookLane({ ...text, negative }, lookBranches(ten), 4).branches.length, 4)
  assert.equal(lookLane({ ...text, negative, guidance: 0 }, lookBranches(ten), 4).branches.length, 3)
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
  const moved = (factors: { pull?: number; push?: number }): Float32Array =>
    combineVelocities({ conditional: c, towards: p, away: m }, { guidance: 0, ...factors }, at)
  const [pulled, pushed] = [moved({ pull: 0.5 }), moved({ push: 0.25 })]
  const leaves = pushed.reduce((sum, value, i) => sum + (value - c[i]!) * (m[i]! - c[i]!), 0)
  assert.ok(leaves < 0)
  moved({ pull: 0.5, push: 0.25 }).forEach((value, i) => {
    assert.ok(Math.abs(value - (pulled[i]! + pushed[i]! - c[i]!)) < 1e-6)
  })
})

test("a pull of 1 is the look's own picture under guidance, as if its tokens were part of the prompt", () => {
  const [c, u, p] = [noise(16, 8), noise(16, 9), noise(16, 10)]
  const text = { data: noise(8), valid: new Uint8Array(2) }
  const full = { towards: { sets: [{ tokens: noise(4), share: 1 }], strength: 1 } }
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
  const away = { away: { sets: [{ tokens: noise(4, 3), share: 1 }], strength: 0.5 } }
  const { branches, mix } = lookLane({ prompt: prompt!, negative: negative!, guidance: 3 }, away, 4)
  assert.equal(bits(branches[2]!.data.slice(0, 8)), bits(negative!.data))
  const [c, u] = [noise(16, 4), noise(16, 5)]
  // A look that changes nothing beside the negative prompt is nothing to leave.
  const at = { x: noise(16, 6), t: 0.7 }
  assert.equal(bits(mix([c, u, u], at)), bits(guided(3)([c, unstretched(c, u, at)])))
})

test("without guidance a push still leaves the look by itself, unless there is one to come near: then beside the prompt", () => {
  const [prompt, negative] = [1, 2].map((k) => ({ data: noise(8, k), valid: new Uint8Array([1, 1]) }))
  const text = { prompt: prompt!, negative: negative!, guidance: 0 }
  const side = { sets: [{ tokens: noise(4, 3), share: 1 }], strength: 0.5 }
  const words = (branches: readonly BranchTokens[]): string[] => branches.map((b) => bits(b.data.slice(0, 8)))
  const { branches, mix } = lookLane(text, { away: side }, 4)
  assert.deepEqual(
    words(branches),
    [prompt, negative, negative].map((b) => bits(b!.data)),
  )
  const [c, u] = [noise(16, 4), noise(16, 5)]
  assert.equal(bits(mix([c, u, u], { x: noise(16, 6), t: 0.7 })), bits(c))
  assert.deepEqual(
    words(lookLane(text, { away: side, towards: side }, 4).branches),
    [prompt, prompt, prompt].map((b) => bits(b!.data)),
  )
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

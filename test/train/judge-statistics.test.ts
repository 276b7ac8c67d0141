// Intervals, correlation and the Frechet distance against values worked out by hand.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { frechetBeside } from "../../src/train/judge/distances.ts"
import { eigenvalues, frechetDistance } from "../../src/train/judge/frechet.ts"
import {
  difference,
  meanOf,
  pairedRatio,
  quantile,
  ratio,
  share,
  spearman,
} from "../../src/train/judge/statistics.ts"
import { Random } from "../../src/train/random.ts"

const hits = (yes: number, no: number): boolean[] => [...Array(yes).fill(true), ...Array(no).fill(false)]
const near = (a: number, b: number, by: number): void => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`)

describe("intervals", () => {
  it("are Wilson's for a share", () => {
    const e = share(hits(8, 2)) // 0.8 of 10: 0.4902 to 0.9433
    near(e.value, 0.8, 1e-12)
    near(e.low, 0.4902, 1e-3)
    near(e.high, 0.9433, 1e-3)
    assert.deepEqual([share(hits(0, 5)).low, share(hits(5, 0)).high], [0, 1])
  })

  it("are Newcombe's for a drop", () => {
    // The examples of Newcombe 1998, Statistics in Medicine 17, table II, method 10.
    for (const [yes, of, other, ofOthers, low, high] of [
      [56, 70, 48, 80, 0.0524, 0.3339],
      [9, 10, 3, 10, 0.1705, 0.809],
      [5, 56, 0, 29, -0.0381, 0.1926],
      [10, 10, 0, 20, 0.6791, 1],
      [10, 10, 0, 10, 0.6075, 1],
    ] as const) {
      const drop = difference(hits(yes, of - yes), hits(other, ofOthers - other))
      near(drop.low, low, 6e-5)
      near(drop.high, high, 6e-5)
      assert.deepEqual([drop.value, drop.n], [yes / of - other / ofOthers, of + ofOthers])
    }
  })

  it("of a drop are wide where every picture of both sides is right", () => {
    const { value, low, high } = difference(hits(18, 0), hits(18, 0))
    near(high, 0.1759, 1e-4) // 1 less Wilson's lower end of 18 of 18
    assert.deepEqual([value, low], [0, -high])
  })

  it("hold the mean of a sample and are the same every time", () => {
    const random = new Random(3)
    const values = Array.from({ length: 400 }, () => 5 + random.normal())
    const e = meanOf(values)
    near(e.high - e.low, 2 * 1.96 * 0.05, 0.03)
    assert.ok(e.low < e.value && e.value < e.high)
    assert.deepEqual(meanOf(values), e)
  })

  it("cover a drop and a ratio between two samples", () => {
    const drop = difference(hits(80, 20), hits(70, 30))
    near(drop.value, 0.1, 1e-12)
    near(drop.high - drop.low, 2 * 1.96 * Math.sqrt(0.0016 + 0.0021), 0.04)
    const half = ratio(hits(30, 70), hits(60, 40))
    near(half.value, 0.5, 1e-12)
    // The logarithm of a ratio of shares has the variance (1 - p) / (n p), summed over both.
    const spread = 1.96 * Math.sqrt(0.7 / 30 + 0.4 / 60)
    near(half.low, 0.5 * Math.exp(-spread), 0.03)
    near(half.high, 0.5 * Math.exp(spread), 0.06)
  })

  it("of a ratio leave out draws with nothing to divide by", () => {
    const e = ratio(hits(2, 2), hits(1, 3))
    assert.equal(e.value, 2)
    assert.ok(Number.isFinite(e.low) && Number.isFinite(e.high) && e.low < e.high)
    assert.ok(Number.isNaN(pairedRatio([[1, 0]]).value))
    assert.ok(Number.isNaN(ratio(hits(2, 2), hits(0, 4)).value))
  })

  it("of shares of the same prompts draw both halves of a pair together", () => {
    // Wherever there is a second there is a first: the ratio is 1 in every draw.
    const pairs = Array.from({ length: 30 }, (_, i): [number, number] => (i % 3 ? [1, 1] : [0, 0]))
    const { value, low, high, n } = pairedRatio(pairs)
    assert.deepEqual([value, low, high, n], [1, 1, 1, 30])
  })

  it("hold the truth in about 95 of 100 samples", () => {
    const random = new Random(11)
    const sample = (share: number): boolean[] => Array.from({ length: 60 }, () => random.next() < share)
    const samples = 120
    const held = { share: 0, drop: 0, ratio: 0 }
    for (let i = 0; i < samples; i++) {
      const [seen, unseen] = [sample(0.6), sample(0.45)]
      const within = ({ low, high }: { low: number; high: number }, truth: number): number =>
        low <= truth && truth <= high ? 1 : 0
      held.share += within(share(seen), 0.6)
      held.drop += within(difference(seen, unseen), 0.15)
      held.ratio += within(ratio(unseen, seen), 0.75)
    }
    // 114 are expected, give or take 5 at two standard deviations.
    for (const [what, n] of Object.entries(held)) assert.ok(n > 0.9 * samples && n < samples, `${what}: ${n}`)
  })

  it("say nothing of an empty sample", () => {
    assert.ok(Number.isNaN(share([]).value))
    assert.ok(Number.isNaN(difference([], hits(1, 1)).low))
  })

  it("interpolate quantiles", () => {
    assert.deepEqual(
      [0, 0.25, 1].map((q) => quantile([4, 1, 3, 2, 5], q)),
      [1, 2, 5],
    )
  })
})

describe("Spearman's correlation", () => {
  it("is 1 for any rising relation, -1 for any falling one, 0 for a constant", () => {
    assert.equal(spearman([1, 2, 3, 4], [1, 8, 27, 64]), 1)
    assert.equal(spearman([1, 2, 3, 4], [9, 5, 2, 1]), -1)
    assert.equal(spearman([1, 2, 3], [7, 7, 7]), 0)
  })

  it("shares ranks among equals", () => {
    near(spearman([1, 2, 2, 3], [1, 2, 3, 4]), 0.9487, 1e-4)
  })
})

describe("the Frechet distance", () => {
  const cloud = (n: number, size: number, seed: number, shift = 0, scale = 1): Float32Array[] => {
    const random = new Random(seed)
    return Array.from({ length: n }, () => random.normals(size).map((v) => v * scale + shift))
  }

  it("knows the eigenvalues of a symmetric matrix", () => {
    // Q diag(1..5) Q^T by two reflections.
    const n = 5
    const reflect = (m: number[][], u: number[]): number[][] => {
      const uu = u.reduce((s, v) => s + v * v, 0)
      const h = u.map((a, i) => u.map((b, j) => (i === j ? 1 : 0) - (2 * a * b) / uu))
      const times = (a: number[][], b: number[][]) =>
        a.map((row) => b[0]!.map((_, j) => row.reduce((s, v, k) => s + v * b[k]![j]!, 0)))
      return times(times(h, m), h)
    }
    let m = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? i + 1 : 0)))
    m = reflect(reflect(m, [1, 2, -1, 0.5, 3]), [0.3, -1, 2, 1, 1])
    const found = eigenvalues(m.map((row) => Float64Array.from(row))).sort((a, b) => a - b)
    found.forEach((v, i) => {
      near(v, i + 1, 1e-9)
    })
  })

  it("is 0 between a set and itself", () => {
    const a = cloud(60, 20, 1)
    near(frechetDistance(a, a), 0, 1e-6)
  })

  it("is the squared distance of the means for shifted sets", () => {
    const a = cloud(80, 10, 2)
    near(
      frechetDistance(
        a,
        a.map((v) => v.map((x) => x + 2)),
      ),
      40,
      1e-3,
    )
  })

  it("is the trace of the difference of deviations squared for scaled sets", () => {
    const a = cloud(300, 3, 4)
    // N(0,1) against N(0,9) in 3 dimensions: 3 (3 - 1)^2
    near(frechetDistance(a, cloud(300, 3, 5, 0, 3)), 12, 2)
  })

  it("works with fewer vectors than features, and sets of different sizes", () => {
    const d = frechetDistance(cloud(12, 40, 6), cloud(20, 40, 7, 3))
    assert.ok(d > 300 && d < 500)
  })

  it("puts art against art beside the model against art", () => {
    const art = cloud(80, 6, 8)
    const { model, art: floor } = frechetBeside(cloud(80, 6, 9, 1), art)
    assert.ok(model.value > floor.value && model.low <= model.value && model.high >= model.value)
  })
})

// The judge's measures on drawn pictures whose truth is known.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import sharp from "sharp"
import { COLOURS, PAINT } from "../../src/train/data/colours.ts"
import { backgroundColour, objectColour, paletteDistance } from "../../src/train/judge/colour.ts"
import { thingsIn } from "../../src/train/judge/foreground.ts"
import { pairWindows } from "../../src/train/judge/observe.ts"
import { withoutPaper } from "../../src/train/judge/paper.ts"
import { type Bitmap, decodeBitmap, encodePng, squareAround, view } from "../../src/train/judge/pixels.ts"
import {
  attributesOf,
  featureDistance,
  nearestDistance,
  thumbnail,
} from "../../src/train/judge/similarity.ts"

const WALLS = {
  red: "hsl(2,76%,56%)",
  orange: "hsl(28,92%,60%)",
  yellow: "hsl(47,96%,63%)",
  green: "hsl(132,44%,52%)",
  blue: "hsl(213,78%,58%)",
  purple: "hsl(268,52%,60%)",
  pink: "hsl(338,84%,77%)",
  teal: "hsl(178,55%,45%)",
  black: "hsl(230,8%,13%)",
  white: "hsl(40,20%,97%)",
} as const

async function draw(body: string, wall = "#ffffff", width = 128, height = 128): Promise<Bitmap> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#9fd3ff"/><stop offset="1" stop-color="#2f78c8"/></linearGradient></defs><rect width="${width}" height="${height}" fill="${wall}"/>${body}</svg>`
  return await decodeBitmap(await sharp(Buffer.from(svg)).png().toBuffer())
}

const disc = (x: number, y: number, r: number, fill = "#d8342c"): string =>
  `<circle cx="${x}" cy="${y}" r="${r}" fill="${fill}"/>`
const paint = (name: keyof typeof PAINT): string =>
  `rgb(${PAINT[name].map((v) => Math.round(v * 255)).join()})`

describe("background colour", () => {
  for (const [name, wall] of Object.entries(WALLS))
    it(`calls a ${name} wall ${name}, whatever stands before it`, async () => {
      assert.equal(backgroundColour(await draw(disc(64, 64, 40, "#123456"), wall)), name)
    })

  it("goes by the border where a thing touches one side of it", async () => {
    assert.equal(backgroundColour(await draw(disc(64, 110, 40), WALLS.yellow)), "yellow")
  })
})

describe("a paper margin", () => {
  const sheet = (wall: string, body: string): string =>
    `<rect x="6" y="5" width="115" height="117" rx="4" fill="${wall}"/>${body}`
  const two = disc(36, 64, 20) + disc(92, 64, 20)

  it("is neither the background's colour nor a thing", async () => {
    const painted = await draw(sheet(WALLS.green, two), "#fbfaf6")
    assert.equal(backgroundColour(withoutPaper(painted)), "green")
    assert.equal(thingsIn(withoutPaper(painted)).length, 2)
  })

  it("is only taken off where there is one", async () => {
    for (const wall of [WALLS.white, WALLS.yellow, WALLS.black]) {
      const painted = await draw(two, wall)
      assert.equal(withoutPaper(painted), painted)
    }
    const skied = await draw(two, "url(#g)")
    assert.equal(withoutPaper(skied), skied)
  })
})

describe("object colour", () => {
  for (const name of COLOURS.slice(0, 8))
    it(`calls a ${name} thing ${name} off its background`, async () => {
      const eyes = disc(50, 50, 5, "#222") + disc(78, 50, 5, "#222")
      const wall = name === "teal" || name === "blue" ? WALLS.white : WALLS.blue
      assert.equal(objectColour(await draw(disc(64, 64, 36, paint(name)) + eyes, wall)), name)
    })

  it("names no colour for a grey thing", async () => {
    assert.equal(objectColour(await draw(disc(64, 64, 36, "#777"))), undefined)
  })
})

describe("counting", () => {
  const spots = [
    [30, 30],
    [96, 34],
    [32, 96],
    [94, 92],
  ] as const
  for (const n of [1, 2, 3, 4])
    it(`finds ${n} on a plain background`, async () => {
      const body = spots
        .slice(0, n)
        .map(([x, y]) => disc(x, y, 20))
        .join("")
      assert.equal(thingsIn(await draw(body, WALLS.green)).length, n)
    })

  it("finds three on a gradient", async () => {
    const body = [24, 64, 104].map((x) => disc(x, 64, 15)).join("")
    assert.equal(thingsIn(await draw(body, "url(#g)")).length, 3)
  })

  it("does not count specks, and counts a thing with a hole once", async () => {
    const ring = `<circle cx="40" cy="64" r="24" fill="none" stroke="#d22" stroke-width="8"/>${disc(40, 64, 8)}`
    const body = `${ring}${disc(100, 64, 18)}${disc(100, 20, 2)}${disc(60, 20, 2)}`
    assert.equal(thingsIn(await draw(body)).length, 2)
  })

  it("counts nothing on an empty background", async () => {
    assert.equal(thingsIn(await draw("", "url(#g)")).length, 0)
  })

  it("survives soft edges and grain", async () => {
    const clean = await draw(disc(36, 64, 22) + disc(92, 64, 22), WALLS.yellow)
    const grainy = clean.rgb.map((v, i) => Math.min(255, Math.max(0, v + ((i * 7919) % 13) - 6)))
    assert.equal(thingsIn({ ...clean, rgb: grainy }).length, 2)
  })
})

describe("places of a pair", () => {
  it("gives the left thing first for left, the upper one first for above", async () => {
    const across = pairWindows(await draw(disc(30, 60, 20) + disc(96, 70, 18)), "left")!
    assert.ok(across[0].x < across[1].x)
    const down = pairWindows(await draw(disc(60, 96, 20) + disc(66, 30, 18)), "above")!
    assert.ok(down[0].y < down[1].y)
  })

  it("refuses a pair that stands along the other axis", async () => {
    assert.equal(pairWindows(await draw(disc(64, 96, 20) + disc(64, 30, 18)), "left"), undefined)
  })

  it("takes the halves where only one thing can be made out", async () => {
    const [first, second] = pairWindows(await draw(disc(64, 64, 30)), "left")!
    assert.ok(first.x + first.w / 2 < 64 && second.x + second.w / 2 > 64)
  })
})

describe("likeness of pictures", () => {
  it("measures palettes wherever the colours stand", async () => {
    const left = await draw(disc(30, 64, 24), WALLS.blue)
    const right = await draw(disc(98, 64, 24), WALLS.blue)
    const other = await draw(disc(98, 64, 24, "#111"), WALLS.yellow)
    assert.ok(paletteDistance(left, right) < 0.003)
    assert.ok(paletteDistance(left, other) > 0.05)
  })

  it("measures more edges and saturation where there are more, at any size", async () => {
    const calm = await attributesOf(await draw("", WALLS.white))
    const stripes = Array.from(
      { length: 16 },
      (_, i) => `<rect x="${i * 16}" width="8" height="256" fill="#d11"/>`,
    )
    const busy = await attributesOf(await draw(stripes.join(""), "#fff", 256, 256))
    assert.ok(busy.edges > calm.edges + 0.02 && busy.saturation > calm.saturation + 0.2)
  })

  it("finds the nearest of many thumbnails", async () => {
    const pictures = await Promise.all([20, 30, 40].map((r) => draw(disc(64, 64, r))))
    const gallery = pictures.map(thumbnail)
    assert.equal(nearestDistance(thumbnail(pictures[1]!), gallery), 0)
    const other = nearestDistance(thumbnail(await draw(disc(64, 64, 33))), gallery)
    assert.ok(other > 0 && other < 0.2)
  })

  it("gives features of one direction distance 0, of opposite ones 2", () => {
    const v = Float32Array.of(1, -2, 3)
    assert.ok(
      Math.abs(
        featureDistance(
          v,
          v.map((x) => 5 * x),
        ),
      ) < 1e-6,
    )
    assert.ok(
      Math.abs(
        featureDistance(
          v,
          v.map((x) => -x),
        ) - 2,
      ) < 1e-6,
    )
  })
})

describe("pictures as planes", () => {
  it("come back from PNG unchanged, and smaller when asked", async () => {
    const one = await draw(disc(64, 64, 30), WALLS.teal)
    const bytes = await encodePng(one)
    assert.deepEqual((await decodeBitmap(bytes)).rgb, one.rgb)
    assert.equal((await decodeBitmap(bytes, 32)).width, 32)
  })

  it("show the window that was asked for, borders repeated beyond the picture", async () => {
    const one = await draw(`<rect width="64" height="128" fill="#000"/>`)
    const right = view(one, 16, { x: 64, y: 0, w: 128, h: 128 })
    assert.ok(right.every((v) => v > 0.99))
    const left = view(one, 16, squareAround({ x: 8, y: 40, w: 32, h: 32 }, 0.1))
    assert.ok(left.every((v) => v < -0.99))
  })
})

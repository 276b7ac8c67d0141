// The judge's drawings pasted in all sizes, turns and colours on simple grounds: endless variety for the concept head.
import { COLOURS, chanceColour, type Dominant, recolour } from "../data/colours.ts"
import { closedIn, dressed, type Glyph } from "../data/glyphs.ts"
import type { Use } from "../data/sources.ts"
import type { SpriteSource } from "../data/sprites.ts"
import type { Random } from "../random.ts"
import { retouch } from "./augment.ts"
import { conceptIndex } from "./labels.ts"

/** Longer side of the drawings that are kept in memory. */
const KEPT = 104

/** Share of the things that are glyphs in chance colours; every concept that has glyphs is as frequent. */
const GLYPHS = 0.5

interface Small {
  /** The main colour of a drawing that may wear another. */
  readonly main?: Dominant
  readonly concept: number
  readonly width: number
  readonly height: number
  /** Straight alpha, as `recolour` wants it. */
  readonly rgba: Uint8Array
}

export interface Cutouts {
  readonly count: number
  /** Paints one picture into planes of -1..1 at `to`; returns the concepts in it. */
  readonly paint: (out: Float32Array, to: number, side: number, r: Random) => number[]
}

/** Halves a straight-alpha drawing, weighting colours by alpha. */
function halved(
  width: number,
  height: number,
  rgba: Uint8Array,
): { width: number; height: number; rgba: Uint8Array } {
  const [w, h] = [Math.max(1, width >> 1), Math.max(1, height >> 1)]
  const out = new Uint8Array(w * h * 4)
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const sum = [0, 0, 0, 0] as [number, number, number, number]
      for (const [dx, dy] of [
        [0, 0],
        [1, 0],
        [0, 1],
        [1, 1],
      ] as const) {
        const i = (Math.min(height - 1, 2 * y + dy) * width + Math.min(width - 1, 2 * x + dx)) * 4
        const a = rgba[i + 3]!
        for (let c = 0; c < 3; c++) sum[c]! += rgba[i + c]! * a
        sum[3] += a
      }
      const at = (y * w + x) * 4
      for (let c = 0; c < 3; c++) out[at + c] = sum[3] > 0 ? Math.round(sum[c]! / sum[3]) : 0
      out[at + 3] = Math.round(sum[3] / 4)
    }
  return { width: w, height: h, rgba: out }
}

/** Cut-outs of the judge's drawings, or of the model's, and of glyphs, which are drawings by other hands again. */
export function openCutouts(
  source: SpriteSource,
  glyphs: readonly Glyph[] = [],
  use: Use = "judge",
): Cutouts {
  const small = source.sprites
    .filter((s) => s.use === use)
    .map((sprite): Small => {
      let c = { ...source.pixels(sprite) }
      while (Math.max(c.width, c.height) > KEPT) c = halved(c.width, c.height, c.rgba)
      return {
        ...(sprite.recolourable && { main: sprite.main }),
        concept: conceptIndex(sprite.concept),
        ...c,
      }
    })
  const shapes = [
    ...Map.groupBy(
      glyphs.map((glyph) => ({ ...glyph, solid: closedIn(glyph) })),
      (glyph) => glyph.concept,
    ).values(),
  ]
  const choose = (r: Random): Small => {
    if (shapes.length === 0 || r.next() >= GLYPHS) return small[r.below(small.length)]!
    const drawings = shapes[r.below(shapes.length)]!
    const glyph = drawings[r.below(drawings.length)]!
    return { concept: conceptIndex(glyph.concept), ...dressed(glyph, glyph.solid, () => r.next()) }
  }
  return {
    count: small.length,
    paint: (out, to, side, r) => {
      ground(out, to, side, r)
      const chosen = Array.from({ length: r.next() < 0.2 ? 2 : 1 }, () => choose(r))
      chosen.forEach((s, i) => {
        paste(out, to, side, s, chosen.length === 1 ? 0.5 : 0.28 + 0.44 * i, r)
      })
      const turn = r.next()
      retouch(out.subarray(to, to + 3 * side * side), side, r, turn < 0.3 ? 1 : 0.2)
      return [...new Set(chosen.map((s) => s.concept))]
    },
  }
}

/** One colour, or two that run into each other in some direction, sometimes in waves. */
function ground(out: Float32Array, to: number, side: number, r: Random): void {
  const colour = () => chanceColour(1, 0.7, () => r.next()).map((v) => v * 2 - 1) as [number, number, number]
  const [one, two] = [colour(), colour()]
  const plain = r.next() < 0.4
  const angle = r.next() * Math.PI * 2
  const waves = r.next() < 0.3 ? 2 + 14 * r.next() : 0
  const [dx, dy] = [Math.cos(angle) / side, Math.sin(angle) / side]
  const plane = side * side
  // The ground depends on one coordinate only: 256 steps along it are enough.
  const ramp = Float32Array.from({ length: 3 * 256 }, (_, i) => {
    const [c, along] = [Math.floor(i / 256), (i % 256) / 255]
    const t = plain ? 0 : waves > 0 ? 0.5 + 0.5 * Math.sin(along * waves * Math.PI) : along
    return one[c]! + (two[c]! - one[c]!) * t
  })
  for (let y = 0, at = to; y < side; y++)
    for (let x = 0; x < side; x++, at++) {
      const along = (x - side / 2) * dx + (y - side / 2) * dy + 0.5
      const step = Math.min(255, Math.max(0, (along * 255) | 0))
      out[at] = ramp[step]!
      out[at + plane] = ramp[256 + step]!
      out[at + 2 * plane] = ramp[512 + step]!
    }
}

/**
 * Draws one cut-out about `place` (share of the width) with a chance turn, size, lean, colour and bend: no two hands
 * draw the same proportions.
 */
function paste(out: Float32Array, to: number, side: number, s: Small, place: number, r: Random): void {
  const tint = s.main && r.next() < 0.4 ? COLOURS[r.below(COLOURS.length)] : undefined
  const rgba = tint ? s.rgba.slice() : s.rgba
  if (s.main && tint) recolour(rgba, s.main, tint)
  const silhouette = r.next() < 0.05
  const size =
    (side * (place === 0.5 ? 0.4 + 0.56 * r.next() : 0.3 + 0.2 * r.next())) / Math.max(s.width, s.height)
  const stretch = Math.exp(r.normal() * 0.13)
  const [angle, lean] = [r.normal() * 0.18, r.normal() * 0.12]
  const extent = Math.max(s.width, s.height)
  const [bendX, bendY] = [r.normal() * 0.035 * extent, r.normal() * 0.035 * extent]
  const [waveX, waveY] = [(3 + 5 * r.next()) / extent, (3 + 5 * r.next()) / extent]
  const [phaseX, phaseY] = [r.next() * 2 * Math.PI, r.next() * 2 * Math.PI]
  const mirror = r.next() < 0.5 ? -1 : 1
  const [kx, ky] = [mirror / (size * stretch), stretch / size]
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const roam = place === 0.5 ? 0.1 : 0.05
  const [cx, cy] = [side * (place + roam * (2 * r.next() - 1)), side * (0.5 + roam * (2 * r.next() - 1))]
  const most = size * Math.max(stretch, 1 / stretch)
  const reach = (Math.hypot(s.width, s.height) / 2 + Math.max(Math.abs(bendX), Math.abs(bendY))) * most + 2
  const plane = side * side
  for (let y = Math.max(0, Math.floor(cy - reach)); y < Math.min(side, cy + reach); y++)
    for (let x = Math.max(0, Math.floor(cx - reach)); x < Math.min(side, cx + reach); x++) {
      const dx = x + 0.5 - cx
      const dy = y + 0.5 - cy
      const across = (dx * cos + dy * sin + lean * dy) * kx
      const down = (-dx * sin + dy * cos) * ky
      const sx = across + bendX * Math.sin(down * waveX + phaseX) + s.width / 2 - 0.5
      const sy = down + bendY * Math.sin(across * waveY + phaseY) + s.height / 2 - 0.5
      if (sx <= -1 || sy <= -1 || sx >= s.width || sy >= s.height) continue
      const x0 = Math.floor(sx)
      const y0 = Math.floor(sy)
      let red = 0
      let green = 0
      let blue = 0
      let alpha = 0
      for (let t = 0; t < 4; t++) {
        const u = x0 + (t & 1)
        const v = y0 + (t >> 1)
        if (u < 0 || v < 0 || u >= s.width || v >= s.height) continue
        const i = (v * s.width + u) * 4
        const weight =
          ((t & 1 ? sx - x0 : 1 - sx + x0) * (t >> 1 ? sy - y0 : 1 - sy + y0) * rgba[i + 3]!) / 255
        alpha += weight
        red += weight * rgba[i]!
        green += weight * rgba[i + 1]!
        blue += weight * rgba[i + 2]!
      }
      if (alpha <= 0) continue
      const at = to + y * side + x
      const left = 1 - alpha
      const shade = silhouette ? 22 * alpha : undefined
      out[at] = out[at]! * left + (shade ?? red) / 127.5 - alpha
      out[at + plane] = out[at + plane]! * left + (shade ?? green) / 127.5 - alpha
      out[at + 2 * plane] = out[at + 2 * plane]! * left + (shade ?? blue) / 127.5 - alpha
    }
}

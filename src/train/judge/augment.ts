// What a training picture of the classifier may suffer: moved, turned, zoomed, mirrored, retouched, softened.
import type { Random } from "../random.ts"
import { type Bitmap, type Map2, readInto, type Window } from "./pixels.ts"
import type { Thing } from "./scenes.ts"

const between = (r: Random, low: number, high: number): number => low + (high - low) * r.next()

/** Two in three: about the whole picture. One in three: a closer look at one of its things. */
export function chooseWindow(width: number, height: number, things: readonly Thing[], r: Random): Window {
  const focus = things[r.below(Math.max(1, things.length))]
  if (r.next() < 0.66 || !focus) {
    const zoom = between(r, 0.82, 1.12)
    const [w, h] = [width * zoom * between(r, 0.93, 1.07), height * zoom * between(r, 0.93, 1.07)]
    return { x: (width - w) * between(r, 0.1, 0.9), y: (height - h) * between(r, 0.1, 0.9), w, h }
  }
  const long = Math.max(focus.w, focus.h)
  const side = Math.min(Math.max(long * between(r, 1.05, 2.2), 32), Math.max(width, height) * 1.1)
  const slack = Math.max(0, side - long) * 0.5
  const [cx, cy] = [
    focus.x + focus.w / 2 + between(r, -slack, slack),
    focus.y + focus.h / 2 + between(r, -slack, slack),
  ]
  const w = side * between(r, 0.93, 1.07)
  return { x: cx - w / 2, y: cy - side / 2, w, h: side }
}

/** Share of a box that lies under a window, 0..1. */
export function shareInside(box: Window, window: Window): number {
  const w = Math.min(box.x + box.w, window.x + window.w) - Math.max(box.x, window.x)
  const h = Math.min(box.y + box.h, window.y + window.h) - Math.max(box.y, window.y)
  return w <= 0 || h <= 0 ? 0 : (w * h) / (box.w * box.h)
}

/** A window turned by `angle` radians about its middle, sheared, and mirrored. */
export function turnedMap(window: Window, side: number, angle: number, shear: number, mirror: boolean): Map2 {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const sign = mirror ? -1 : 1
  const across = [(sign * cos * window.w) / side, (sign * sin * window.w) / side] as const
  const down = [((-sin + shear * cos) * window.h) / side, ((cos + shear * sin) * window.h) / side] as const
  const [cx, cy] = [window.x + window.w / 2, window.y + window.h / 2]
  return {
    origin: [cx - (across[0] + down[0]) * (side / 2), cy - (across[1] + down[1]) * (side / 2)],
    across,
    down,
  }
}

/** Reads a picture through an augmented window into planes at `to`; returns the window, for the labels. */
export function readAugmented(
  out: Float32Array,
  to: number,
  b: Bitmap,
  things: readonly Thing[],
  side: number,
  r: Random,
): Window {
  const window = chooseWindow(b.width, b.height, things, r)
  const angle = r.normal() * 0.07
  readInto(out, to, b, turnedMap(window, side, angle, r.normal() * 0.05, r.next() < 0.5), side)
  retouch(out.subarray(to, to + 3 * side * side), side, r, 0.25)
  return window
}

/**
 * Colour, light, softness and grain of planes in -1..1, changed in place. `hue` is the deviation of the hue's turn
 * in radians. Soft pictures are in the domain: the model's autoencoder and upsampler make them.
 */
export function retouch(p: Float32Array, side: number, r: Random, hue: number): void {
  const plane = side * side
  const [turn, saturation, gain, lift] = [
    r.normal() * hue,
    between(r, 0.7, 1.3),
    between(r, 0.85, 1.15),
    r.normal() * 0.06,
  ]
  const [c, s] = [Math.cos(turn) * saturation, Math.sin(turn) * saturation]
  for (let i = 0; i < plane; i++) {
    const red = p[i]!
    const blue = p[i + 2 * plane]!
    const y = 0.299 * red + 0.587 * p[i + plane]! + 0.114 * blue
    const u = (blue - y) * c - (red - y) * s
    const v = (blue - y) * s + (red - y) * c
    const light = y * gain + lift
    p[i] = light + v
    p[i + plane] = light - (0.299 * v + 0.114 * u) / 0.587
    p[i + 2 * plane] = light + u
  }
  if (r.next() < 0.3) soften(p, side, between(r, 0.2, 1))
  if (r.next() < 0.3) grain(p, r)
  for (let i = 0; i < p.length; i++) p[i] = Math.min(1, Math.max(-1, p[i]!))
}

/** Adds noise of one strength; a table drawn once per picture is enough to look like grain. */
function grain(p: Float32Array, r: Random): void {
  const strength = between(r, 0.01, 0.08)
  const table = Float32Array.from({ length: 1021 }, () => strength * (r.next() + r.next() - 1))
  for (let i = 0; i < p.length; i++) p[i] = p[i]! + table[(i * 7 + (i >> 9) * 31) % 1021]!
}

/** Mixes every pixel with the mean of its four neighbours; `amount` 0..1. */
function soften(p: Float32Array, side: number, amount: number): void {
  const plane = side * side
  const line = new Float32Array(side)
  const share = amount / 2
  for (let c = 0; c < 3; c++)
    for (const [step, jump] of [
      [1, side],
      [side, 1],
    ] as const)
      for (let k = 0; k < side; k++) {
        const from = c * plane + k * jump
        for (let i = 0; i < side; i++) line[i] = p[from + i * step]!
        for (let i = 1; i < side - 1; i++)
          p[from + i * step] = line[i]! * (1 - share) + ((line[i - 1]! + line[i + 1]!) * share) / 2
      }
}

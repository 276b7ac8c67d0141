// What a picture shows, as a small description that can be drawn at any size. Imports tables and random.

import type { Aspect } from "../../request/sizes.ts"
import {
  BACKGROUND_COLOURS,
  type BackgroundColour,
  type BackgroundKind,
  FLOATING,
  horizonOf,
  PLACES,
  type Place,
} from "./backgrounds.ts"
import { COLOURS, type Colour } from "./colours.ts"
import { CONCEPTS, type Concept, isPerson } from "./concepts.ts"
import { heldOut } from "./holdout.ts"
import { avalanche, type Random, random } from "./random.ts"
import type { Use } from "./sources.ts"
import type { Sprite } from "./sprites.ts"
import { inPlace, leanOf, steadyPlaces } from "./steady.ts"
import { STYLE_TRAITS, STYLES, type Style } from "./styles/names.ts"

/** Native pixels per aspect: sides are multiples of 16, so 48 to 80 cells of 16 x 16. */
export const NATIVE: Readonly<Record<Aspect, readonly [number, number]>> = {
  "1:1": [128, 128],
  "4:3": [144, 112],
  "3:2": [144, 96],
  "16:9": [176, 96],
  "2.35:1": [192, 80],
  "4:5": [128, 160],
  "3:4": [112, 144],
  "2:3": [96, 144],
  "9:16": [96, 176],
}

/** A view is a place with nothing in it. */
const LAYOUTS = ["single", "count", "pair", "triple", "view"] as const
export type Layout = (typeof LAYOUTS)[number]
const RELATIONS = ["left", "above"] as const
export type Relation = (typeof RELATIONS)[number]
export type Size = "small" | "normal" | "large"
export type Stage = "single" | "scene"

/** A thing in its place: box in scene units (native pixels), y downwards. */
export interface SceneObject {
  readonly concept: string
  readonly set: string
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
  readonly flip: boolean
  /** The colour it was given; absent = its own. */
  readonly tint?: Colour
  /** The colour that is true of it, given or its own; absent = no one name is. */
  readonly colour?: Colour
  /** Whether it stands on the ground and throws a shadow there. */
  readonly grounded: boolean
  /** Degrees that it is turned clockwise about the middle of its box; absent = upright. */
  readonly lean?: number
}

export interface Scene {
  readonly seed: number
  readonly stage: Stage
  readonly aspect: Aspect
  readonly width: number
  readonly height: number
  readonly layout: Layout
  /** For pairs: the first object is left of or above the second. */
  readonly relation?: Relation
  readonly size: Size
  readonly background: {
    readonly kind: BackgroundKind
    readonly colour?: BackgroundColour
    readonly horizon: number
  }
  readonly style: Style
  readonly objects: readonly SceneObject[]
}

/** The drawings a scene may use, by concept. */
export interface Cast {
  readonly concepts: readonly Concept[]
  /** Who may be the first thing of a scene by a lot of their own; they are not among `concepts`. */
  readonly people: readonly Concept[]
  readonly of: ReadonlyMap<string, readonly Sprite[]>
}

/** Everything drawable for model or judge. */
export function castOf(sprites: readonly Sprite[], use: Use, concepts: readonly Concept[] = CONCEPTS): Cast {
  const of = new Map<string, Sprite[]>()
  for (const s of sprites) if (s.use === use) of.set(s.concept, [...(of.get(s.concept) ?? []), s])
  const drawn = concepts.filter((c) => of.has(c.id))
  return { concepts: drawn.filter((c) => !isPerson(c)), people: drawn.filter(isPerson), of }
}

/** What to draw may be narrowed; whatever is absent is drawn by lot. */
export interface Wish {
  readonly stage?: Stage
  readonly style?: Style
  readonly concept?: string
  readonly aspect?: Aspect
  readonly layout?: Layout
  readonly background?: BackgroundKind
  /** Let held-out combinations happen (the examination of unseen ones). */
  readonly examine?: boolean
  /** Things as a label would show them: their style's first drawings, mostly of one size and upright, unturned, always in the same places. */
  readonly steady?: boolean
}

/** How often the first thing is a person, and how often the second beside one (decision 055). */
export const PEOPLE = 0.18
const COMPANY = 0.3
const LAYOUT_ODDS = { single: 0.55, count: 0.2, pair: 0.2, triple: 0.05 } as const
const SIZE_ODDS = { small: 0.18, normal: 0.52, large: 0.3 } as const
/** One size for most, so that a concept has one pose to learn; the others, so that they do not bring all poses with them. */
const STEADY_SIZE_ODDS = { small: 0.08, normal: 0.72, large: 0.2 } as const
const SIDE_ASPECTS = Object.keys(NATIVE).slice(1) as Aspect[]
const COLOUR_ODDS = {
  red: 3,
  orange: 3,
  yellow: 3,
  green: 3,
  blue: 3,
  purple: 3,
  pink: 3,
  teal: 2.4,
  black: 0.8,
  white: 0.6,
  brown: 0.8,
} as const satisfies Record<Colour, number>

/** One scene of the training mix, decided by its seed alone. */
export function sampleScene(cast: Cast, seed: number, wish: Wish = {}): Scene {
  const r = random(avalanche(seed))
  const stage = wish.stage ?? (r.chance(0.25) ? "single" : "scene")
  const layout = wish.layout ?? (stage === "single" || wish.concept ? "single" : r.weighted(LAYOUT_ODDS))
  const aspect = wish.aspect ?? (r.chance(0.7) ? "1:1" : r.pick(SIDE_ASPECTS))
  const style = wish.style ?? r.weighted(styleOdds(stage, layout))
  const trait = STYLE_TRAITS[style]
  const [width, height] = NATIVE[aspect]
  const relation: Relation = r.chance(0.5) ? "left" : "above"
  const kind = wish.background ?? backgroundKind(r.fork("background"), layout, relation, style)
  const place = (PLACES as readonly string[]).includes(kind)
  const things = chooseThings(
    cast,
    r.fork("things"),
    r.fork("people"),
    layout,
    relation,
    place && !FLOATING.has(kind),
    style,
    wish,
  )
  const sprites = wish.steady
    ? things.map((c) => firstDrawing(cast, c, style))
    : chooseDrawings(cast, r.fork("drawings"), things, style)
  const tints = r.fork("tints")
  const wears = sprites.map((s, i) =>
    wear(s, i > 0 && layout === "count" ? undefined : tints, trait.colours, wish.examine),
  )
  const shared = layout === "count" ? wears.map(() => wears[0]!) : wears
  const sizeLot = wish.steady ? r.fork("steady size") : r
  const size = layout === "single" ? sizeLot.weighted(wish.steady ? STEADY_SIZE_ODDS : SIZE_ODDS) : "normal"
  const lean = wish.steady && layout === "single" ? leanOf(r.fork("lean")) : undefined
  const horizon = horizonOf(kind, r)
  const frame: Ground = { w: width, h: height, kind, place, horizon: horizon * height }
  const boxes = wish.steady
    ? steadyPlaces({ layout, relation, size, width, height }, things.length).map((place, i) =>
        inPlace(place, things[i]!, sprites[i]!, frame, lean),
      )
    : arrange(r.fork("layout"), layout, relation, size, things, sprites, frame)
  const facing = r.chance(0.5)
  const objects = boxes.map((box, i) => ({
    concept: things[i]!.id,
    set: sprites[i]!.set,
    ...box,
    flip: !wish.steady && (layout === "count" ? facing : r.chance(0.5)),
    ...shared[i]!,
  }))
  const colour = backgroundColour(r.fork("wall"), kind, objects, sprites, style)
  return {
    seed,
    stage,
    aspect,
    width,
    height,
    layout,
    ...(layout === "pair" && { relation }),
    size,
    background: { kind, ...(colour && { colour }), horizon },
    style,
    objects,
  }
}

function styleOdds(stage: Stage, layout: Layout): Record<Style, number> {
  const odds = {} as Record<Style, number>
  for (const s of STYLES)
    odds[s] = STYLE_TRAITS[s].odds * (stage === "single" && STYLE_TRAITS[s].native ? 4 : 1)
  if (layout === "view") for (const s of STYLES) if (STYLE_TRAITS[s].ofThings) odds[s] = 0
  return odds
}

function backgroundKind(r: Random, layout: Layout, relation: Relation, style: Style): BackgroundKind {
  if (layout === "view") return r.pick(PLACES)
  const lines = STYLE_TRAITS[style].background === "lines"
  const floor = layout === "pair" && relation === "above" ? 0.3 : layout === "count" ? 0.4 : 0.5
  if (r.chance(floor)) return r.pick(PLACES)
  return lines ? "plain" : r.weighted({ plain: 0.42, gradient: 0.28, "polka dots": 0.15, stripes: 0.15 })
}

/** Picks the concepts; whatever floats above solid ground should be something that flies. People have lots of their own. */
function chooseThings(
  cast: Cast,
  r: Random,
  people: Random,
  layout: Layout,
  relation: Relation,
  solid: boolean,
  style: Style,
  wish: Wish,
): Concept[] {
  if (layout === "view") return []
  const barred = (c: Concept): boolean => !wish.examine && heldOut("style", style, c.id)
  const fresh = (test: (c: Concept) => boolean, from = cast.concepts, lots = r): Concept => {
    for (let i = 0; i < 400; i++) {
      const c = lots.pick(from)
      if (!barred(c) && test(c)) return c
    }
    return from.find((c) => !barred(c) && test(c)) ?? from.find((c) => !barred(c)) ?? from[0]!
  }
  const flies = layout === "pair" && relation === "above" && solid
  const wanted = wish.concept && [...cast.concepts, ...cast.people].find((c) => c.id === wish.concept)
  const first =
    wanted ||
    (!flies && cast.people.length > 0 && people.chance(PEOPLE)
      ? fresh(() => true, cast.people, people)
      : fresh((c) => !flies || c.posture === "air"))
  if (layout === "single") return [first]
  if (layout === "count")
    return new Array<Concept>(Number(r.weighted({ "2": 0.34, "3": 0.36, "4": 0.3 }))).fill(first)
  const after = (a: Concept, used: Concept[]): Concept => {
    const amongPeople = isPerson(a) && cast.people.length > 2 && people.chance(COMPANY)
    return fresh(
      (c) =>
        !used.includes(c) &&
        (wish.examine || !heldOut("pair", a.id, c.id)) &&
        (relation !== "above" || !solid || c.posture !== "air"),
      amongPeople ? cast.people : cast.concepts,
      amongPeople ? people : r,
    )
  }
  const second = after(first, [first])
  return layout === "pair" ? [first, second] : [first, second, after(second, [first, second])]
}

/** One drawing each, of one set where all have it, so that a picture looks drawn by one hand. */
function chooseDrawings(cast: Cast, r: Random, things: readonly Concept[], style: Style): Sprite[] {
  const sets = STYLE_TRAITS[style].sets
  const preferred = r.weighted(sets)
  const chosen: Sprite[] = []
  for (const [i, c] of things.entries()) {
    const all = cast.of.get(c.id)!
    const fitting = all.filter((s) => s.set in sets)
    chosen.push(
      things[i - 1] === c
        ? chosen[i - 1]!
        : (fitting.find((s) => s.set === preferred) ?? r.pick(fitting.length ? fitting : all)),
    )
  }
  return chosen
}

/** The drawing of a concept that a style shows whenever nothing is left to chance. */
function firstDrawing(cast: Cast, concept: Concept, style: Style): Sprite {
  const { native, sets } = STYLE_TRAITS[style]
  // All filters start from one set, so that a concept has three outlines to learn and not six.
  const weight = (s: Sprite): number => (native || s.set !== "noto" ? 0 : 100) + (sets[s.set] ?? 0)
  return cast.of.get(concept.id)!.reduce((best, s) => (weight(s) > weight(best) ? s : best))
}

/** Which colour an object wears: about a third of the recolourable ones are given one. */
function wear(
  sprite: Sprite,
  r: Random | undefined,
  colours: boolean,
  examine = false,
): { tint?: Colour; colour?: Colour } {
  if (!r || !colours || !sprite.recolourable) return {}
  const odds = { ...COLOUR_ODDS } as Record<Colour, number>
  for (const c of COLOURS) if (!examine && heldOut("colour", c, sprite.concept)) odds[c] = 0
  const own = sprite.colour && odds[sprite.colour] > 0 ? sprite.colour : undefined
  if (!r.chance(0.5)) return own ? { colour: own } : {}
  if (sprite.colour) odds[sprite.colour] = 0
  const tint = r.weighted(odds)
  return { tint, colour: tint }
}

/** A wall colour that no object wears. */
function backgroundColour(
  r: Random,
  kind: BackgroundKind,
  objects: readonly SceneObject[],
  sprites: readonly Sprite[],
  style: Style,
): BackgroundColour | undefined {
  const coloured = !(PLACES as readonly string[]).includes(kind)
  if (!coloured && (kind !== "room" || r.chance(0.4))) return undefined
  if (STYLE_TRAITS[style].background === "lines") return coloured ? "white" : undefined
  const worn = new Set<Colour | undefined>(objects.map((o, i) => o.colour ?? sprites[i]!.colour))
  if (STYLE_TRAITS[style].dark) worn.add("black")
  const clash: Partial<Record<BackgroundColour, Colour[]>> = {
    orange: ["brown", "yellow"],
    teal: ["green"],
    purple: ["pink"],
  }
  const free = BACKGROUND_COLOURS.filter((c) => !worn.has(c) && !clash[c]?.some((w) => worn.has(w)))
  return r.chance(0.16) && free.includes("white")
    ? "white"
    : r.pick(free.filter((c) => kind !== "room" || c !== "black"))
}

/** The picture as things are placed in it. */
export interface Ground {
  w: number
  h: number
  kind: BackgroundKind
  place: boolean
  horizon: number
}
export interface Box {
  x: number
  y: number
  w: number
  h: number
  grounded: boolean
  lean?: number
}

const SHARE: Readonly<Record<Size, number>> = { small: 0.35, normal: 0.6, large: 0.82 }

/** Puts every thing somewhere an illustrator would: on the ground, in the air, or in its cell. */
function arrange(
  r: Random,
  layout: Layout,
  relation: Relation,
  size: Size,
  things: readonly Concept[],
  sprites: readonly Sprite[],
  g: Ground,
): Box[] {
  const short = Math.min(g.w, g.h)
  const fit = (i: number, longest: number, maxW: number, maxH: number): [number, number] => {
    const s = sprites[i]!
    const long = Math.max(s.width, s.height)
    const k = Math.min(longest, (maxW * long) / s.width, (maxH * long) / s.height) / long
    return [s.width * k, s.height * k]
  }
  const jitter = (amount: number): number => r.between(-amount, amount)
  const stand = (i: number, cx: number, size2: readonly [number, number], depth: number): Box => {
    const [w, h] = size2
    const posture = things[i]!.posture
    const floats = !g.place || FLOATING.has(g.kind) || posture === "air"
    const left = Math.min(Math.max(cx - w / 2, g.w * 0.03), g.w * 0.97 - w)
    if (!g.place || FLOATING.has(g.kind)) {
      return {
        x: left,
        y: Math.min(Math.max(g.h / 2 - h / 2 + depth * g.h * 0.08, g.h * 0.03), g.h * 0.97 - h),
        w,
        h,
        grounded: false,
      }
    }
    if (floats) {
      const free = Math.max(0, g.horizon * 1.06 - h)
      return { x: left, y: Math.max(g.h * 0.04, free * 0.55), w, h, grounded: false }
    }
    const near = g.kind === "sea" ? 0.42 : 0.58
    const base = Math.min(
      Math.max(g.horizon + (g.h - g.horizon) * (near + depth * 0.3), h + g.h * 0.05),
      g.h * 0.965,
    )
    return { x: left, y: base - h, w, h, grounded: true }
  }

  if (layout === "single") {
    const wish = SHARE[size] * Math.min(128, short * 1.12) * (1 + jitter(0.07))
    const roam = size === "small" ? 0.2 : size === "normal" ? 0.07 : 0.02
    const box = stand(
      0,
      g.w / 2 + jitter(roam * g.w),
      fit(0, wish, g.w * 0.92, g.h * 0.88),
      jitter(size === "small" ? 1 : 0.4),
    )
    return [box]
  }
  const count = things.length
  if (layout === "pair" && relation === "above") {
    const both = [0, 1].map((i) => fit(i, 0.5 * short, g.w * 0.8, g.h * 0.4) as readonly [number, number])
    const drift = jitter(0.05) * g.w
    return both.map(([w, h], i) => {
      const x = g.w / 2 - w / 2 + drift + jitter(0.04) * g.w
      if (i === 1 && g.place && !FLOATING.has(g.kind)) {
        const base = Math.min(g.h * 0.95, Math.max(g.horizon + (g.h - g.horizon) * 0.62, h + g.h * 0.5))
        return { x, y: base - h, w, h, grounded: true }
      }
      const middle = g.h * (i === 0 ? 0.27 : 0.74) + jitter(0.015) * g.h
      return { x, y: Math.max(g.h * 0.04, middle - h / 2), w, h, grounded: false }
    })
  }
  const tall = g.h > g.w * 1.2
  const gridded =
    layout !== "pair" &&
    (tall
      ? count > 2 || r.chance(0.5)
      : g.w < g.h * 1.4 && (count === 4 ? r.chance(0.85) : count === 3 && r.chance(0.45)))
  if (!gridded) {
    const cell = (g.w * 0.95) / count
    const longest = Math.min(cell * 0.8, short * (layout === "pair" ? 0.56 : 0.52)) * (1 + jitter(0.05))
    return things.map((_, i) =>
      stand(
        i,
        g.w * 0.025 + cell * (i + 0.5) + jitter(0.03) * cell,
        fit(i, longest, cell * 0.9, g.h * 0.72),
        jitter(0.25),
      ),
    )
  }
  const rows = count === 2 ? [1, 1] : count === 3 ? (r.chance(0.5) ? [1, 2] : [2, 1]) : [2, 2]
  const cellH = (g.h * 0.94) / 2
  let at = 0
  return rows.flatMap((inRow, row) => {
    const cell = Math.min((g.w * 0.95) / 2, g.h * 0.6)
    const start = g.w / 2 - (cell * inRow) / 2
    return Array.from({ length: inRow }, (_, k) => {
      const i = at++
      const [w, h] = fit(i, Math.min(cell, cellH) * 0.8, cell * 0.9, cellH * 0.88)
      const cx = start + cell * (k + 0.5) + jitter(0.02) * cell
      if (g.place && !FLOATING.has(g.kind) && things[i]!.posture !== "air") {
        const low = Math.min(g.h * 0.955, Math.max(g.horizon + (g.h - g.horizon) * 0.78, g.h * 0.5 + h))
        const base = row === 1 ? low : Math.min(g.h * 0.5, g.horizon + (g.h - g.horizon) * 0.2)
        return {
          x: cx - w / 2,
          y: Math.max(g.h * 0.02, base - h),
          w,
          h,
          grounded: row === 1 || base >= g.horizon,
        }
      }
      return { x: cx - w / 2, y: g.h * 0.03 + cellH * (row + 0.5) - h / 2, w, h, grounded: false }
    })
  })
}

/** The place names, exported for captions and tests. */
export const isPlace = (kind: BackgroundKind): kind is Place => (PLACES as readonly string[]).includes(kind)

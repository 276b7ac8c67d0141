// The drawn places: meadow, night, space, sea and the others, each varied by its seed. Imports the vector strokes.

import {
  type Canvas,
  disc,
  fade,
  full,
  halo,
  hill,
  hsl,
  leafy,
  mixed,
  n,
  oval,
  pine,
  puffs,
  ridge,
  stars,
} from "./vector.ts"

export type Painter = (c: Canvas) => string

const meadow: Painter = (c) => {
  const sky = c.r.pick([
    [208, 82],
    [200, 74],
    [190, 62],
    [32, 80],
  ] as const)
  const green = c.r.between(82, 128)
  const defs =
    fade("sky", [hsl(sky[0], sky[1], 72), hsl(sky[0] - 6, sky[1], 92)]) +
    fade("near", [hsl(green, 48, 56), hsl(green + 10, 50, 42)]) +
    fade("mid", [hsl(green + 12, 40, 66), hsl(green + 8, 42, 56)])
  let out = full(c, "url(#sky)")
  if (c.r.chance(0.55)) {
    const [x, y] = [c.r.between(0.1, 0.9) * c.w, c.r.between(0.12, 0.3) * c.h]
    out += `<defs>${halo("glow", "#fff6c8", x, y, 30 * c.s, 0.9)}</defs>${disc(x, y, 30 * c.s, "url(#glow)")}${disc(x, y, 9 * c.s, "#fff3b8")}`
  }
  out += puffs(c, 1 + c.r.below(3), "#fff", 0.85)
  out +=
    hill(c, c.y - 7 * c.s, 6 * c.s, 2, hsl(green + 26, 32, 72)) +
    hill(c, c.y - 1 * c.s, 4.5 * c.s, 3, "url(#mid)")
  for (let i = c.r.below(4); i > 0; i--)
    out += leafy(
      c,
      c.r.between(0, 1) * c.w,
      c.y + c.r.between(0, 3) * c.s,
      c.r.between(11, 19) * c.s,
      hsl(green + 20, 36, 46),
      hsl(28, 30, 38),
    )
  out += hill(c, c.y + 7 * c.s, 3 * c.s, 2, "url(#near)")
  const petals = c.r.pick(["#fff", "#ffd84d", "#ff8fb0", "#c9a2ff"])
  for (let i = 0; i < 16; i++) {
    const t = c.r()
    const [x, y] = [c.r.between(0, c.w), mixed(c.y + 13 * c.s, c.h, t)]
    out += c.r.chance(0.45)
      ? disc(x, y, (0.7 + t * 0.8) * c.s, petals)
      : `<path d="M${n(x - 1.6)} ${n(y)}q.6-2.4 .3-3.6q.9 1.2 1.1 3.6q.4-2 1.5-3q-.4 1.4-.6 3z" fill="${hsl(green + 8, 52, 34)}" opacity=".55"/>`
  }
  return `<defs>${defs}</defs>${out}`
}

const night: Painter = (c) => {
  const hue = c.r.between(222, 262)
  const [x, y] = [c.r.pick([0.16, 0.22, 0.78, 0.85]) * c.w, c.r.between(0.13, 0.24) * c.h]
  const defs =
    fade("sky", [hsl(hue, 56, 13), hsl(hue + 4, 50, 25), hsl(hue + 14, 44, 40)]) +
    halo("glow", "#fff4cf", x, y, 26 * c.s, 0.5) +
    fade("near", [hsl(hue - 8, 34, 20), hsl(hue - 8, 36, 12)])
  let out = full(c, "url(#sky)") + stars(c, 60, c.y)
  out += disc(x, y, 26 * c.s, "url(#glow)") + disc(x, y, 8.5 * c.s, "#fdf3cd")
  if (c.r.chance(0.5)) out += disc(x + 3.6 * c.s, y - 2 * c.s, 7.6 * c.s, hsl(hue + 1, 52, 18))
  else
    out +=
      disc(x - 2 * c.s, y - 2 * c.s, 1.7 * c.s, "#e5d7a6") +
      disc(x + 2.6 * c.s, y + 2 * c.s, 1.2 * c.s, "#e5d7a6")
  if (c.r.chance(0.5)) out += puffs(c, 2, hsl(hue + 10, 40, 52), 0.25)
  out += hill(c, c.y - 2 * c.s, 5 * c.s, 3, hsl(hue + 2, 34, 28))
  for (let i = c.r.below(6); i > 0; i--)
    out += pine(c.r.between(0, c.w), c.y + 4 * c.s, c.r.between(9, 17) * c.s, hsl(hue, 36, 21))
  return `<defs>${defs}</defs>${out}${hill(c, c.y + 5 * c.s, 3 * c.s, 2, "url(#near)")}`
}

const space: Painter = (c) => {
  const hue = c.r.between(215, 320)
  const [a, b] = [c.r.between(0.1, 0.9) * c.w, c.r.between(0.1, 0.9) * c.w]
  const [ay, by] = [c.r.between(0.1, 0.9) * c.h, c.r.between(0.1, 0.9) * c.h]
  const size = Math.max(c.w, c.h)
  const defs =
    fade("deep", [hsl(hue - 12, 52, 9), hsl(hue + 8, 46, 14)], `x1="0" y1="0" x2="1" y2="1"`) +
    halo("one", hsl(hue + 30, 70, 45), a, ay, size * c.r.between(0.35, 0.6), 0.55) +
    halo("two", hsl(hue - 50, 70, 42), b, by, size * c.r.between(0.3, 0.55), 0.45)
  let out = full(c, "url(#deep)") + full(c, "url(#one)") + full(c, "url(#two)") + stars(c, 110, c.h)
  for (let i = 0; i < 5; i++) {
    const [x, y, k] = [c.r.between(0, c.w), c.r.between(0, c.h), c.r.between(1.6, 3.4) * c.s]
    out += `<path d="M${n(x)} ${n(y - k)}Q${n(x)} ${n(y)} ${n(x + k)} ${n(y)}Q${n(x)} ${n(y)} ${n(x)} ${n(y + k)}Q${n(x)} ${n(y)} ${n(x - k)} ${n(y)}Q${n(x)} ${n(y)} ${n(x)} ${n(y - k)}Z" fill="#fff"/>`
  }
  if (c.r.chance(0.6)) {
    const k = c.r.between(7, 20) * c.s
    const [x, y] = [
      c.r.chance(0.5) ? c.r.between(-0.02, 0.12) * c.w : c.r.between(0.88, 1.02) * c.w,
      c.r.chance(0.5) ? c.r.between(0, 0.16) * c.h : c.r.between(0.84, 1) * c.h,
    ]
    const ph = c.r.between(0, 360)
    out += `<defs>${fade("ball", [hsl(ph, 60, 66), hsl(ph + 25, 52, 34)], `x1=".1" y1=".1" x2=".8" y2=".9"`)}</defs>${disc(x, y, k, "url(#ball)")}`
    out +=
      oval(x + k * 0.2, y - k * 0.25, k * 0.2, k * 0.16, "#000", `opacity=".13"`) +
      oval(x - k * 0.3, y + k * 0.3, k * 0.14, k * 0.11, "#000", `opacity=".13"`)
  }
  return `<defs>${defs}</defs>${out}`
}

const ripples = (c: Canvas, from: number, count: number, tint: string): string =>
  Array.from({ length: count }, () => {
    const t = c.r() ** 0.8
    const [x, y, k] = [c.r.between(-0.05, 1) * c.w, mixed(from + 2, c.h, t), (2.4 + 4 * t) * c.s]
    return `<path d="M${n(x)} ${n(y)}q${n(k / 2)} ${n(-k * 0.28)} ${n(k)} 0t${n(k)} 0t${n(k)} 0" fill="none" stroke="${tint}" stroke-width="${n((0.5 + t * 0.7) * c.s)}" stroke-linecap="round" opacity="${n(0.35 + t * 0.3)}"/>`
  }).join("")

const sea: Painter = (c) => {
  const warm = c.r.chance(0.2)
  const hue = c.r.between(192, 216)
  const defs =
    fade("sky", warm ? ["#ffd9a8", "#ffeed6"] : [hsl(hue, 80, 74), hsl(hue - 8, 82, 92)]) +
    fade("water", [hsl(hue - 4, 62, 60), hsl(hue + 6, 70, 38)])
  let out = full(c, "url(#sky)")
  if (c.r.chance(0.5))
    out += disc(
      c.r.between(0.12, 0.88) * c.w,
      c.r.between(0.1, 0.26) * c.h,
      8.5 * c.s,
      warm ? "#ff9d5c" : "#fff4bf",
    )
  out += puffs(c, 1 + c.r.below(3), "#fff", 0.9)
  if (c.r.chance(0.4))
    out += oval(
      c.r.between(0, 1) * c.w,
      c.y,
      c.r.between(12, 26) * c.s,
      c.r.between(3, 6) * c.s,
      hsl(hue + 10, 30, 62),
    )
  out += `<rect y="${n(c.y)}" width="${n(c.w)}" height="${n(c.h - c.y)}" fill="url(#water)"/>`
  return `<defs>${defs}</defs>${out}${ripples(c, c.y, 15, "#fff")}`
}

const underwater: Painter = (c) => {
  const hue = c.r.between(186, 212)
  const defs =
    fade("deep", [hsl(hue - 8, 74, 66), hsl(hue, 72, 46), hsl(hue + 14, 70, 26)]) +
    fade("ray", ["rgba(255,255,255,.34)", "rgba(255,255,255,0)"])
  let out = full(c, "url(#deep)")
  for (let i = 0; i < 4; i++) {
    const [x, k] = [c.r.between(-0.1, 1) * c.w, c.r.between(5, 13) * c.s]
    out += `<path d="M${n(x)} -1h${n(k)}l${n(k * 1.8)} ${n(c.h * 0.8)}h${n(-k * 2.6)}Z" fill="url(#ray)"/>`
  }
  for (let i = 0; i < 12; i++) {
    const [x, y, k] = [c.r.between(0, c.w), c.r.between(0, c.h * 0.85), c.r.between(0.7, 2.3) * c.s]
    out += `<circle cx="${n(x)}" cy="${n(y)}" r="${n(k)}" fill="#fff" fill-opacity=".2" stroke="#fff" stroke-opacity=".55" stroke-width="${n(0.45 * c.s)}"/>`
  }
  const low = c.h * 0.91
  for (let i = 0; i < 9; i++) {
    const [x, k, lean] = [c.r.between(0, c.w), c.r.between(9, 24) * c.s, c.r.between(-4, 4) * c.s]
    out += `<path d="M${n(x)} ${n(low + 5)}q${n(lean)} ${n(-k / 2)} 0 ${n(-k)}q${n(3.4 * c.s + lean)} ${n(k / 2)} ${n(2.6 * c.s)} ${n(k)}Z" fill="${hsl(c.r.pick([140, 165, 330, 20]), 44, 36)}" opacity=".8"/>`
  }
  return `<defs>${defs}</defs>${out}${hill(c, low, 2.5 * c.s, 3, hsl(42, 44, 62))}${hill(c, low + 5 * c.s, 2 * c.s, 2, hsl(40, 48, 70))}`
}

const desert: Painter = (c) => {
  const hue = c.r.between(26, 40)
  const blue = c.r.chance(0.5)
  const defs =
    fade("sky", blue ? [hsl(202, 72, 68), hsl(40, 70, 90)] : [hsl(16, 82, 68), hsl(42, 92, 84)]) +
    fade("near", [hsl(hue + 4, 78, 66), hsl(hue - 4, 68, 52)]) +
    fade("mid", [hsl(hue, 66, 72), hsl(hue - 2, 62, 60)])
  let out =
    full(c, "url(#sky)") +
    disc(
      c.r.between(0.14, 0.86) * c.w,
      c.r.between(0.14, 0.3) * c.h,
      c.r.between(8, 12) * c.s,
      blue ? "#fff6cf" : "#fff1c4",
    )
  if (c.r.chance(0.5)) out += ridge(c, c.y, 20 * c.s, 3, hsl(hue - 14, 40, 66))
  out +=
    hill(c, c.y - 3 * c.s, 6 * c.s, 2, hsl(hue + 2, 58, 76)) +
    hill(c, c.y + 3 * c.s, 5 * c.s, 2, "url(#mid)") +
    hill(c, c.y + 12 * c.s, 3.5 * c.s, 2, "url(#near)")
  for (let i = 0; i < 7; i++) {
    const t = c.r()
    const [x, y, k] = [c.r.between(0, c.w), mixed(c.y + 18 * c.s, c.h, t), (1 + 2 * t) * c.s]
    out += `<path d="M${n(x)} ${n(y)}q${n(k * 2)} ${n(-k * 0.6)} ${n(k * 4)} 0" stroke="${hsl(hue - 6, 52, 46)}" stroke-width="${n(0.6 * c.s)}" fill="none" opacity=".5" stroke-linecap="round"/>`
  }
  return `<defs>${defs}</defs>${out}`
}

const snow: Painter = (c) => {
  const hue = c.r.between(200, 226)
  const defs =
    fade("sky", [hsl(hue, 50, 68), hsl(hue - 6, 56, 88)]) +
    fade("near", [hsl(hue, 60, 98), hsl(hue, 48, 89)]) +
    fade("mid", [hsl(hue, 52, 94), hsl(hue, 44, 84)])
  let out = full(c, "url(#sky)")
  if (c.r.chance(0.45)) out += ridge(c, c.y, 34 * c.s, 3, hsl(hue, 32, 66), "#f7fbff")
  out += hill(c, c.y - 4 * c.s, 5 * c.s, 2, hsl(hue, 42, 86))
  for (let i = 1 + c.r.below(6); i > 0; i--) {
    const [x, k] = [c.r.between(0, c.w), c.r.between(13, 27) * c.s]
    out +=
      pine(x, c.y + 3 * c.s, k, hsl(hue - 40, 26, 46)) +
      `<path d="M${n(x)} ${n(c.y + 3 * c.s - k)}l${n(k * 0.1)} ${n(k * 0.24)}h${n(-k * 0.2)}Z" fill="#fff"/>`
  }
  out += hill(c, c.y + 2 * c.s, 3.5 * c.s, 3, "url(#mid)") + hill(c, c.y + 11 * c.s, 3 * c.s, 2, "url(#near)")
  for (let i = 0; i < (34 * (c.w * c.h)) / 16384; i++)
    out += disc(
      c.r.between(0, c.w),
      c.r.between(0, c.h * 0.95),
      c.r.between(0.5, 1.5) * c.s,
      "#fff",
      `opacity="${n(c.r.between(0.55, 1))}"`,
    )
  return `<defs>${defs}</defs>${out}`
}

const forest: Painter = (c) => {
  const hue = c.r.pick([118, 138, 158, 92])
  const round = c.r.chance(0.4)
  const defs =
    fade("mist", [hsl(hue - 40, 46, 87), hsl(hue - 20, 38, 78)]) +
    fade("near", [hsl(hue - 20, 34, 46), hsl(hue - 14, 36, 32)])
  let out = full(c, "url(#mist)")
  for (let row = 0; row < 3; row++) {
    const [light, size] = [70 - row * 12, 30 + row * 11]
    const base = c.y - 3 * c.s + row * 3.5 * c.s
    const count = Math.round((9 - row * 1.5) * (c.w / 128))
    for (let i = 0; i < count; i++) {
      const x = ((i + c.r.between(0.1, 0.9)) / count) * c.w
      const high = size * c.s * c.r.between(0.8, 1.25)
      const fill = hsl(hue + c.r.between(-8, 8), 24 + row * 7, light)
      out += round
        ? leafy(c, x, base + 2, high * 1.05, fill, hsl(24, 18, light - 12))
        : pine(x, base + 2, high * 1.15, fill)
    }
    out += hill(c, base, 2 * c.s, 3, hsl(hue - 6, 24 + row * 6, light - 3))
  }
  return `<defs>${defs}</defs>${out}${hill(c, c.y + 9 * c.s, 2.5 * c.s, 2, "url(#near)")}`
}

const city: Painter = (c) => {
  const dusk = c.r.chance(0.3)
  const hue = c.r.between(200, 230)
  const defs = fade(
    "sky",
    dusk ? [hsl(hue + 30, 40, 46), hsl(18, 78, 76)] : [hsl(hue - 8, 70, 76), hsl(hue - 14, 66, 93)],
  )
  let out = full(c, "url(#sky)") + (dusk ? "" : puffs(c, 2, "#fff", 0.8))
  for (let row = 0; row < 2; row++) {
    let x = c.r.between(-8, 0)
    while (x < c.w) {
      const wide = c.r.between(10, 19) * c.s
      const high = c.r.between(0.3, 0.72) * c.y * (row ? 0.72 : 1)
      const light = dusk ? 42 - row * 12 : 72 - row * 14
      const own = hsl(
        row && !dusk ? c.r.pick([14, 32, 205, 225, 180]) : hue + 8,
        row ? 30 : 26,
        light + c.r.between(-4, 4),
      )
      out += `<rect x="${n(x)}" y="${n(c.y - high)}" width="${n(wide)}" height="${n(high + 2)}" fill="${own}"/>`
      if (c.r.chance(0.2))
        out += `<path d="M${n(x + wide / 2)} ${n(c.y - high - 7 * c.s)}v${n(8 * c.s)}" stroke="${own}" stroke-width="${n(c.s)}"/>`
      const pane = dusk ? "#ffe08a" : "#fff"
      if (row)
        for (let wy = c.y - high + 3 * c.s; wy < c.y - 4 * c.s; wy += 5 * c.s)
          for (let wx = x + 2.2 * c.s; wx < x + wide - 2.5 * c.s; wx += 4.2 * c.s)
            if (c.r.chance(0.7))
              out += `<rect x="${n(wx)}" y="${n(wy)}" width="${n(2 * c.s)}" height="${n(2.6 * c.s)}" fill="${pane}" opacity="${dusk ? 0.85 : 0.5}"/>`
      x += wide + c.r.between(0, 1.5)
    }
  }
  const road = dusk ? [hsl(hue, 12, 32), hsl(hue, 12, 24)] : [hsl(hue, 8, 58), hsl(hue, 8, 48)]
  out += `<defs>${fade("road", road)}</defs><rect y="${n(c.y)}" width="${n(c.w)}" height="${n(c.h - c.y)}" fill="url(#road)"/><rect y="${n(c.y)}" width="${n(c.w)}" height="${n(2.6 * c.s)}" fill="#fff" opacity=".35"/>`
  for (let x = c.r.between(-10, 0); x < c.w; x += 20 * c.s)
    out += `<rect x="${n(x)}" y="${n(mixed(c.y, c.h, 0.8))}" width="${n(10 * c.s)}" height="${n(1.6 * c.s)}" fill="#fff" opacity=".55"/>`
  return `<defs>${defs}</defs>${out}`
}

const beach: Painter = (c) => {
  const hue = c.r.between(184, 204)
  const shore = c.y + (c.h - c.y) * c.r.between(0.2, 0.3)
  const defs =
    fade("sky", [hsl(hue + 10, 82, 72), hsl(hue, 82, 92)]) +
    fade("water", [hsl(hue + 6, 66, 52), hsl(hue - 12, 62, 66)]) +
    fade("sand", ["#f8e2ae", "#eccb8b"])
  let out =
    full(c, "url(#sky)") +
    disc(c.r.pick([0.14, 0.84]) * c.w, c.r.between(0.12, 0.22) * c.h, 9 * c.s, "#fff3b0") +
    puffs(c, 1 + c.r.below(2), "#fff", 0.9)
  out +=
    `<rect y="${n(c.y)}" width="${n(c.w)}" height="${n(c.h - c.y)}" fill="url(#water)"/>` +
    ripples({ ...c, h: shore }, c.y, 6, "#fff")
  const edge = (dy: number, fill: string) => {
    const seed = c.r.fork("shore")
    return hill({ ...c, r: seed }, shore + dy, 2.4 * c.s, 3, fill)
  }
  out += edge(0, "#fff") + edge(2 * c.s, "#e2bf80") + edge(4.2 * c.s, "url(#sand)")
  for (let i = 0; i < 16; i++)
    out += disc(
      c.r.between(0, c.w),
      c.r.between(shore + 8 * c.s, c.h),
      c.r.between(0.3, 0.8) * c.s,
      c.r.pick(["#d6ae6c", "#fff5dc", "#d08f6a"]),
    )
  return `<defs>${defs}</defs>${out}`
}

const sunset: Painter = (c) => {
  const hue = c.r.between(-14, 14)
  const [x, k] = [c.r.between(0.25, 0.75) * c.w, c.r.between(15, 22) * c.s]
  const defs =
    fade("sky", [
      hsl(hue + 268, 46, 40),
      hsl(hue + 338, 66, 60),
      hsl(hue + 24, 92, 64),
      hsl(hue + 44, 96, 74),
    ]) + halo("glow", "#fff0b8", x, c.y, k * 3.2, 0.75)
  let out = full(c, "url(#sky)") + disc(x, c.y, k * 3.2, "url(#glow)") + disc(x, c.y - k * 0.15, k, "#fff0b4")
  for (let i = 0; i < 5; i++)
    out += oval(
      c.r.between(0, c.w),
      c.r.between(0.1, 0.8) * c.y,
      c.r.between(14, 34) * c.s,
      c.r.between(0.8, 2) * c.s,
      hsl(hue + 350, 74, 78),
      `opacity=".55"`,
    )
  out +=
    hill(c, c.y - 1 * c.s, 5 * c.s, 2, hsl(hue + 312, 36, 44)) +
    hill(c, c.y + 4 * c.s, 4 * c.s, 3, hsl(hue + 296, 36, 32)) +
    `<defs>${fade("near", [hsl(hue + 286, 36, 25), hsl(hue + 280, 38, 15)])}</defs>`
  return `<defs>${defs}</defs>${out}${hill(c, c.y + 11 * c.s, 3 * c.s, 2, "url(#near)")}`
}

const mountains: Painter = (c) => {
  const hue = c.r.between(200, 236)
  const dawn = c.r.chance(0.35)
  const defs =
    fade(
      "sky",
      dawn ? [hsl(hue + 20, 52, 74), hsl(22, 86, 86)] : [hsl(hue - 8, 74, 72), hsl(hue - 14, 72, 93)],
    ) + fade("near", [hsl(96, 38, 54), hsl(110, 38, 40)])
  let out = full(c, "url(#sky)") + puffs(c, 1 + c.r.below(2), "#fff", 0.75)
  out +=
    ridge(c, c.y, 44 * c.s, 3, hsl(hue, 30, dawn ? 70 : 74), "#fff") +
    ridge(c, c.y + 2, 56 * c.s, 2, hsl(hue + 4, 26, dawn ? 54 : 58), "#fbfdff")
  out += hill(c, c.y - 3 * c.s, 4 * c.s, 3, hsl(126, 26, 50))
  for (let i = 3 + c.r.below(6); i > 0; i--)
    out += pine(c.r.between(0, c.w), c.y + 4 * c.s, c.r.between(8, 15) * c.s, hsl(140, 30, 33))
  return `<defs>${defs}</defs>${out}${hill(c, c.y + 6 * c.s, 3 * c.s, 2, "url(#near)")}`
}

/** Everything but the room, which also takes a colour. */
export const PLACE_PAINTERS = {
  meadow,
  night,
  space,
  sea,
  underwater,
  desert,
  snow,
  forest,
  city,
  beach,
  sunset,
  mountains,
} as const satisfies Record<string, Painter>

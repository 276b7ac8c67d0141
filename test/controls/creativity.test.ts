// The expander's promises, and the figures of docs/controls.md that need no pictures.
import assert from "node:assert/strict"
import { test } from "node:test"
import { isDenied } from "../../src/controls/creativity/analyse.ts"
import { lostWord } from "../../src/controls/creativity/check.ts"
import {
  analyse,
  EMBEDDED,
  expandPrompt,
  measureCreativity,
  OPEN,
} from "../../src/controls/creativity/index.ts"
import { CREATIVITY, LIMITS } from "../../src/request/index.ts"
import { wordsOf } from "../../src/sampling/words.ts"

const SEEDS = [0, 1, 2, 3, 4, 5, 6, 7]

for (const [name, list] of [
  ["embedded", EMBEDDED],
  ["open", OPEN],
] as const)
  test(`over 500 prompts the ${name} list keeps every word, contradicts nothing and adds more with each level`, () => {
    const figures = measureCreativity({ seeds: name === "embedded" ? 4 : 2 }, (r) => expandPrompt(r, list))
    assert.equal(figures.prompts, 500)
    assert.deepEqual(figures.faults, [])
    assert.equal(figures.rawIdentical, 1)
    assert.equal(figures.contentWordsKept, 1)
    assert.equal(figures.contradictions, 0)
    assert.ok(figures.repeatable)
    for (let i = 1; i < figures.levels.length; i++) {
      const [below, here] = [figures.levels[i - 1]!, figures.levels[i]!]
      assert.ok(
        here.aspects - here.interval > below.aspects + below.interval,
        `${here.level} over ${below.level}`,
      )
    }
  })

test("raw leaves a prompt as it is, byte for byte, with all its spaces", () => {
  for (const prompt of ["  a fox \n", "", "a\u0301 \u00e1", "naïve 狐 🦊", "x".repeat(5000)])
    assert.deepEqual(expandPrompt({ prompt, creativity: CREATIVITY.raw, seed: 9 }), { prompt, additions: [] })
})

test("low names a medium and a plain setting where there is none, and nothing else", () => {
  for (const seed of SEEDS) {
    const { additions } = expandPrompt({ prompt: "a fox", creativity: CREATIVITY.low, seed })
    assert.deepEqual(additions.map((a) => a.aspect).toSorted(), ["setting", "style"])
    assert.match(additions.find((a) => a.aspect === "setting")!.text, /background$/)
  }
  const styled = expandPrompt({ prompt: "a watercolor fox in the snow", creativity: CREATIVITY.low, seed: 1 })
  assert.equal(styled.prompt, "a watercolor fox in the snow")
})

test("different seeds give different expansions at high, the same seed the same", () => {
  const of = (seed: number): string => expandPrompt({ prompt: "a fox", creativity: 100, seed }).prompt
  assert.ok(new Set(SEEDS.map(of)).size >= 7)
  assert.deepEqual(SEEDS.map(of), SEEDS.map(of))
})

test("a style that a picture gives is not contradicted in words, and all else is added as before", () => {
  for (const list of [EMBEDDED, OPEN])
    for (const seed of SEEDS) {
      const asked = { prompt: "a fox", creativity: 100, seed }
      const bare = expandPrompt(asked, list).additions
      const beside = expandPrompt({ ...asked, hasLook: true }, list).additions
      assert.ok(bare.some(({ aspect }) => aspect === "style"))
      assert.ok(beside.length > 0 && beside.every(({ aspect }) => aspect !== "style"))
    }
})

test("each look is as likely as any other of its kind, however many names it has", () => {
  const looks = Array.from({ length: 700 }, (_, seed) =>
    expandPrompt({ prompt: "a fox on a plain background", creativity: 50, seed }),
  ).flatMap(({ additions }) => additions.filter(({ aspect }) => aspect === "style").map(({ text }) => text))
  const share = (name: RegExp): number => looks.filter((text) => name.test(text)).length / looks.length
  // Five ways to say the first, three to say the second.
  const [many, few] = [share(/halftone|comic book/), share(/oil/)]
  assert.ok(many > 0.06 && few > 0.06 && Math.abs(many - few) < 0.05, `${many} and ${few}`)
})

test("looks that are liberties take turns by seed, and none that hides its subject is taken", () => {
  const prompts = Array.from(
    { length: 90 },
    (_, seed) => expandPrompt({ prompt: "a fox", creativity: 100, seed }).prompt,
  )
  for (const liberty of [/pixel art/, /sticker/, /neon/, /chalk/]) {
    const turns = prompts.flatMap((prompt, seed) => (liberty.test(prompt) ? [seed % 7] : []))
    assert.ok(turns.length > 2, `${liberty} ${turns.length}`)
    assert.equal(new Set(turns).size, 1, "each of the seven comes up every seventh seed")
  }
  assert.deepEqual(
    prompts.filter((prompt) => /pencil|mosaic|cross stitch|blueprint|duotone|silhouette/.test(prompt)),
    [],
  )
})

test("a place alone is never made a sticker, which a thing is", () => {
  const cut = (prompt: string): number =>
    [CREATIVITY.medium, CREATIVITY.high]
      .flatMap((creativity) => Array.from({ length: 180 }, (_, seed) => ({ prompt, creativity, seed })))
      .filter((r) => /sticker/.test(expandPrompt(r).prompt)).length
  for (const place of [
    "a forest",
    "the night sky full of stars",
    "a mountain landscape at sunset",
    "the ocean",
  ])
    assert.equal(cut(place), 0, place)
  assert.ok(cut("a fox") > 5)
})

test("a look that shows no coloured ground is given none, but a plain one or a place, whoever named it", () => {
  const grounds = (prompt: string): number =>
    [CREATIVITY.low, CREATIVITY.medium, CREATIVITY.high]
      .flatMap((creativity) => Array.from({ length: 40 }, (_, seed) => ({ prompt, creativity, seed })))
      .filter((r) => /background|walls/.test(expandPrompt(r).prompt.replace("on a plain background", "")))
      .length
  for (const look of ["a television in blueprint style", "a chalkboard broom", "a pencil sketch of a fox"])
    assert.equal(grounds(look), 0, look)
  assert.ok(grounds("a watercolor fox") > 20)
})

test("a watercolor, which washes patterns out, is not added to one and gets none, whoever named it", () => {
  const expanded = (prompt: string, creativity: number): string[] =>
    Array.from({ length: 300 }, (_, seed) => expandPrompt({ prompt, creativity, seed }).prompt)
  for (const ground of ["polka dots", "a striped background", "a blue gradient background"]) {
    const prompts = expanded(`a violin on ${ground}`, CREATIVITY.medium)
    assert.deepEqual(
      prompts.filter((p) => p.includes("watercolor")),
      [],
    )
    assert.ok(prompts.some((p) => p.includes("oil")))
  }
  const pattern = /gradient|polka|striped/
  for (const prompt of ["a violin", "a watercolor violin"]) {
    const watercolors = expanded(prompt, CREATIVITY.medium).filter((p) => p.includes("watercolor"))
    assert.ok(watercolors.some((p) => p.includes("background")))
    assert.deepEqual(
      watercolors.filter((p) => pattern.test(p)),
      [],
    )
  }
  assert.ok(expanded("an oil painting of a violin", CREATIVITY.medium).some((p) => pattern.test(p)))
})

test("the embedded list adds nothing beside the subject, which the open list does", () => {
  const companions = (list: typeof OPEN): number =>
    SEEDS.flatMap(
      (seed) => expandPrompt({ prompt: "a fox", creativity: CREATIVITY.high, seed }, list).additions,
    ).filter((a) => a.aspect === "companion").length
  assert.equal(companions(EMBEDDED), 0)
  assert.ok(companions(OPEN) > 0)
})

test("every addition stands in the expanded prompt, whose words fit what the model reads", () => {
  for (const seed of SEEDS)
    for (const prompt of ["a fox", "the old owl, reading a newspaper with great attention", "A robot."]) {
      const expansion = expandPrompt({ prompt, creativity: 100, seed })
      for (const { text } of expansion.additions) assert.ok(expansion.prompt.includes(text), text)
      assert.ok(wordsOf(expansion.prompt).length <= EMBEDDED.mostWords, expansion.prompt)
    }
})

test("a prompt that already fills what the model reads is left alone", () => {
  const prompt =
    "a small mouse looks up at one very big piece of cheese that someone forgot yesterday evening"
  assert.equal(expandPrompt({ prompt, creativity: 100, seed: 1 }).prompt, prompt)
})

test("a size stands beside the subject, never breaks its article, and is never the small one", () => {
  const all = SEEDS.flatMap((seed) => [
    expandPrompt({ prompt: "a red fox", creativity: 100, seed }).prompt,
    expandPrompt({ prompt: "an owl", creativity: 100, seed }).prompt,
  ])
  assert.ok(all.some((p) => /\ba large red fox\b/.test(p)))
  assert.ok(all.every((p) => !/\ban large/.test(p)))
  assert.ok(all.every((p) => !/\bsmall\b/.test(p)))
})

test("other languages and words that nobody knows are not touched, and the note says so", () => {
  for (const prompt of [
    "un zorro rojo en la nieve",
    "zorro rojo",
    "ein roter Fuchs im Schnee",
    "雪中的红狐狸",
    "лиса",
  ]) {
    const expansion = expandPrompt({ prompt, creativity: 100, seed: 1 })
    assert.equal(expansion.prompt, prompt)
    assert.deepEqual(
      expansion.notes!.map(({ code }) => code),
      ["prompt_unread"],
    )
  }
})

test("what is denied is neither added nor taken for said", () => {
  for (const seed of SEEDS)
    for (const creativity of [10, 50, 100]) {
      const { prompt } = expandPrompt({ prompt: "a robot, no trees, not a cartoon", creativity, seed })
      assert.doesNotMatch(prompt.replace("not a cartoon", ""), /cartoon|forest|woods|pine/)
    }
  assert.ok(!analyse("a robot, not a cartoon").said.has("style"))
  assert.ok(analyse("a robot without background").said.has("setting"))
})

test("a denied plural denies the singular, and a denied thing what shows it", () => {
  const added = (prompt: string): string =>
    [EMBEDDED, OPEN]
      .flatMap((list) =>
        [50, 100].flatMap((creativity) =>
          Array.from({ length: 300 }, (_, seed) => expandPrompt({ prompt, creativity, seed }, list)),
        ),
      )
      .flatMap(({ additions }) => additions.map(({ text }) => text))
      .join("\n")
  const all = added("a fox")
  for (const [prompt, kept] of [
    ["a fox, no beaches", /beach/],
    ["a fox without cities", /city/],
    ["a fox, no leaves", /in the woods|leaves/],
    ["a fox, no women", /giant|city street/],
    ["a fox, no painting", /painting|painted|watercolor|gouache/],
    ["a fox, no vegetation", /forest|meadow|greenhouse/],
  ] as const) {
    assert.match(all, kept)
    assert.doesNotMatch(added(prompt), kept, prompt)
  }
})

test("what is around a thing is its place, also where it is named by something else, and clothes are none", () => {
  const settled = [
    "a fox surrounded by trees",
    "a cat in a library",
    "a castle in the clouds",
    "a fox on saturn",
    "a fox among sunflowers",
  ]
  for (const prompt of settled) assert.ok(analyse(prompt).said.has("setting"), prompt)
  for (const prompt of ["a fox in a hat", "a fox by an owl", "a fox not under trees"])
    assert.ok(!analyse(prompt).said.has("setting"), prompt)
})

test("a denial holds behind a small word, in either spelling, and for what is made of the word", () => {
  for (const [prompt, denied] of [
    ["a fox, not with flowers", "flower"],
    ["a fox not under trees", "tree"],
    ["a fox, no watercolour", "watercolor"],
    ["a fox, no outline", "outlined"],
    ["a fox, no blackboard", "chalkboard"],
    ["a fox, not dark", "black"],
  ] as const)
    assert.ok(isDenied(analyse(prompt), denied), prompt)
})

test("nothing is added that the negative prompt names, and all else is as before", () => {
  const added = (avoid?: string): string[] =>
    [EMBEDDED, OPEN]
      .flatMap((list) =>
        Array.from({ length: 200 }, (_, seed) =>
          expandPrompt({ prompt: "a fox", creativity: 100, seed, ...(avoid && { avoid }) }, list),
        ),
      )
      .flatMap(({ additions }) => additions.map(({ text }) => text))
  const avoided = /snow|neon|mosaic|stage/
  assert.ok(added().some((text) => avoided.test(text)))
  assert.deepEqual(
    added("snowy, neon signs, mosaics, snow, stages").filter((text) => avoided.test(text)),
    [],
  )
  assert.deepEqual(added("blurry, watermark"), added())
})

test("a pencil is a thing by itself, and a medium right before another thing", () => {
  for (const prompt of ["a pencil", "a pencil and a fox", "a pencil, a fox", "a pencil on a table"])
    assert.ok(!analyse(prompt).said.has("style"), prompt)
  for (const prompt of ["a pencil kick scooter", "a pencil fox in the snow"])
    assert.ok(analyse(prompt).said.has("style"), prompt)
})

test("quoted text says nothing of the picture and stays as it is", () => {
  const analysis = analyse('a sign that says "NO RED CARS in watercolor"')
  for (const topic of ["style", "setting", "light", "palette"] as const)
    assert.ok(!analysis.said.has(topic), topic)
  assert.equal(analysis.banned.size, 0)
  const { prompt } = expandPrompt({ prompt: 'a sign that says "a  fox"', creativity: 100, seed: 3 })
  assert.ok(prompt.includes('"a  fox"'))
})

test("odd prompts are safe: empty, signs only, an open quote, thousands of words", () => {
  for (const prompt of [
    "",
    "   ",
    "!!!",
    '"',
    '"a fox',
    "()",
    "no",
    "without",
    "a",
    "🦊",
    "no no no",
    "fox ".repeat(1200),
  ])
    for (const creativity of [1, 50, 100])
      for (const list of [EMBEDDED, OPEN]) {
        const expansion = expandPrompt({ prompt, creativity, seed: 5 }, list)
        assert.equal(lostWord(prompt, expansion.prompt), undefined)
        assert.ok(expansion.prompt.length <= Math.max(prompt.length, LIMITS.promptCharacters))
      }
})

test("turning the dial up a little keeps most of what was there", () => {
  const counts = [0, 5, 10, 25, 50, 75, 100].map((creativity) => {
    const added = Array.from({ length: 100 }, (_, seed) =>
      expandPrompt({ prompt: "a fox", creativity, seed }),
    )
    return added.reduce((sum, e) => sum + e.additions.length, 0)
  })
  for (let i = 1; i < counts.length; i++) assert.ok(counts[i]! >= counts[i - 1]!, counts.join(" "))
})

// Prompts by which creativity is measured, with what each says: written apart from the analyser, which must find it.

/** What a prompt settles. */
export type Fact = "style" | "setting" | "colour" | "light" | "count"

export interface MeasuredPrompt {
  prompt: string
  facts: readonly Fact[]
  /** Words that no addition may hold. */
  denied: readonly string[]
  /** Passages that must stay as they are. */
  quoted: readonly string[]
}

/** `prompt | facts | denied words`; s style, p setting, c colour, l light, n count. */
const WRITTEN = `
a fox | |
Fox | |
an owl reading a newspaper | |
a grumpy accountant juggling oranges | n |
portrait of an old sailor with a pipe | |
a photo of a dog catching a frisbee | s |
photorealistic hamster astronaut | s |
a lion, oil on canvas | s |
an ukiyo-e wave with a boat | s |
8-bit dragon | s |
claymation snail wearing a helmet | s |
a charcoal drawing of a horse | s |
stained glass peacock | s |
a low poly whale | s |
a robot in the style of art deco | s |
linocut of a rooster | s |
an anime girl with a sword | s |
a papercut deer | s |
a fox in the snow | p |
a bear by a mountain lake | p |
a taxi in downtown traffic | p |
two cups of tea on a kitchen table | p n |
a cat asleep on a windowsill | p |
an elephant crossing a river | p |
a penguin on an iceberg | p |
a lighthouse keeper inside a library | p |
a deer against a plain background | p |
a shark circling underwater | p |
a rabbit at the edge of a forest | p |
a dragon above a medieval village | p |
a violin resting in a velvet case | p |
a red bicycle | c |
a crimson scarf | c |
a turquoise teapot | c |
a golden crown | c |
a monochrome portrait of a wolf | c |
a colorful parrot | c |
a black and white panda | c |
a pastel cupcake | c |
an emerald lizard | c |
a house with a blue door | c |
a cherry red guitar | c |
a navy umbrella | c |
an owl at midnight | l |
a castle at dawn | l |
a sunlit armchair | l |
a candlelit dinner for one | l |
a moonlit ship | l |
a backlit dancer | l |
a violinist in the golden hour | l |
a foggy pier | l p |
three kittens | n |
a dozen donuts | n |
several balloons | n |
a pair of old boots | n |
5 apples | n |
a herd of zebras | n |
a watercolor fox in the snow | s p |
a blue cat on a red couch, pixel art | s p c |
an oil painting of a green apple on a wooden table | s p c |
neon sign of a pink flamingo | s c |
a night photograph of a yellow taxi in the rain | s p c l |
blueprint of a rocket | s |
a mosaic of a dolphin in the sea | s p |
pencil sketch of two sparrows on a branch | s p n |
a silhouette of a cowboy at sunset | s l |
a chalkboard drawing of a bicycle | s |
a sticker of a smiling avocado, white background | s p c |
a fox without a hat | | hat
a street, no cars, no people | p | car cars people person
a pizza, no mushrooms | | mushroom mushrooms
a cat, not a cartoon | | cartoon
a robot without red parts | | red
a house, no trees and no snow | | tree trees forest snow
a dog, no background | p |
a bird but not in the forest | | forest woods
a mug, without any text, stripes or dots | | stripes striped dot dots
a knight, never at night | | night
a bottle of wine, no candles | | candle candles
a horse, no mountains, please | | mountain mountains
a lonely robot, no umbrella, no balloon | | umbrella balloon
a shop sign that says "NO RED CARS" | |
a t-shirt with the words "fox in the snow" | |
a poster reading “Night of the Owl” | s |
a birthday cake with 'HAPPY 40' on it | |
a mug that says "Hello, watercolor!" | |
a neon sign saying "OPEN 24/7" | s |
a street sign "Rue du Chat" in paris | p |
a robot's left hand holding a key | n |
the mayor's dog | |
Generate a picture of a turtle wearing headphones | |
I want a cup of coffee with latte art | s |
A steam train crosses a stone bridge. | p |
A knight. A dragon. A treaty. | n |
A small mouse stands in front of a huge cheese, looking up in wonder. | n p |
guitar, amplifier, microphone | n |
a close-up of a bee | |
an aerial view of a volcano | |
a tiny snail | |
isolated strawberry | p |
a woman in a red dress dancing in the street at night | p c l |
a man wearing sunglasses | n |
an astronaut riding a horse | n |
a spaceship landing on mars | p |
a cozy cabin in the woods in winter | p |
a fish in a top hat | n |
a samurai drinking coffee | |
a skull with roses, baroque still life | s n |
a fluffy white kitten with green eyes on a purple pillow, studio lighting, photograph | s p c l |
`

const LETTERS: Readonly<Record<string, Fact>> = {
  s: "style",
  p: "setting",
  c: "colour",
  l: "light",
  n: "count",
}

function written(line: string): MeasuredPrompt {
  const [prompt = "", facts = "", denied = ""] = line.split("|").map((part) => part.trim())
  return {
    prompt,
    facts: facts.split(" ").flatMap((letter) => LETTERS[letter] ?? []),
    denied: denied.split(" ").filter(Boolean),
    quoted: prompt.match(/"[^"]+"|“[^”]+”|'[A-Z][^']+'/g) ?? [],
  }
}

const THINGS = `fox, owl, penguin, elephant, snail, dolphin, cactus, sunflower, pizza, cupcake, teapot, castle, sailboat,
  tractor, bicycle, rocket, balloon, guitar, drum, camera, lamp, robot, dragon, wizard, astronaut, umbrella, backpack,
  hedgehog, lighthouse, old typewriter`
const STYLES = `watercolor of %, % in pixel art, pencil drawing of %, % as a sticker, comic book %, isometric 3d render of %,
  vintage poster of %, % embroidered on cloth`
const PLACES = `in a meadow, on the moon, at the bottom of the ocean, under a bridge, beside a waterfall, in a busy market,
  on a rooftop, in the desert, inside a cave, in a snowy village`
const COLOURS = "red, teal, purple, mint green, charcoal black, orange, silver, lavender, pale yellow, brown"
const LIGHTS = "at night, at sunset, in the morning, under the stars, in candlelight, at noon"
const DENIALS = `without a %, no %`
const DENIED = `hat, umbrella, snow, red, people, forest, cartoon, mosaic, balloon, night`

const list = (text: string): string[] => text.split(",").map((t) => t.trim())
const an = (words: string): string => `${/^[aeiou]/.test(words) ? "an" : "a"} ${words}`

/** Combinations in a fixed order until there are `count`. */
function combined(count: number): MeasuredPrompt[] {
  const at = (text: string, i: number): string => list(text)[i % list(text).length]!
  const forms: ((thing: string, i: number) => Partial<MeasuredPrompt> & { prompt: string })[] = [
    (t) => ({ prompt: an(t) }),
    (t, i) => ({ prompt: at(STYLES, i).replace("%", an(t)), facts: ["style"] }),
    (t, i) => ({ prompt: `${an(t)} ${at(PLACES, i)}`, facts: ["setting"] }),
    (t, i) => ({ prompt: `${an(at(COLOURS, i))} ${t}`, facts: ["colour"] }),
    (t, i) => ({ prompt: `${an(t)} ${at(LIGHTS, i)}`, facts: ["light"] }),
    (t, i) => ({
      prompt: `the ${t}, ${at(DENIALS, i).replace("%", at(DENIED, i))}`,
      denied: [at(DENIED, i)],
    }),
    (t, i) => ({
      prompt: `${an(at(COLOURS, i + 3))} ${t} ${at(PLACES, i)}`,
      facts: ["colour", "setting"],
    }),
    (t, i) => ({
      prompt: `${at(STYLES, i + 5).replace("%", `${an(at(COLOURS, i))} ${t}`)} ${at(PLACES, i + 2)}`,
      facts: ["style", "colour", "setting"],
    }),
    (t) => ({ prompt: t }),
    (t, i) => ({ prompt: `happy ${t} and ${an(at(THINGS, i + 7))}`, facts: ["count"] }),
    (t, i) => ({
      prompt: `${an(t)} ${at(LIGHTS, i)}, ${at(STYLES, i).replace("%", "it")}`,
      facts: ["light", "style"],
    }),
    (t) => ({
      prompt: `a jar with the label "${t.toUpperCase()}, no snow"`,
      quoted: [`"${t.toUpperCase()}, no snow"`],
    }),
    (t) => ({ prompt: `${an(t)} with a friendly face` }),
    (t) => ({ prompt: `${an(t)} made of glass` }),
  ]
  const found = new Map<string, MeasuredPrompt>()
  for (let i = 0; found.size < count && i < 30 * forms.length; i++) {
    const thing = at(THINGS, Math.floor(i / forms.length) + 3 * (i % forms.length))
    const made = forms[i % forms.length]!(thing, i)
    found.set(made.prompt, { facts: [], denied: [], quoted: [], ...made })
  }
  return [...found.values()]
}

const BY_HAND = WRITTEN.trim().split("\n").map(written)

/** Five hundred prompts, a fifth by hand. */
export const MEASURED_PROMPTS: readonly MeasuredPrompt[] = [...BY_HAND, ...combined(500 - BY_HAND.length)]

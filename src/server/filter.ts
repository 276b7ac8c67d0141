// The content filter: a prompt stage and a picture stage behind one interface, and the built-in default.
//
// What the default does, and what it does not: the prompt stage refuses words for sexual content with minors,
// and for sexual violence, in several languages, as written and as commonly disguised (spacing, digits for
// letters, accents); it is a first line, not a classifier. The picture stage refuses files that are not pictures of
// anything (one flat value, which is what a failed generation looks like) and asks a picture judge: the service
// gives the classifier of filter-pictures.ts, a deployment may give its own (docs/serving.md).
import { AtelierError, type GenerationRequest, type Picture } from "../request/index.ts"
import { withDecoder } from "./decoder.ts"

export interface FilterVerdict {
  allowed: boolean
  /** A stable word for the reason: `minors`, `sexual-violence`, `flat`, `explicit`. */
  category?: string
}

export interface ContentFilter {
  checkPrompt(request: GenerationRequest): Promise<FilterVerdict>
  checkPicture(picture: Picture, request: GenerationRequest): Promise<FilterVerdict>
}

const ALLOWED: FilterVerdict = { allowed: true }

/** Words per group; a prompt is refused when one word of every group of a rule occurs. */
const MINOR = [
  "child",
  "children",
  "childlike",
  "kid",
  "kids",
  "minor",
  "minors",
  "underage",
  "preteen",
  "pre teen",
  "toddler",
  "infant",
  "baby",
  "schoolgirl",
  "schoolboy",
  "little girl",
  "little boy",
  "young girl",
  "young boy",
  "teenager",
  "teen",
  "loli",
  "lolita",
  "shota",
  "kinder",
  "minderjährige",
  "enfant",
  "mineur",
  "mineure",
  "niña",
  "niño",
  "menor",
  "criança",
  "bambina",
  "bambino",
  "ребенок",
  "девочка",
  "мальчик",
  "少女",
  "幼女",
  "儿童",
  "小孩",
  "ロリ",
  "子供",
]
const SEXUAL = [
  "nude",
  "naked",
  "nudity",
  "sexual",
  "sex",
  "sexy",
  "erotic",
  "porn",
  "porno",
  "pornographic",
  "topless",
  "nsfw",
  "hentai",
  "genitals",
  "genitalia",
  "penis",
  "vagina",
  "breasts",
  "orgasm",
  "lingerie",
  "undressed",
  "fetish",
  "nackt",
  "nackte",
  "nu",
  "nue",
  "desnuda",
  "desnudo",
  "nuda",
  "nudo",
  "голая",
  "голый",
  "секс",
  "порно",
  "裸",
  "裸体",
  "色情",
  "エロ",
]
const RULES: readonly { category: string; groups: readonly (readonly string[])[] }[] = [
  {
    category: "minors",
    groups: [["loli", "shota", "lolicon", "shotacon", "child porn", "cp porn", "csam", "ロリコン"]],
  },
  { category: "minors", groups: [MINOR, SEXUAL] },
  {
    category: "sexual-violence",
    groups: [["rape", "raped", "raping", "molest", "molested", "bestiality", "zoophilia"]],
  },
]

const LEET: Record<string, string> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
}

/** Lower case, accents off, digits inside words read as letters, anything else a space. */
function plain(text: string): string {
  const folded = text
    .normalize("NFKD")
    .replace(/\p{M}|\p{Cf}/gu, "")
    .toLowerCase()
  const letters = folded.replace(/[\p{L}\d@$]+/gu, (word) =>
    /\p{L}/u.test(word) ? word.replace(/[013457@$]/g, (c) => LEET[c]!) : word,
  )
  return ` ${letters.replace(/[^\p{L}\p{N}]+/gu, " ").trim()} `
}
/** Runs of single letters, put together: `a n u d e` holds `nude`. */
const spelledOut = (text: string): string[] =>
  [...text.matchAll(/(?<= )(?:\p{L} ){4,}/gu)].map(([run]) => run.replaceAll(" ", ""))

const CJK = /[\u3040-\u30ff\u4e00-\u9fff]/
function occurs(word: string, text: string): boolean {
  const wanted = word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase()
  return CJK.test(word) ? text.includes(wanted) : text.includes(` ${wanted} `)
}

/** The default's prompt stage, pure: the category of the first rule that applies, or null. */
export function promptCategory(prompt: string): string | null {
  const text = plain(prompt)
  const runs = spelledOut(text)
  const found = (w: string): boolean => occurs(w, text) || (w.length > 3 && runs.some((r) => r.includes(w)))
  const rule = RULES.find((r) => r.groups.every((g) => g.some(found)))
  return rule?.category ?? null
}

/** Standard deviation of pixel values, 0..255, below which a picture shows nothing. */
const FLAT = 0.5

/** The built-in filter; `judge` adds a picture classifier. */
export function defaultFilter(judge?: ContentFilter["checkPicture"]): ContentFilter {
  return {
    async checkPrompt(request) {
      const category = promptCategory(request.prompt)
      return category === null ? ALLOWED : { allowed: false, category }
    },
    async checkPicture(picture, request) {
      const { channels } = await withDecoder(picture.bytes, (open) =>
        open().resize(64, 64, { fit: "fill" }).removeAlpha().stats(),
      )
      if (channels.every((c) => !(c.stdev > FLAT))) return { allowed: false, category: "flat" }
      return judge ? judge(picture, request) : ALLOWED
    },
  }
}

/** Throws `content_policy` with the category and the stage when a verdict says no. */
export function enforce(verdict: FilterVerdict, stage: "prompt" | "picture"): void {
  if (verdict.allowed) return
  const what = stage === "prompt" ? "The prompt was refused" : "The picture was withheld"
  const why = verdict.category ?? "policy"
  throw new AtelierError("content_policy", `${what} by the content filter (${why}).`, {
    ...(stage === "prompt" ? { field: "prompt" } : {}),
    details: { stage, category: why },
  })
}

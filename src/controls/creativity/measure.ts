// Figures of the expander that need no pictures: for the judge's table and for the tests.
import { wordsOf } from "../../sampling/words.ts"
import { ASPECTS, type Aspect, type Expansion, type ExpansionRequest } from "./aspects.ts"
import { lostWord } from "./check.ts"
import { expandPrompt } from "./expand.ts"
import { type Fact, MEASURED_PROMPTS, type MeasuredPrompt } from "./prompts.ts"

export interface LevelFigures {
  level: "raw" | "low" | "medium" | "high"
  /** Aspects added per prompt, with the half width of the 95 % interval over prompts. */
  aspects: number
  interval: number
  /** Share of expansions that are the prompt, byte for byte. */
  unchanged: number
  /** Mean number of different expansions over the seeds of a prompt. */
  different: number
}

export interface CreativityFigures {
  prompts: number
  seeds: number
  expansions: number
  rawIdentical: number
  contentWordsKept: number
  /** A second style, setting, light or colour, a denied word, a lost quotation, a second thing beside a count. */
  contradictions: number
  /** Same request, same expansion. */
  repeatable: boolean
  levels: LevelFigures[]
  /** The first faults in words; empty when all is well. */
  faults: string[]
}

const LEVELS = [
  ["raw", 0],
  ["low", 10],
  ["medium", 50],
  ["high", 100],
] as const

/** Aspects that a fact leaves no room for. */
const CLOSES: Readonly<Record<Fact, Aspect>> = {
  style: "style",
  setting: "setting",
  colour: "palette",
  light: "light",
  count: "companion",
}

const COLOUR_WORDS =
  /\b(red|orange|yellow|green|blue|purple|pink|teal|black|white|brown|violet|crimson|gold|cream|terracotta|earth tones|pastel)\b/i
const COLOURLESS = /\b(silhouette|pencil|blueprint|chalk|duotone|linocut|ink drawing|cyanotype)\b/i

/** What is wrong with an expansion, or undefined: by the prompt's own list of facts, not by the analyser. */
function contradictionOf(
  { facts, denied, quoted }: MeasuredPrompt,
  { prompt, additions }: Expansion,
): string | undefined {
  const fact = facts.find((f) => additions.some((a) => a.aspect === CLOSES[f]))
  if (fact) return `a second ${fact}`
  const added = additions.map((a) => a.text).join(" | ")
  if (facts.includes("colour") && (COLOUR_WORDS.test(added) || COLOURLESS.test(added)))
    return "a second colour"
  const words = new Set(wordsOf(added))
  const taken = denied.find((d) => words.has(d))
  if (taken) return `the denied "${taken}"`
  const lost = quoted.find((q) => !prompt.includes(q))
  if (lost) return `lost ${lost}`
  if (ASPECTS.some((x) => additions.filter((a) => a.aspect === x).length > 1)) return "an aspect twice"
  return undefined
}

/** Measures over all prompts, four levels and `seeds` seeds; `expand` defaults to the built-in expander. */
export function measureCreativity(
  { seeds = 4, prompts = MEASURED_PROMPTS }: { seeds?: number; prompts?: readonly MeasuredPrompt[] } = {},
  expand: (request: ExpansionRequest) => Expansion = expandPrompt,
): CreativityFigures {
  const faults: string[] = []
  const [kept, clean, same] = [{ count: 0 }, { count: 0 }, { isSame: true }]
  const levels = LEVELS.map(([level, creativity]): LevelFigures => {
    const [means, different]: [number[], number[]] = [[], []]
    let unchanged = 0
    for (const given of prompts) {
      const found = Array.from({ length: seeds }, (_, seed) =>
        expand({ prompt: given.prompt, creativity, seed }),
      )
      found.forEach((expansion, seed) => {
        const lost = lostWord(given.prompt, expansion.prompt)
        const wrong = contradictionOf(given, expansion)
        if (!lost) kept.count++
        if (!wrong) clean.count++
        const fault = lost ? `lost "${lost}"` : wrong
        if (fault)
          faults.push(
            `${level} ${seed}: ${JSON.stringify(given.prompt)} -> ${JSON.stringify(expansion.prompt)}: ${fault}`,
          )
        if (expansion.prompt === given.prompt) unchanged++
        if (seed === 0 && expand({ prompt: given.prompt, creativity, seed }).prompt !== expansion.prompt)
          same.isSame = false
      })
      means.push(found.reduce((sum, e) => sum + new Set(e.additions.map((a) => a.aspect)).size, 0) / seeds)
      different.push(new Set(found.map((e) => e.prompt)).size)
    }
    const { mean, interval } = statistics(means)
    return {
      level,
      aspects: mean,
      interval,
      unchanged: unchanged / (prompts.length * seeds),
      different: statistics(different).mean,
    }
  })
  const expansions = prompts.length * seeds * LEVELS.length
  return {
    prompts: prompts.length,
    seeds,
    expansions,
    rawIdentical: levels[0]!.unchanged,
    contentWordsKept: kept.count / expansions,
    contradictions: expansions - clean.count,
    repeatable: same.isSame,
    levels,
    faults: faults.slice(0, 20),
  }
}

function statistics(values: readonly number[]): { mean: number; interval: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / Math.max(1, values.length - 1)
  return { mean, interval: 1.96 * Math.sqrt(variance / values.length) }
}

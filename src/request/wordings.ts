// Alternatives in a prompt: "a {red|blue} fox" is two prompts, its wordings, and the seed says which one is read. Imports nothing.

/** Text, or a choice among sequences. */
type Part = string | Sequence[]
type Sequence = Part[]

/** Where the brace that is opened at `open` is closed, and the bars between; undefined where it never is. */
export function braced(text: string, open: number): { close: number; bars: number[] } | undefined {
  const bars: number[] = []
  let depth = 0
  for (let i = open; i < text.length; i++) {
    const sign = text[i]!
    if (sign === "\\") i++
    else if (sign === "{") depth++
    else if (sign === "|" && depth === 1) bars.push(i)
    else if (sign === "}" && --depth === 0) return { close: i, bars }
  }
  return undefined
}

/** Braces without a bar, and those that are never closed, are text like any other; so is what follows a backslash. */
function parse(text: string): Sequence {
  const sequence: Sequence = []
  let plain = ""
  for (let i = 0; i < text.length; i++) {
    const sign = text[i]!
    if (sign === "\\" && /[{|}\\]/.test(text[i + 1] ?? "")) plain += text[++i]
    else {
      const group = sign === "{" ? braced(text, i) : undefined
      if (group?.bars.length) {
        const edges = [i, ...group.bars, group.close]
        sequence.push(
          plain,
          edges.slice(1).map((end, k) => parse(text.slice(edges[k]! + 1, end).trim())),
        )
        plain = ""
        i = group.close
      } else plain += sign
    }
  }
  return [...sequence, plain]
}

/** Beyond 2^53 no longer exact, which no seed can tell. */
const count = (sequence: Sequence): number =>
  sequence.reduce<number>(
    (product, part) =>
      typeof part === "string" ? product : product * part.reduce((sum, option) => sum + count(option), 0),
    1,
  )

/** The sequence's text of this number, 0 to count - 1; the first choice changes with every number. */
function text(sequence: Sequence, number: number): string {
  let left = number
  const said = sequence.map((part) => {
    if (typeof part === "string") return part
    const counts = part.map(count)
    const total = counts.reduce((a, b) => a + b)
    let within = left % total
    left = Math.floor(left / total)
    const chosen = counts.findIndex((n) => {
      if (within < n) return true
      within -= n
      return false
    })
    return text(part[chosen]!, within)
  })
  return said.join("")
}

/** How many prompts a prompt stands for: 1 where it has no alternatives. */
export const wordingCount = (prompt: string): number => count(parse(prompt))

/**
 * The prompt that a seed reads: seeds in a row go through all wordings, the first alternatives changing with every seed. Alternatives are
 * written {a|b}, may stand within others and may be empty; all wordings are equally frequent. Without any the prompt is
 * what it is, but for backslashes before a brace, a bar or a backslash, which go.
 */
export function wordingOf(prompt: string, seed: number): string {
  const sequence = parse(prompt)
  const said = text(sequence, seed % count(sequence))
  // An alternative that is empty leaves two spaces behind.
  return sequence.length === 1 ? said : said.replace(/ {2,}/g, " ").trim()
}

/** Whether a prompt says something else where alternatives are read. */
export const hasAlternatives = (prompt: string): boolean => wordingOf(prompt, 0) !== prompt

/** A prompt that reads as it is written, where alternatives are read. */
export const literal = (prompt: string): string =>
  hasAlternatives(prompt) ? prompt.replace(/[\\{|}]/g, "\\$&") : prompt

// Which words of an expanded prompt were not in the prompt: the longest common run of words, the rest is added.

export interface Part {
  text: string
  isAdded: boolean
}

/** Words with what follows them up to the next word, so that joining gives the text back. */
const words = (text: string): string[] => text.match(/\S+\s*/g) ?? []
const bare = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")

export function additions(prompt: string, expanded: string): Part[] {
  const shown = words(expanded)
  const [a, b] = [words(prompt).map(bare), shown.map(bare)]
  // What both begin and end with is common, and mostly that is all: a prompt may have thousands of words.
  const most = Math.min(a.length, b.length)
  let start = 0
  while (start < most && a[start] === b[start]) start++
  let tail = 0
  while (tail < most - start && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const isAdded = [
    ...Array<boolean>(start).fill(false),
    ...added(a.slice(start, a.length - tail), b.slice(start, b.length - tail)),
    ...Array<boolean>(tail).fill(false),
  ]
  const parts: Part[] = []
  for (const [i, text] of shown.entries()) {
    const last = parts.at(-1)
    if (last?.isAdded === isAdded[i]) last.text += text
    else parts.push({ text, isAdded: isAdded[i]! })
  }
  return parts
}

/** For each word of `b`, whether it is outside of the longest run that `a` and `b` have in common. */
function added(a: string[], b: string[]): boolean[] {
  // longest[i][j]: common words of a from i and b from j
  const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--) {
    const [row, below] = [longest[i]!, longest[i + 1]!]
    for (let j = b.length - 1; j >= 0; j--)
      row[j] = a[i] === b[j] ? below[j + 1]! + 1 : Math.max(below[j]!, row[j + 1]!)
  }
  const result: boolean[] = []
  let i = 0
  while (result.length < b.length) {
    const j = result.length
    if (i < a.length && a[i] === b[j]) {
      result.push(false)
      i++
    } else if (i < a.length && longest[i + 1]![j]! > longest[i]![j + 1]!) i++
    else result.push(true)
  }
  return result
}

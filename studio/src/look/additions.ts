// Which words of an expanded prompt were not in the prompt: the longest common run of words, the rest is added.

export interface Part {
  text: string
  isAdded: boolean
}

/** Words with what follows them up to the next word, so that joining gives the text back. */
const words = (text: string): string[] => text.match(/\S+\s*/g) ?? []
const bare = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "")

export function additions(prompt: string, expanded: string): Part[] {
  const [a, b] = [words(prompt), words(expanded)]
  // longest[i][j]: common words of a from i and b from j
  const longest = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      longest[i]![j] =
        bare(a[i]!) === bare(b[j]!)
          ? longest[i + 1]![j + 1]! + 1
          : Math.max(longest[i + 1]![j]!, longest[i]![j + 1]!)
    }
  }
  const parts: Part[] = []
  const push = (text: string, isAdded: boolean): void => {
    const last = parts.at(-1)
    if (last?.isAdded === isAdded) last.text += text
    else parts.push({ text, isAdded })
  }
  let i = 0
  let j = 0
  while (j < b.length) {
    if (i < a.length && bare(a[i]!) === bare(b[j]!)) {
      push(b[j++]!, false)
      i++
    } else if (i < a.length && longest[i + 1]![j]! > longest[i]![j + 1]!) i++
    else push(b[j++]!, true)
  }
  return parts
}

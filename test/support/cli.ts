// Runs one command line inside the test, and gathers what it prints.
import { runCommand } from "../../src/cli/program.ts"

export interface Said {
  code: number
  out: string
  err: string
}

export async function atelier(
  words: readonly string[],
  signal = new AbortController().signal,
): Promise<Said> {
  const said: Said = { code: 0, out: "", err: "" }
  await runCommand(words, {
    print: (text) => {
      said.out += `${text}\n`
    },
    tell: (text) => {
      said.err += `${text}\n`
    },
    terminal: false,
    signal,
    exit: (code) => {
      said.code = code
    },
  })
  return said
}

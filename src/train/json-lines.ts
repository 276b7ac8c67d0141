// Record files: one JSON value per line, appended to.
import { existsSync, readFileSync } from "node:fs"

/** The values of a file's lines; none where there is no such file. */
export const readJsonLines = <T>(path: string): T[] =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as T)
    : []

/** Values as lines, to be appended. */
export const jsonLines = (values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join("")

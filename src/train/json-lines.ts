// Record files: one JSON value per line, appended to.
import { existsSync, readFileSync, truncateSync } from "node:fs"

/** The values of a file's lines; none where there is no such file. */
export const readJsonLines = <T>(path: string): T[] =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line) as T)
    : []

/** Takes off the line that a process was killed in, so that the file can be read and appended to. */
export function cutHalfLine(path: string): void {
  if (existsSync(path)) truncateSync(path, readFileSync(path).lastIndexOf("\n") + 1)
}

/** Values as lines, to be appended. */
export const jsonLines = (values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join("")

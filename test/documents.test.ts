// What the documents point at is there: files, sections, decisions, commands.
import assert from "node:assert/strict"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, it } from "node:test"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const read = (path: string): string => readFileSync(join(root, path), "utf8")
const documents = ["README.md", ...globSync(["docs/**/*.md", "models/*/README.md"], { cwd: root })].map(
  (path) => ({ path, text: read(path) }),
)
const decisions = globSync("docs/decisions/*.md", { cwd: root }).map((path) => /(\d{3})-/.exec(path)![1])

/** A heading as a link writes it. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-")

/** Every match of a pattern in every document: where, and its groups. */
const matches = (pattern: RegExp): { path: string; found: string[] }[] =>
  documents.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)].map((match) => ({ path, found: match.map((group) => group ?? "") })),
  )

describe("the documents", () => {
  it("link to files and sections that exist", () => {
    const links = matches(/\]\(([^)#\s]*)(?:#([^)\s]+))?\)/g).filter(({ found }) => !/^\w+:/.test(found[1]!))
    assert.ok(links.length > 100)
    for (const { path, found } of links) {
      const target = found[1] ? join(dirname(path), found[1]) : path
      assert.ok(existsSync(join(root, target)), `${path} links to ${found[1]}`)
      const headings = found[2] ? [...read(target).matchAll(/^#+ (.*)$/gm)].map((m) => slug(m[1]!)) : []
      assert.ok(!found[2] || headings.includes(found[2]), `${path} links to the section ${found[0]}`)
    }
  })

  it("name only files of the repository that exist", () => {
    const named = matches(/`((?:src|test|docs|models|bench|studio|scripts|bin)\/[\w./-]+\.\w+)`/g)
    assert.ok(named.length > 30)
    for (const { path, found } of named)
      assert.ok(existsSync(join(root, found[1]!)), `${path} names ${found[1]}`)
  })

  it("run only commands that package.json has", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> }
    const commands = matches(/npm run ([a-z:]+)/g)
    assert.ok(commands.length > 30)
    for (const { path, found } of commands) assert.ok(scripts[found[1]!], `${path} has npm run ${found[1]}`)
  })

  it("speak of decisions that were written, each number given once", () => {
    assert.equal(new Set(decisions).size, decisions.length)
    for (const { path, found } of matches(/[Dd]ecisions? \[?(\d{3})\b/g))
      assert.ok(decisions.includes(found[1]!), `${path} speaks of decision ${found[1]}`)
    const sources = globSync("{src,test,studio,bench}/**/*.{ts,tsx}", { cwd: root, exclude: ["**/dist/**"] })
    for (const path of sources)
      for (const [, number] of read(path).matchAll(/\bdecision (\d{3})\b/g))
        assert.ok(decisions.includes(number!), `${path} speaks of decision ${number}`)
  })
})

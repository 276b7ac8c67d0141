// What README.md and docs/serving.md tell a reader to type, typed: programs, curl lines and command lines.
import assert from "node:assert/strict"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, test } from "node:test"
import { pathToFileURL } from "node:url"
import sharp from "sharp"
import { atelier } from "../support/cli.ts"
import { dataFolder } from "../support/folder.ts"
import { startService, type TestService } from "../support/service.ts"

const root = new URL("../../", import.meta.url)
const PAGES = ["README.md", "docs/serving.md"]
const ENTRIES: Record<string, string> = { atelier: "src/index.ts", "atelier/server": "src/server/index.ts" }

let service: TestService
let folder: string
before(async () => {
  service = await startService()
  folder = await mkdtemp(join(tmpdir(), "atelier-docs-"))
})
after(async () => {
  await service.drop()
  await rm(folder, { recursive: true, force: true })
})

/** Code blocks of a language, with the page they stand on. */
async function blocks(language: string): Promise<{ page: string; code: string }[]> {
  const found: { page: string; code: string }[] = []
  for (const page of PAGES) {
    const text = await readFile(new URL(page, root), "utf8")
    for (const [, code] of text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm")))
      found.push({ page, code: code! })
  }
  return found
}
const here = (code: string): string => code.replaceAll("http://127.0.0.1:4700", service.url)

test("every TypeScript example of the pages runs as it stands", async (t) => {
  const examples = await blocks("ts")
  assert.ok(examples.length >= 5)
  process.env.ATELIER_HOME = await dataFolder()
  t.after(() => rm(process.env.ATELIER_HOME!, { recursive: true, force: true }))
  for (const [i, { page, code }] of examples.entries()) {
    const served = /\bserve\(/.test(code)
    const names = [...code.matchAll(/^(?:export )?const (?:\{ )?(\w+)/gm)].map(([, name]) => name)
    const program = [
      // What an example names as the reader's own.
      ...(served ? ["const engine = globalThis.exampleEngine, myClassifier = async () => true"] : []),
      here(code)
        .replace(/from "(atelier(?:\/server)?)"/g, (_, name) => `from "${new URL(ENTRIES[name]!, root)}"`)
        .replace(/^await serve\(\{/m, 'export const running = await serve({ port: 0, logLevel: "silent",'),
      `export default { ${names.join(", ")} }`,
    ].join("\n")
    const file = join(folder, `example-${i}.ts`)
    await writeFile(file, program)
    Object.assign(globalThis, { exampleEngine: service.engine })
    const told = await import(pathToFileURL(file).href).catch((thrown: Error) => {
      assert.fail(`${page}: ${thrown.stack}\n${program}`)
    })
    await told.running?.close()
    if (names.includes("jpg")) assert.equal((await sharp(told.default.jpg).metadata()).format, "jpeg")
    if (names.includes("pictures")) assert.ok(told.default.pictures[0].bytes.byteLength > 1000)
  }
})

test("every curl line of the pages gives what the page says", async () => {
  const lines = (await blocks("sh")).flatMap(({ code }) => code.split("\n")).filter((l) => /^curl /.test(l))
  assert.ok(lines.length >= 3)
  for (const line of lines) {
    const address = /(http:\/\/[^\s']+)/.exec(line)![1]!
    const body = / -d '([^']*)'/.exec(line)?.[1]
    const answer = await fetch(here(address), body === undefined ? {} : { method: "POST", body })
    assert.ok(answer.ok, `${line}: ${answer.status}`)
    const isFile = / -o \S+\.png/.test(line)
    if (isFile) {
      const { format } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata()
      assert.equal(format, "png")
    } else {
      const job = (await answer.json()) as { state: string; pictures: { url: string }[] }
      assert.equal(job.state, "completed")
      assert.equal((await fetch(job.pictures[0]!.url)).status, 200)
    }
  }
})

test("every command and flag that the pages name exists", async () => {
  const helps = new Map<string, string>()
  const help = async (words: string[]): Promise<string> => {
    const name = words.join(" ")
    if (!helps.has(name)) helps.set(name, (await atelier([...words, "--help"])).out)
    return helps.get(name)!
  }
  let tried = 0
  for (const page of PAGES) {
    const text = await readFile(new URL(page, root), "utf8")
    for (const [, line] of text.matchAll(/\batelier ((?:[a-z]+\b ?)+[^`\n]*)/g)) {
      const all = line!.split("#")[0]!.trim().split(/\s+/)
      const parents = ["models", "keys", "webhooks", "board"]
      const words = all.slice(0, parents.includes(all[0]!) && /^[a-z]+$/.test(all[1] ?? "") ? 2 : 1)
      if (!(await help([])).includes(`  ${words[0]}`)) continue // prose: "atelier is", not a command
      const usage = await help(words)
      assert.ok(usage.includes(`atelier ${words.join(" ")} `), `${page}: atelier ${line}`)
      for (const [flag] of line!.matchAll(/--[a-z][a-z-]*/g)) {
        assert.ok(usage.includes(flag), `${page}: atelier ${words.join(" ")} has no ${flag}`)
        tried++
      }
    }
  }
  assert.ok(tried >= 5)
})

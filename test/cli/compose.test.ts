// The compose file of docs/serving.md: what it names is there.
import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { test } from "node:test"
import { atelier } from "../support/cli.ts"

const page = await readFile(new URL("../../docs/serving.md", import.meta.url), "utf8")
const lines = /^```yaml\n([\s\S]*?)^```/m.exec(page)![1]!.split("\n")

/** Lines below a heading of the same depth: `part("services:")`, `part("  api:")`. */
function part(heading: string): string[] {
  const start = lines.indexOf(heading)
  assert.notEqual(start, -1, heading)
  const depth = heading.search(/\S/)
  const end = lines.findIndex((l, i) => i > start && l.trim() !== "" && l.search(/\S/) <= depth)
  return lines.slice(start + 1, end === -1 ? undefined : end)
}
const services = part("services:").flatMap((l) => /^ {2}([\w-]+):$/.exec(l)?.[1] ?? [])

test("every host in an address of the compose file is one of its services", () => {
  const hosts = lines.flatMap((l) =>
    [...l.matchAll(/\b[a-z0-9]+:\/\/(?:[^@\s/]*@)?([\w.-]+)/g)].map(([, host]) => host!),
  )
  assert.ok(hosts.length >= 1)
  for (const host of hosts) assert.ok(services.includes(host), host)
})

test("what a service waits for is a service with a health check, and every volume is declared", () => {
  const waited = lines.flatMap((l) => /depends_on: \{ ([\w-]+):/.exec(l)?.[1] ?? [])
  assert.deepEqual(waited, ["postgres"])
  for (const name of waited)
    assert.ok(
      part(`  ${name}:`).some((l) => /^ {4}healthcheck:$/.test(l)),
      name,
    )
  const declared = /^volumes: \{ (.*) \}$/m
    .exec(lines.join("\n"))![1]!
    .split(",")
    .map((v) => v.split(":")[0]!.trim())
  const used = lines.flatMap((l) => (/^ +volumes: \[(.*)\]/.exec(l)?.[1] ?? "").match(/"(\w+):/g) ?? [])
  assert.deepEqual([...new Set(used.map((u) => u.slice(1, -1)))].sort(), declared.sort())
})

test("its services restart, share their settings, and are an API and its workers", () => {
  assert.deepEqual(services, ["postgres", "api", "worker"])
  for (const name of ["api", "worker"]) assert.ok(part(`  ${name}:`).includes("    <<: *atelier"), name)
  for (const heading of ["x-atelier: &atelier", "  postgres:"])
    assert.ok(
      part(heading).some((l) => /^ +restart: unless-stopped$/.test(l)),
      heading,
    )
  const roles = lines.flatMap((l) => /command: node bin\/atelier\.js serve --role (\w+)/.exec(l)?.[1] ?? [])
  assert.deepEqual(roles, ["api", "worker"])
})

test("a node whose database does not answer says so and ends, so that it is started again", async () => {
  process.env.DATABASE_URL = "postgres://postgres:change-me@127.0.0.1:9/atelier"
  try {
    const said = await atelier(["serve", "--role", "worker", "--port", "0"])
    assert.equal(said.code, 1)
    assert.match(
      said.err,
      /^The database of DATABASE_URL does not answer \(.*ECONNREFUSED.*\); check the address, or/,
    )
  } finally {
    delete process.env.DATABASE_URL
  }
})

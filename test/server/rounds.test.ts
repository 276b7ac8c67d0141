// Work that comes round again: one round at a time, and failures told once and not ten times a second.
import assert from "node:assert/strict"
import { test } from "node:test"
import pino from "pino"
import { Rounds } from "../../src/server/rounds.ts"

interface Line {
  level: number
  msg: string
  failures: number
}

function rounds() {
  const lines: Line[] = []
  const log = pino({}, { write: (text: string) => void lines.push(JSON.parse(text) as Line) })
  let now = 0
  return {
    lines,
    pass: (milliseconds: number) => {
      now += milliseconds
    },
    made: new Rounds(log, () => now),
  }
}

test("failures one after the other are told once, then once a minute, and that it goes well again", async () => {
  const { lines, pass, made } = rounds()
  let isAway = true
  const round = made.of("housekeeping", async () => {
    if (isAway) throw new Error("the database is away")
  })
  for (let i = 0; i < 900; i++) {
    await round()
    pass(100)
  }
  isAway = false
  await round()
  await round()
  assert.deepEqual(
    lines.map(({ level, msg, failures }) => [level, msg, failures]),
    [
      [40, "housekeeping failed; it will be tried again", 1],
      [40, "housekeeping failed; it will be tried again", 601],
      [30, "housekeeping goes well again", 900],
    ],
  )
  isAway = true
  await round()
  assert.equal(lines.at(-1)!.failures, 1)
})

test("work that throws at once fails its round and no other work", async () => {
  const { lines, made } = rounds()
  let others = 0
  const broken = made.of("broken work", () => {
    throw new Error("at once")
  })
  const sound = made.of("sound work", async () => void others++)
  await Promise.all([broken(), sound(), broken(), sound()])
  await sound()
  assert.equal(others, 2)
  assert.deepEqual(
    lines.map((l) => l.msg),
    ["broken work failed; it will be tried again"],
  )
})

test("a round under way is not joined by another of its kind, and stopping waits for it", async () => {
  const { made } = rounds()
  const held = Promise.withResolvers<void>()
  const seen: string[] = []
  const round = made.of("slow work", async () => {
    seen.push("begun")
    await held.promise
    seen.push("over")
  })
  const first = round()
  await round()
  assert.deepEqual(seen, ["begun"])
  const stopped = made.stop().then(() => seen.push("stopped"))
  held.resolve()
  await Promise.all([first, stopped])
  assert.deepEqual(seen, ["begun", "over", "stopped"])
})

// Conversions that are kept: made once, shared while they are made, and none of a failure.
import assert from "node:assert/strict"
import { test } from "node:test"
import { Conversions } from "../../src/server/conversions.ts"
import { gate } from "../support/service.ts"

test("what many ask for at once is made once, and what was asked for lately is not made again", async () => {
  const conversions = new Conversions()
  const door = gate()
  let made = 0
  const convert = async (): Promise<Uint8Array> => {
    made++
    await door.wait()
    return new Uint8Array([1, 2, 3])
  }
  const asked = [conversions.of("a", convert), conversions.of("a", convert)]
  await door.reached
  door.open()
  for (const bytes of await Promise.all(asked)) assert.deepEqual([...bytes], [1, 2, 3])
  await conversions.of("a", convert)
  assert.equal(made, 1)
  await conversions.of("b", convert)
  assert.equal(made, 2)
})

test("a conversion that failed is told as it failed, and tried again by who asks next", async () => {
  const conversions = new Conversions()
  const broken = (): Promise<Uint8Array> => Promise.reject(new Error("no such file"))
  await assert.rejects(conversions.of("a", broken), /^Error: no such file$/)
  assert.deepEqual([...(await conversions.of("a", async () => new Uint8Array([4])))], [4])
})

test("those asked for lately stay, older ones give way, and a very large one is kept by nobody", async () => {
  const conversions = new Conversions()
  const made: string[] = []
  const ask = (name: string, bytes: number) =>
    conversions.of(name, async () => {
      made.push(name)
      return new Uint8Array(bytes)
    })
  assert.equal((await ask("large", 2 ** 24)).byteLength, 2 ** 24)
  await ask("large", 2 ** 24)
  assert.deepEqual(made, ["large", "large"])
  await ask("first", 2 ** 20)
  for (let i = 0; i < 31; i++) {
    await ask(`other ${i}`, 2 ** 20)
    await ask("first", 2 ** 20)
  }
  await ask("one more", 2 ** 20)
  made.length = 0
  for (const name of ["first", "other 0", "other 30"]) await ask(name, 2 ** 20)
  assert.deepEqual(made, ["other 0"])
})

test("one that is under way is not lost to others that are done before it", async () => {
  const conversions = new Conversions()
  const door = gate()
  const slow = conversions.of("slow", async () => {
    await door.wait()
    return new Uint8Array([7])
  })
  slow.catch(() => {})
  for (let i = 0; i < 40; i++) await conversions.of(`quick ${i}`, async () => new Uint8Array(2 ** 20))
  door.open()
  assert.deepEqual([...(await slow)], [7])
})

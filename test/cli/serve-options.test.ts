// The flags of atelier serve: what they stand for, and what is refused before anything starts.
import assert from "node:assert/strict"
import { test } from "node:test"
import { Command } from "commander"
import {
  optionsOf,
  type ServeFlags,
  threadsOf,
  withServeOptions,
} from "../../src/cli/commands/serve-options.ts"
import type { ServeOptions } from "../../src/server/index.ts"
import { atelier } from "../support/cli.ts"

const flagsOf = (words: string[]): ServeFlags =>
  withServeOptions(new Command()).exitOverride().parse(words, { from: "user" }).opts()
const parsed = (...words: string[]): ServeOptions => optionsOf(flagsOf(words))

test("without flags every option but the log's level is left to the service", () => {
  assert.deepEqual(parsed(), { names: {}, logLevel: "warn" })
})

test("every flag reaches its option", () => {
  const words =
    "--host 0.0.0.0 --port 0 --directory /kept --role api --public-url https://a.example --require-key " +
    "--allow-private-network --name krea-2-large=mine --name krea-2=other --keep 2 --queue-cap 50 --try-seconds 60 " +
    "--preview-every 0 --snap-dimensions --strict-strengths --no-filter --log info"
  assert.deepEqual(parsed(...words.split(" ")), {
    host: "0.0.0.0",
    port: 0,
    directory: "/kept",
    role: "api",
    publicUrl: "https://a.example",
    requireKey: true,
    allowPrivateNetwork: true,
    names: { "krea-2-large": "mine", "krea-2": "other" },
    keepSeconds: 7200,
    queueCap: 50,
    trySeconds: 60,
    previewEvery: 0,
    snapDimensions: true,
    strictStrengths: true,
    filter: "off",
    logLevel: "info",
  })
  assert.equal(threadsOf(flagsOf(["--threads", "3"])), 3)
})

test("a value outside its limits is refused with the limits before anything is started", async () => {
  const table: [string[], RegExp][] = [
    [["--port", "65536"], /^--port is a whole number from 0 to 65535, and 65536 was given\.$/],
    [["--keep", "0"], /^--keep is a whole number from 1 to 87600, and 0 was given\.$/],
    [["--queue-cap", "0"], /^--queue-cap is a whole number from 1 to 1000000, and 0 was given\.$/],
    [["--try-seconds", "x"], /^--try-seconds is a whole number from 1 to 86400, and x was given\.$/],
    [["--preview-every", "1.5"], /^--preview-every is a whole number from 0 to 100, and 1\.5 was given\.$/],
    [["--threads", ""], /^--threads is a whole number from 1 to 1024/],
    [["--role", "boss"], /^--role is all, api, worker, and boss was given\.$/],
    [["--log", "loud"], /^--log is silent, fatal, error, warn, info, debug, trace, and loud was given\.$/],
    [["--name", "krea-2-large"], /^--name wants public=installed, and krea-2-large was given\.$/],
    [
      ["--public-url", "pictures.example"],
      /^--public-url is an http or https address, and pictures\.example was/,
    ],
  ]
  for (const [words, message] of table) {
    const said = await atelier(["serve", ...words])
    assert.equal(said.code, 2, words.join(" "))
    assert.match(said.err.trim(), message)
  }
})

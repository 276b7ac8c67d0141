// npm run build: dist/ with declarations, for those who install the package.
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const dist = join(root, "dist")
// Training and the comparison with reference tensors are for those who have the repository.
const left = ["src/train/**", "src/cli/verify/**", "src/cli/verify.ts"]

// Types are checked by `npm run check`; here they are only written out.
function compile(): void {
  rmSync(dist, { recursive: true, force: true })
  const config = join(root, "tsconfig.build.json")
  const options = {
    noEmit: false,
    outDir: "dist",
    rootDir: "src",
    declaration: true,
    noCheck: true,
    allowImportingTsExtensions: false,
  }
  writeFileSync(
    config,
    JSON.stringify({ extends: "./tsconfig.json", compilerOptions: options, include: ["src"], exclude: left }),
  )
  try {
    execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", config], {
      stdio: "inherit",
    })
  } finally {
    rmSync(config)
  }
  // Whatever else the sources read at run time.
  cpSync(join(root, "src"), dist, {
    recursive: true,
    filter: (path) => !path.endsWith(".ts") && !path.includes(join("src", "train")),
  })
}

compile()
if (!existsSync(join(dist, "index.js"))) throw new Error("dist/index.js was not written.")

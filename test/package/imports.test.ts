import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, expect, it } from 'vitest'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const { exports, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string>
  peerDependencies: Record<string, string>
}
const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-imports-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Those that are made of classes and errors of the framework's own. */
const needed: Readonly<Record<string, readonly string[]>> = {
  nestjs: ['@nestjs/common', '@nestjs/core'],
  trpc: ['@trpc/server'],
  'graphql-yoga': ['graphql', 'graphql-yoga'],
}

writeFileSync(
  join(folder, 'hooks.mjs'),
  `import { appendFileSync } from 'node:fs'
   export async function load(url, context, next) {
     appendFileSync(process.env.LOADED, url + '\\n')
     return next(url, context)
   }`,
)
writeFileSync(
  join(folder, 'register.mjs'),
  `import { register } from 'node:module'\nregister('./hooks.mjs', import.meta.url)`,
)

const given = Object.entries(exports).filter(([, file]) => /^\.\/dist\/(adapters|telemetry)\//.test(file))

it.each(given)(
  '%s loads no framework but its own, and no client of a state backend or of metrics',
  async (path, file) => {
    const name = path.slice(2)
    const loaded = join(folder, `${name}.txt`)
    writeFileSync(loaded, '')
    const options = { cwd: root, env: { ...process.env, LOADED: loaded } }
    await execute(process.execPath, ['--import', join(folder, 'register.mjs'), file], options)
    const packages = [...readFileSync(loaded, 'utf8').matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)].map(
      ([, one]) => one,
    )
    const peers = [...new Set(packages)].filter((one) => Object.hasOwn(peerDependencies, one as string)).sort()
    expect(peers).toEqual(needed[name] ?? [])
  },
)

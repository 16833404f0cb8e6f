import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { environment, execute, main, project, root, run } from './fixtures/cli.js'

const config = 'maintenance-mode.config'
const withJavaScript = {
  [`${config}.js`]: 'export default { ignoreUrls: ["/api/**"], ignoreIpAddresses: ["10.0.0.0/8"] }',
}

/** Every module of this package and of others that a command loads, told by the engine itself. */
function modulesOf(folder: string, parameters: string[]): { ours: string[]; packages: string[] } {
  const coverage = join(folder, 'coverage')
  const { code } = run(folder, parameters, { env: { ...environment, NODE_V8_COVERAGE: coverage } })
  expect(code).toBe(0)
  const files = readdirSync(coverage)
    .flatMap((name): { url: string }[] => JSON.parse(readFileSync(join(coverage, name), 'utf8')).result)
    .filter(({ url }) => url.startsWith('file:'))
    .map(({ url }) => relative(root, fileURLToPath(url)))
  const packages = files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? [])
  return { ours: files.filter((file) => file.startsWith('dist/')), packages: [...new Set(packages)].sort() }
}

/** How the functions of a folder begin, to be found in the files that its modules were bundled into. */
function functionsIn(folder: string): string[] {
  const path = join(root, 'dist', folder)
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => readFileSync(join(path, file), 'utf8').match(/(?<=^export (?:async )?)function .*\{$/gm) ?? [])
}

describe('a command loads what it needs', () => {
  it.each([['on', '--reason', 'Disks', '--for', '30m'], ['extend', '5m'], ['status'], ['off']])(
    '%s loads neither rules nor replies, nor their libraries',
    (...parameters) => {
      const folder = project(withJavaScript)
      if (parameters[0] === 'extend') run(folder, ['on'])
      const { ours, packages } = modulesOf(folder, parameters)
      expect(packages.filter((name) => name !== 'valibot')).toEqual([])
      expect(ours).toContain('dist/cli/main.js')
      const code = ours.map((file) => readFileSync(join(root, file), 'utf8')).join('\n')
      expect(functionsIn('state').filter((begin) => code.includes(begin))).not.toEqual([])
      for (const folder of ['decision', 'reply', 'request', 'adapters']) {
        expect(functionsIn(folder).filter((begin) => code.includes(begin))).toEqual([])
      }
      const commands = ours.filter((file) => /cli\/(on|off|extend|status|fleet|token|via)\.js$/.test(file))
      expect(commands).toEqual([`dist/cli/${parameters[0]}.js`])
    },
  )

  it('jiti for TypeScript alone', () => {
    const folder = project({ [`${config}.ts`]: 'export default {}' })
    expect(modulesOf(folder, ['status']).packages).toContain('jiti')
  })

  it('Commander for help alone, and for what is wrong', () => {
    expect(modulesOf(project(), ['on', '--help']).packages).toContain('commander')
  })
})

it('status takes at most 2.5 times as long as an empty program', { timeout: 120_000 }, () => {
  const empty = project()
  const on = project()
  run(on, ['on'])
  const defined = project({
    [`${config}.js`]: `import { defineConfig } from 'maintenance-mode/config'\nexport default defineConfig({})`,
  })
  mkdirSync(join(defined, 'node_modules'))
  symlinkSync(root, join(defined, 'node_modules/maintenance-mode'))
  const bounded = {
    'no config': empty,
    JSON: project({ [`${config}.json`]: { ignoreUrls: ['/api/**'] } }),
    JavaScript: project(withJavaScript),
    'JavaScript with defineConfig': defined,
  }
  const shown = {
    'no config, and the mode is on': on,
    TypeScript: project({ [`${config}.ts`]: 'export default {}' }),
  }
  // The shortest of many: whatever else the machine does only ever adds. Where it never rests, it adds to both alike: then
  // the median of what the one took in times of the other, right after it.
  const shortest: Record<string, number> = {}
  const beside: Record<string, number[]> = {}
  let last = 0
  const measure = (name: string, folder: string, parameters: string[]): void => {
    const start = performance.now()
    expect(execute(process.execPath, parameters, { cwd: folder }).code).toBe(0)
    const took = performance.now() - start
    shortest[name] = Math.min(shortest[name] ?? Number.POSITIVE_INFINITY, took)
    if (name === 'empty') last = took
    else beside[name] = [...(beside[name] ?? []), took / last].sort((a, b) => a - b)
  }
  const ratio = (name: string): number => {
    const pairs = beside[name] ?? []
    const median = pairs[Math.floor(pairs.length / 2)] as number
    return Math.min((shortest[name] as number) / (shortest.empty as number), median)
  }
  const names = Object.keys(bounded)
  const bound = 2.5
  const late = performance.now() + 90_000

  for (let round = 0; round < 6 || (performance.now() < late && names.some((name) => ratio(name) >= bound)); round++) {
    for (const [name, folder] of Object.entries(round < 6 ? { ...bounded, ...shown } : bounded)) {
      measure('empty', empty, ['-e', '0'])
      measure(name, folder, [main, 'status'])
    }
  }
  const figures = Object.keys(beside).map((name) => `${name} ${ratio(name).toFixed(2)}`)
  console.log(`node -e 0: ${shortest.empty?.toFixed(0)} ms; status, in times of that: ${figures.join(', ')}`)
  for (const name of names) expect(ratio(name), name).toBeLessThan(bound)
})

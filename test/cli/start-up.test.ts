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

describe('a command loads what it needs', () => {
  it.each([['on', '--reason', 'Disks', '--for', '30m'], ['extend', '5m'], ['status'], ['off']])(
    '%s loads neither rules nor replies, nor their libraries',
    (...parameters) => {
      const folder = project(withJavaScript)
      if (parameters[0] === 'extend') run(folder, ['on'])
      const { ours, packages } = modulesOf(folder, parameters)
      expect(packages).toEqual(['commander', 'valibot'])
      expect(ours).toContain('dist/cli/main.js')
      expect(
        ours.filter((file) => /^dist\/(decision|reply|request|adapters|snapshot|engine|index)\b/.test(file)),
      ).toEqual([])
      const commands = ours.filter((file) => /cli\/(on|off|extend|status)\.js$/.test(file))
      expect(commands).toEqual([`dist/cli/${parameters[0]}.js`])
    },
  )

  it('jiti for TypeScript alone', () => {
    const folder = project({ [`${config}.ts`]: 'export default {}' })
    expect(modulesOf(folder, ['status']).packages).toEqual(['commander', 'jiti', 'valibot'])
  })
})

describe('start-up', () => {
  const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number

  it('status takes at most 2.5 times as long as an empty program', { timeout: 120_000 }, () => {
    const empty = project()
    const defined = project({
      [`${config}.js`]: `import { defineConfig } from 'maintenance-mode'\nexport default defineConfig({})`,
    })
    mkdirSync(join(defined, 'node_modules'))
    symlinkSync(root, join(defined, 'node_modules/maintenance-mode'))
    const on = project()
    run(on, ['on'])
    const folders = {
      'no config': empty,
      'no config, mode on': on,
      JSON: project({ [`${config}.json`]: { ignoreUrls: ['/api/**'] } }),
      JavaScript: project(withJavaScript),
      'JavaScript with defineConfig': defined,
      TypeScript: project({ [`${config}.ts`]: 'export default {}' }),
    }
    const times: Record<string, number[]> = {}
    const measure = (name: string, folder: string, parameters: string[]): void => {
      const start = performance.now()
      expect(execute(process.execPath, parameters, { cwd: folder }).code).toBe(0)
      times[name] = [...(times[name] ?? []), performance.now() - start]
    }
    // In turns, so that whatever else the machine does slows all of them alike.
    for (let round = 0; round < 15; round++) {
      measure('empty', empty, ['-e', '0'])
      for (const [name, folder] of Object.entries(folders)) measure(name, folder, [main, 'status'])
    }
    const base = median(times.empty as number[])
    const ratios = Object.fromEntries(
      Object.keys(folders).map((name) => [name, median(times[name] as number[]) / base]),
    )
    console.log(`node -e 0: ${base.toFixed(0)} ms; status, in times of that:`, ratios)
    for (const name of ['no config', 'no config, mode on', 'JSON', 'JavaScript']) {
      expect(ratios[name], name).toBeLessThan(2.5)
    }
  })
})

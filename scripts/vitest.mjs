import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './setup.mjs'
import { updateSupportTable } from './support-table.mjs'

/** Runs vitest, says how many tests passed, and ends with its code. */
export async function runVitest(...args) {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-test-'))
  const report = join(folder, 'report.json')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { status } = spawnSync('npx', ['vitest', 'run', ...reporters, ...args], { cwd: root, stdio: 'inherit' })

  const results = JSON.parse(readFileSync(report, 'utf8'))
  const { numPassedTests, numFailedTests, numPendingTests } = results
  rmSync(folder, { recursive: true })
  console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`)
  if (process.env.CI && numPendingTests > 0) {
    console.error('A skipped test is a failure in CI.')
    process.exit(1)
  }
  process.exit((await updateSupportTable(results)) ? (status ?? 1) : 1)
}

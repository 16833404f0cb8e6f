// `npm test`: sets a fresh clone up, checks it, and runs the tests. Further arguments go to vitest.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium, ensureDebian, ensureInstalled, root, run } from './setup.mjs'

const quick = process.argv.includes('--quick')
const rest = process.argv.slice(2).filter((argument) => argument !== '--quick')

ensureInstalled()
run('npm', 'run', '--silent', 'build')
if (!quick) {
  process.env.CHROMIUM_PATH = ensureChromium()
  if (!existsSync('/usr/sbin/nginx')) ensureDebian('nginx-light')
  run('npm', 'run', '--silent', 'check')
  run('node', 'scripts/generate-settings.mjs', '--check')
}

const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-test-'))
const report = join(folder, 'report.json')
const slow = quick ? ['--exclude', 'test/{browser,package}/**', '--exclude', 'test/**/*-crash.test.ts'] : []
const args = ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...slow, ...rest]
const { status } = spawnSync('npx', args, { cwd: root, stdio: 'inherit' })

const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'))
rmSync(folder, { recursive: true })
console.log(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`)
if (process.env.CI && numPendingTests > 0) {
  console.error('A skipped test is a failure in CI.')
  process.exit(1)
}
process.exit(status ?? 1)

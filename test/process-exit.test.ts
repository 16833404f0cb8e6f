import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'

const entry = new URL('../dist/index.js', import.meta.url).href

/** Runs a script with the built package, and resolves when the process has ended by itself. */
async function run(script: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'maintenance-mode-exit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const source = `import { createMaintenance } from ${JSON.stringify(entry)}\n${script}`
  const flags = ['--input-type=module', '--eval', source]
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: folder, timeout: 10_000 })
  return stdout.trim()
}

describe('a program that uses maintenance mode', () => {
  it('ends by itself while the state is watched and polled', async () => {
    expect(await run('const it = createMaintenance(); it.start(); console.log(await it.getMode())')).toBe('off')
  })

  it('ends by itself with a window planned for later', async () => {
    const script = `const it = createMaintenance()
      it.start()
      const { mode, window } = await it.setMode('on', { start: new Date(Date.now() + 3_600_000) })
      console.log(mode, window.id)`
    expect(await run(script)).toBe('off manual')
  })

  it('ends by itself while it holds a window', async () => {
    const script =
      'const it = createMaintenance(); const { id } = await it.openWindow({ id: "deploy" }); console.log(id)'
    expect(await run(script)).toBe('deploy')
  })
})

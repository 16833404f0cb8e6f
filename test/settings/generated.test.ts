import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

it('the options’ types and the reference page are as the table of settings says', () => {
  const script = fileURLToPath(new URL('../../scripts/generate-settings.mjs', import.meta.url))
  expect(() => execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).not.toThrow()
})

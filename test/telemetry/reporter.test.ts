import { setImmediate } from 'node:timers/promises'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createReporter, warningNames } from '../../src/telemetry/warnings.js'

function reporter(silence: string[] = []) {
  const said: string[] = []
  const logger = {
    warn: (text: string) => said.push(`warn ${text}`),
    error: (text: string) => said.push(`error ${text}`),
  }
  return { said, ...createReporter(logger, silence) }
}

describe('what is reported', () => {
  it('as a warning is said once, with its name, its page, and how to silence it', () => {
    const { said, warn } = reporter()
    warn('pinned-mode', 'The mode is pinned.')
    warn('pinned-mode', 'The mode is pinned.')
    expect(said).toEqual([
      expect.stringMatching(
        /^warn maintenance-mode: The mode is pinned\. \[pinned-mode, see .*#pinned-mode; silence: \['pinned-mode'\]\]$/,
      ),
    ])
  })

  it('as a warning is not said where it is silenced', () => {
    const { said, warn } = reporter([...warningNames])
    for (const name of warningNames) warn(name, 'x')
    expect(said).toEqual([])
  })

  it('as a failure is said once for each place, until that works again', () => {
    const { said, failed, succeeded } = reporter()
    failed('reading', new Error('down'))
    failed('reading', new Error('still down'))
    failed('writing', 'down too')
    succeeded('reading')
    failed('reading', new Error('down again'))
    expect(said).toEqual([
      'error maintenance-mode: reading: down',
      'error maintenance-mode: writing: down too',
      'error maintenance-mode: reading: down again',
    ])
  })

  it.each([Object.create(null), Symbol('x'), null, undefined, 5])('may be whatever was thrown: %#', (thrown) => {
    const { said, failed } = reporter()
    failed('reading', thrown)
    expect(said).toHaveLength(1)
  })

  it('to a logger that fails, at once or later, harms nobody', async () => {
    const unheard = vi.fn()
    process.on('unhandledRejection', unheard)
    onTestFinished(() => void process.off('unhandledRejection', unheard))
    const throws = (): void => {
      throw new Error('closed')
    }
    const rejects = async (): Promise<void> => throws()
    for (const fail of [throws, rejects]) {
      const { warn, failed } = createReporter({ warn: fail, error: fail }, [])
      warn('pinned-mode', 'The mode is pinned.')
      failed('reading', new Error('down'))
    }
    await setImmediate()
    expect(unheard).not.toHaveBeenCalled()
  })
})

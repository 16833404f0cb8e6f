import { describe, expect, it, vi } from 'vitest'
import type { StateBackend } from '../../src/backends/backend.js'
import { lazyBackend } from '../../src/backends/lazy.js'

const facts = {
  address: 'test:lazy',
  capabilities: { compareAndSet: true, watch: true, presence: true, writable: true },
  absentMeansOff: false,
}

function loaded() {
  const backend = {
    ...facts,
    read: vi.fn(async () => undefined),
    write: vi.fn(async () => undefined),
    watch: vi.fn(async () => async () => {}),
    presence: { announce: vi.fn(async () => 5), list: vi.fn(async () => []), leave: vi.fn(async () => {}) },
    close: vi.fn(async () => {}),
  } satisfies StateBackend
  return backend
}

describe('a backend whose code is loaded when it is used', () => {
  it('is loaded once, however many use it first', async () => {
    const backend = loaded()
    const load = vi.fn(async () => backend)
    const lazy = lazyBackend(facts, load)
    expect(load).not.toHaveBeenCalled()
    const condition = { expected: 0, next: 1 }
    const record = { id: 'web-1', text: '{}' }
    const [onChange, onLost] = [vi.fn(), vi.fn()]
    await Promise.all([
      lazy.read(),
      lazy.write('{}', condition),
      lazy.watch?.(onChange, onLost),
      lazy.presence?.announce(record, 1000),
      lazy.presence?.list(),
      lazy.presence?.leave('web-1'),
    ])
    expect(load).toHaveBeenCalledTimes(1)
    expect(backend.write).toHaveBeenCalledWith('{}', condition)
    expect(backend.watch).toHaveBeenCalledWith(onChange, onLost)
    expect(backend.presence.announce).toHaveBeenCalledWith(record, 1000)
    expect(backend.presence.leave).toHaveBeenCalledWith('web-1')
    await lazy.close?.()
    expect(backend.close).toHaveBeenCalledTimes(1)
  })

  it('is loaded again where that had failed', async () => {
    const backend = loaded()
    const load = vi.fn(async () => backend).mockRejectedValueOnce(new Error('out of reach'))
    const lazy = lazyBackend(facts, load)
    await expect(lazy.read()).rejects.toThrow('out of reach')
    await lazy.read()
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('is not loaded to be closed, and closed when it is still being loaded', async () => {
    const backend = loaded()
    const load = vi.fn(async () => backend)
    const lazy = lazyBackend(facts, load)
    await lazy.close?.()
    expect(load).not.toHaveBeenCalled()
    const reading = lazy.read()
    await lazy.close?.()
    await reading
    expect(backend.close).toHaveBeenCalledTimes(1)
  })

  it('has what its facts say, and no more', () => {
    const capabilities = { ...facts.capabilities, watch: false, presence: false }
    const lazy = lazyBackend({ ...facts, capabilities }, async () => loaded())
    expect(lazy).toMatchObject({ address: 'test:lazy', absentMeansOff: false, capabilities })
    expect(lazy.watch ?? lazy.presence).toBeUndefined()
  })
})

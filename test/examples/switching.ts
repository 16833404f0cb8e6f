import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { expect, vi } from 'vitest'

export interface ServedExample {
  readonly url: string
  close(): Promise<unknown>
}

/** Closes an example by the command line, opens it again, and ends it. */
export async function closesAndReopens(
  { url, close }: ServedExample,
  command: (...words: string[]) => Promise<unknown>,
): Promise<void> {
  const answers = (status: number) =>
    vi.waitFor(async () => expect((await fetch(url)).status).toBe(status), { timeout: 20_000 })
  try {
    await answers(200)
    await command('on', '--reason', 'Trying it')
    await answers(503)
    expect(await (await fetch(url, { headers: { accept: 'text/html' } })).text()).toContain('Trying it')
    await command('off')
    await answers(200)
  } finally {
    await close()
  }
}

/** Waits for the address that a server prints. */
export async function printedAddress(server: ChildProcess): Promise<ServedExample> {
  const exited = once(server, 'exit')
  const close = (): Promise<unknown> => {
    server.kill()
    return exited
  }
  let said = ''
  const port = await new Promise((resolve, reject) => {
    server.once('exit', () => reject(new Error(`It ended: ${said}`)))
    server.stdout?.on('data', (part) => {
      said += part
      const [, port] = /http:\/\/\S+?:(\d+)/.exec(said) ?? []
      if (port) resolve(port)
    })
  })
  return { url: `http://localhost:${port}/`, close }
}

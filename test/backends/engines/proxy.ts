import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'

export type Trouble = 'refusing' | 'slow' | 'garbage'

/** A TCP proxy before an engine, which can make trouble. */
export interface TroubledProxy {
  readonly port: number
  /** From now on, for the connections that are there as well; `undefined`: everything passes again. */
  trouble(trouble: Trouble | undefined): void
  close(): Promise<void>
}

/** How long every answer takes when it is slow, in milliseconds. */
const slowness = 5000

export async function startProxy(target: number): Promise<TroubledProxy> {
  let current: Trouble | undefined
  const sockets = new Set<Socket>()
  const timers = new Set<NodeJS.Timeout>()

  const server = createServer((client) => {
    const engine = createConnection(target, '127.0.0.1')
    for (const socket of [client, engine]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        engine.destroy()
      })
    }
    if (current === 'refusing') client.destroy()
    client.on('data', (data) => {
      if (current === 'garbage')
        client.write(Buffer.from('\u0000HTTP/1.1 200 OK\r\n\r\n<html>not what was asked for\u0007'))
      else engine.write(data)
    })
    engine.on('data', (data) => {
      if (current !== 'slow') return void client.write(data)
      const timer = setTimeout(() => {
        timers.delete(timer)
        client.write(data)
      }, slowness)
      timers.add(timer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    trouble(trouble) {
      current = trouble
      if (trouble === 'refusing') for (const socket of sockets) socket.destroy()
    },
    async close() {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

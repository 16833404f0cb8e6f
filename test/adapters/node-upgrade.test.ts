import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { attachMaintenanceMode } from '../../src/adapters/node.js'
import { createMaintenance } from '../../src/index.js'
import type { MaintenanceOptions } from '../../src/settings/options.js'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
})

async function attached(
  options: MaintenanceOptions = {},
): Promise<{ port: number; server: Server; detach: () => void }> {
  const maintenance = createMaintenance({ mode: 'on', silence: ['pinned-mode'], ...options }, { environment: {} })
  const server = createServer()
  const detach = attachMaintenanceMode(server, maintenance)
  server.on('upgrade', (_req, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, server, detach }
}

function shakeHands(port: number, allowHalfOpen = false) {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen })
  socket.write('GET /socket HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  return socket
}

it('a refused handshake is answered with a 503 where others are redirected, too', async () => {
  const { port } = await attached({ redirectUrl: 'https://status.example/' })
  const [answer] = await once(shakeHands(port), 'data')
  expect(String(answer)).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
})

it('a refused client that keeps its side open does not stay', async () => {
  const { port, server } = await attached()
  const socket = shakeHands(port, true).resume()
  await once(socket, 'end')
  await expect.poll(() => new Promise((resolve) => server.getConnections((_, count) => resolve(count)))).toBe(0)
  socket.destroy()
})

it('taken off, it lets handshakes pass although somebody has wrapped it since', async () => {
  const { port, server, detach } = await attached()
  const { emit } = server
  server.emit = ((...event: Parameters<typeof emit>) => Reflect.apply(emit, server, event)) as typeof emit
  detach()
  const [answer] = await once(shakeHands(port), 'data')
  expect(String(answer)).toMatch(/^HTTP\/1\.1 101 /)
})

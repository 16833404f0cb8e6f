import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { withMaintenanceMode } from '../../src/adapters/node.js'
import { createMaintenance } from '../../src/index.js'

it('over HTTP/2, a host is known by its authority', async () => {
  const ignoreUrls = ['api.example.com/open']
  const maintenance = createMaintenance({ mode: 'on', silence: ['pinned-mode'], ignoreUrls }, { environment: {} })
  const listener = withMaintenanceMode(maintenance, (_req, res) => void res.end('Hello'))
  const server = createServer(listener as never).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const status = async (authority: string, path: string): Promise<unknown> => {
    const [headers] = await once(client.request({ ':authority': authority, ':path': path }).resume(), 'response')
    return headers[':status']
  }
  expect(await status('api.example.com:8443', '/open')).toBe(200)
  expect(await status('shop.example.com', '/open')).toBe(503)
  expect(await status('api.example.com', '/')).toBe(503)
  client.close()
  server.close()
  await once(server, 'close')
})

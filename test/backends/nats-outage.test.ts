import { startNats } from './engines/nats.js'
import { outageSuite } from './outages.js'

outageSuite({ name: 'NATS', start: () => startNats(), urlOf: (port) => `nats://127.0.0.1:${port}` })

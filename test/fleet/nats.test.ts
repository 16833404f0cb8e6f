import { startNats } from '../backends/engines/nats.js'
import { engineFleet } from './engines.js'

engineFleet({ name: 'NATS', start: () => startNats(), urlOf: (port) => `nats://127.0.0.1:${port}` })

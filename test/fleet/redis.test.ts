import { startRedis } from '../backends/engines/redis.js'
import { engineFleet } from './engines.js'

engineFleet({ name: 'Redis', start: () => startRedis(), urlOf: (port) => `redis://127.0.0.1:${port}` })

import { startPostgres } from '../backends/engines/postgres.js'
import { engineFleet } from './engines.js'

engineFleet({
  name: 'PostgreSQL',
  start: () => startPostgres(),
  urlOf: (port) => `postgres://app:p%40ss@127.0.0.1:${port}/site`,
})

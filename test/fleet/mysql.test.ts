import { startMariadb } from '../backends/engines/mariadb.js'
import { engineFleet } from './engines.js'

engineFleet({
  name: 'MariaDB',
  start: () => startMariadb(),
  urlOf: (port) => `mysql://app:p%40ss@127.0.0.1:${port}/site`,
})

import { join } from 'node:path'
import { temporaryFolder } from '../backends/fixtures/child.js'
import { fleetSuite } from './instances.js'

fleetSuite({ name: 'file', url: () => `file:${join(temporaryFolder(), 'state.json')}` })

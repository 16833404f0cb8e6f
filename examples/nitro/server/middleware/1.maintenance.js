import { maintenanceMode } from 'maintenance-mode/h3'
import { maintenance } from '../maintenance.js'

export default maintenanceMode(maintenance)

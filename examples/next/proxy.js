import { maintenanceMode } from 'maintenance-mode/next'
import maintenanceConfig from './maintenance-mode.config.js'

export const proxy = maintenanceMode(maintenanceConfig)

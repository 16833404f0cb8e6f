import { sequence } from 'astro:middleware'
import { createMaintenance } from 'maintenance-mode'
import { maintenanceControls, maintenanceMode } from 'maintenance-mode/astro'

const maintenance = createMaintenance()

// what sets `locals.user` comes first, if users are to get through
export const onRequest = sequence(maintenanceMode(maintenance), maintenanceControls(maintenance))

import { sequence } from '@sveltejs/kit/hooks'
import { createMaintenance } from 'maintenance-mode'
import { maintenanceControls, maintenanceMode } from 'maintenance-mode/sveltekit'

const maintenance = createMaintenance()

// what sets `event.locals.user` comes first, if users are to get through
export const handle = sequence(maintenanceMode(maintenance), maintenanceControls(maintenance))

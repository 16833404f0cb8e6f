import { createMaintenance } from 'maintenance-mode'

export const maintenance = createMaintenance()

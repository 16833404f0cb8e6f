// The settings of the demo site, for the app and the command line alike.
import { defineConfig } from 'maintenance-mode/config'

export default defineConfig({
  ignoreStaff: true,
  ignoreSuperuser: true,
  loginUrls: ['/sign-in', '/sign-out'],
})

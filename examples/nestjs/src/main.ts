import { NestFactory } from '@nestjs/core'
import { attachMaintenanceMode, MAINTENANCE } from 'maintenance-mode/nestjs'
import { AppModule } from './app.module.js'

const app = await NestFactory.create(AppModule)
// your session and log-in come here, if users are to get through
app.enableShutdownHooks()
// for WebSockets
attachMaintenanceMode(app.getHttpServer(), app.get(MAINTENANCE))
await app.listen(process.env.PORT ?? 3000)
console.log(`${await app.getUrl()}  (npx maintenance-mode on)`)

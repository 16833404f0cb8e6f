import { Module } from '@nestjs/common'
import { MaintenanceModeModule } from 'maintenance-mode/nestjs'
import { ShopController } from './shop.controller.js'

@Module({
  imports: [MaintenanceModeModule.forRoot({ ignoreUrls: ['/about'] })],
  controllers: [ShopController],
})
export class AppModule {}

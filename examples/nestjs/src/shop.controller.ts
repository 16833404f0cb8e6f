import { Controller, Get, HttpCode, Post } from '@nestjs/common'
import type { Maintenance } from 'maintenance-mode'
import { ForceMaintenanceModeOff, ForceMaintenanceModeOn, InjectMaintenance } from 'maintenance-mode/nestjs'

@Controller()
export class ShopController {
  @InjectMaintenance() private readonly maintenance!: Maintenance

  @Get()
  home() {
    return 'Hello from Nest'
  }

  @Post('webhook')
  @HttpCode(204)
  @ForceMaintenanceModeOff()
  receive() {}

  @Get('beta')
  @ForceMaintenanceModeOn()
  beta() {
    return 'not reached'
  }

  @Post('upgrade')
  upgrade() {
    return this.maintenance.during('on', () => 'done')
  }
}

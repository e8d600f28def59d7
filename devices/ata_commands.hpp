// Command codes of ATA/ATAPI-4 to -6 that a disk or a packet device knows, in the order of their numbers.
#pragma once

#include "base/types.hpp"

namespace truering {

enum class AtaCommand : u8 {
    Nop = 0x00,
    DeviceReset = 0x08,
    Recalibrate = 0x10, // 10H to 1FH
    ReadSectors = 0x20,
    ReadSectorsNoRetry = 0x21,
    ReadSectorsExt = 0x24,
    ReadDmaExt = 0x25,
    ReadNativeMaxExt = 0x27,
    ReadMultipleExt = 0x29,
    WriteSectors = 0x30,
    WriteSectorsNoRetry = 0x31,
    WriteSectorsExt = 0x34,
    WriteDmaExt = 0x35,
    WriteMultipleExt = 0x39,
    WriteVerify = 0x3C,
    ReadVerify = 0x40,
    ReadVerifyNoRetry = 0x41,
    ReadVerifyExt = 0x42,
    Seek = 0x70, // 70H to 7FH
    ExecuteDeviceDiagnostic = 0x90,
    InitializeDeviceParameters = 0x91,
    StandbyImmediateOld = 0x94,
    IdleImmediateOld = 0x95,
    StandbyOld = 0x96,
    IdleOld = 0x97,
    CheckPowerModeOld = 0x98,
    SleepOld = 0x99,
    Packet = 0xA0,
    IdentifyPacketDevice = 0xA1,
    ReadMultiple = 0xC4,
    WriteMultiple = 0xC5,
    SetMultipleMode = 0xC6,
    ReadDma = 0xC8,
    ReadDmaNoRetry = 0xC9,
    WriteDma = 0xCA,
    WriteDmaNoRetry = 0xCB,
    StandbyImmediate = 0xE0,
    IdleImmediate = 0xE1,
    Standby = 0xE2,
    Idle = 0xE3,
    ReadBuffer = 0xE4,
    CheckPowerMode = 0xE5,
    Sleep = 0xE6,
    FlushCache = 0xE7,
    WriteBuffer = 0xE8,
    FlushCacheExt = 0xEA,
    IdentifyDevice = 0xEC,
    SetFeatures = 0xEF,
    ReadNativeMax = 0xF8,
};

} // namespace truering

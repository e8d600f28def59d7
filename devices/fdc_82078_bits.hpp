// Bits and command codes of the 82078, spelled as its datasheet does. For the controller's own files.
#pragma once

#include "base/types.hpp"

namespace truering::fdc {

// DOR
inline constexpr u8 DOR_RESET = 1 << 2; // active low
inline constexpr u8 DOR_DMAGATE = 1 << 3;

// MSR
inline constexpr u8 MSR_CB = 1 << 4;
inline constexpr u8 MSR_NDMA = 1 << 5;
inline constexpr u8 MSR_DIO = 1 << 6;
inline constexpr u8 MSR_RQM = 1 << 7;

// ST0; IC is bits 7 and 6
inline constexpr u8 ST0_EC = 1 << 4;
inline constexpr u8 ST0_SE = 1 << 5;
inline constexpr u8 ST0_IC_NORMAL = 0x00;
inline constexpr u8 ST0_IC_ABNORMAL = 0x40;
inline constexpr u8 ST0_IC_INVALID = 0x80;
inline constexpr u8 ST0_IC_POLLING = 0xC0;

// ST1
inline constexpr u8 ST1_MA = 1 << 0;
inline constexpr u8 ST1_NW = 1 << 1;
inline constexpr u8 ST1_ND = 1 << 2;
inline constexpr u8 ST1_OR = 1 << 4;
inline constexpr u8 ST1_DE = 1 << 5;
inline constexpr u8 ST1_EN = 1 << 7;

// ST2
inline constexpr u8 ST2_MD = 1 << 0;
inline constexpr u8 ST2_WC = 1 << 4;
inline constexpr u8 ST2_DD = 1 << 5;
inline constexpr u8 ST2_CM = 1 << 6;

// ST3
inline constexpr u8 ST3_ALWAYS_1 = 0x28;
inline constexpr u8 ST3_T0 = 1 << 4;
inline constexpr u8 ST3_WP = 1 << 6;

// SPECIFY's second byte, CONFIGURE's second byte
inline constexpr u8 ND = 1 << 0;
inline constexpr u8 CONFIG_POLL = 1 << 4;  // 1: polling disabled
inline constexpr u8 CONFIG_EFIFO = 1 << 5; // 1: FIFO disabled
inline constexpr u8 CONFIG_EIS = 1 << 6;   // implied seek

// Commands; those up to FORMAT_TRACK without their bits MT, MFM and SK
inline constexpr u8 READ_TRACK = 0x02;
inline constexpr u8 SPECIFY = 0x03;
inline constexpr u8 SENSE_DRIVE_STATUS = 0x04;
inline constexpr u8 WRITE_DATA = 0x05;
inline constexpr u8 READ_DATA = 0x06;
inline constexpr u8 RECALIBRATE = 0x07;
inline constexpr u8 SENSE_INTERRUPT_STATUS = 0x08;
inline constexpr u8 WRITE_DELETED_DATA = 0x09;
inline constexpr u8 READ_ID = 0x0A;
inline constexpr u8 READ_DELETED_DATA = 0x0C;
inline constexpr u8 FORMAT_TRACK = 0x0D;
inline constexpr u8 DUMPREG = 0x0E;
inline constexpr u8 SEEK = 0x0F;
inline constexpr u8 VERSION = 0x10;
inline constexpr u8 PERPENDICULAR_MODE = 0x12;
inline constexpr u8 CONFIGURE = 0x13;
inline constexpr u8 UNLOCK = 0x14;
inline constexpr u8 VERIFY = 0x16;
inline constexpr u8 POWERDOWN_MODE = 0x17;
inline constexpr u8 PART_ID = 0x18;
inline constexpr u8 SAVE = 0x2E;
inline constexpr u8 OPTION = 0x33;
inline constexpr u8 RESTORE = 0x4E;
inline constexpr u8 DRIVE_SPECIFICATION = 0x8E;
inline constexpr u8 RELATIVE_SEEK_OUT = 0x8F;
inline constexpr u8 LOCK = 0x94;
inline constexpr u8 RELATIVE_SEEK_IN = 0xCF;

} // namespace truering::fdc

// Operation codes of packet commands and the sense codes for their errors. For AtapiCdrom's own files.
//
// Source: MMC-3 (T10/1363D) tables 235 and F.1.
#pragma once

#include "base/types.hpp"

namespace truering::atapi {

inline constexpr u8 TEST_UNIT_READY = 0x00;
inline constexpr u8 REQUEST_SENSE = 0x03;
inline constexpr u8 INQUIRY = 0x12;
inline constexpr u8 MODE_SELECT_6 = 0x15;
inline constexpr u8 MODE_SENSE_6 = 0x1A;
inline constexpr u8 START_STOP_UNIT = 0x1B;
inline constexpr u8 PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1E;
inline constexpr u8 READ_CAPACITY = 0x25;
inline constexpr u8 READ_10 = 0x28;
inline constexpr u8 SEEK_10 = 0x2B;
inline constexpr u8 READ_SUBCHANNEL = 0x42;
inline constexpr u8 READ_TOC = 0x43;
inline constexpr u8 PLAY_AUDIO_10 = 0x45;
inline constexpr u8 GET_CONFIGURATION = 0x46;
inline constexpr u8 PLAY_AUDIO_MSF = 0x47;
inline constexpr u8 GET_EVENT_STATUS_NOTIFICATION = 0x4A;
inline constexpr u8 PAUSE_RESUME = 0x4B;
inline constexpr u8 STOP_PLAY_SCAN = 0x4E;
inline constexpr u8 READ_DISC_INFORMATION = 0x51;
inline constexpr u8 READ_TRACK_INFORMATION = 0x52;
inline constexpr u8 MODE_SELECT_10 = 0x55;
inline constexpr u8 MODE_SENSE_10 = 0x5A;
inline constexpr u8 PLAY_AUDIO_12 = 0xA5;
inline constexpr u8 READ_12 = 0xA8;
inline constexpr u8 READ_DVD_STRUCTURE = 0xAD;
inline constexpr u8 READ_CD_MSF = 0xB9;
inline constexpr u8 SET_CD_SPEED = 0xBB;
inline constexpr u8 MECHANISM_STATUS = 0xBD;
inline constexpr u8 READ_CD = 0xBE;

// Sense key, additional sense code, qualifier.
struct SenseCode {
    u8 key;
    u8 asc;
    u8 ascq;
};
inline constexpr SenseCode invalid_command_operation_code{5, 0x20, 0};
inline constexpr SenseCode logical_block_address_out_of_range{5, 0x21, 0};
inline constexpr SenseCode invalid_field_in_packet{5, 0x24, 0};
inline constexpr SenseCode saving_parameters_not_supported{5, 0x39, 0};
inline constexpr SenseCode medium_removal_prevented{5, 0x53, 2};
inline constexpr SenseCode illegal_mode_for_this_track{5, 0x64, 0};
inline constexpr SenseCode parameter_list_length_error{5, 0x1A, 0};

} // namespace truering::atapi

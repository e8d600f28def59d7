// AtapiCdrom: which packet command does what, and those that move the disc or read its blocks.
//
// Source: MMC-3 (T10/1363D) chapter 6; SPC-2 for the general ones.
#include "devices/atapi_cdrom.hpp"

#include "devices/atapi_commands.hpp"

namespace truering {

using namespace atapi;

// A unit attention fails the first command that is not there to ask about the drive's condition.
bool AtapiCdrom::attention_first(u8 opcode) {
    constexpr Sense medium_may_have_changed{6, 0x28, 0};
    switch (opcode) {
    case INQUIRY:
    case REQUEST_SENSE:
    case GET_CONFIGURATION:
    case GET_EVENT_STATUS_NOTIFICATION: return false;
    default: break;
    }
    if (!attention_) return false;
    attention_ = false;
    check_condition(medium_may_have_changed);
    return true;
}

bool AtapiCdrom::needs_disc(u8 opcode) const {
    switch (opcode) {
    case TEST_UNIT_READY:
    case READ_CAPACITY:
    case READ_10:
    case READ_12:
    case SEEK_10:
    case READ_SUBCHANNEL:
    case READ_TOC:
    case READ_DISC_INFORMATION:
    case READ_TRACK_INFORMATION:
    case READ_DVD_STRUCTURE:
    case READ_CD:
    case READ_CD_MSF:
    case PLAY_AUDIO_10:
    case PLAY_AUDIO_12:
    case PLAY_AUDIO_MSF:
    case PAUSE_RESUME: return true;
    default: return false;
    }
}

void AtapiCdrom::execute_packet() {
    const u8 opcode = packet_[0];
    if (attention_first(opcode)) return;
    if (opcode != REQUEST_SENSE) sense_ = {};
    if (needs_disc(opcode) && !is_ready()) {
        const u8 tray = tray_open_ ? 2 : 1;
        return check_condition({2, 0x3A, tray}); // MEDIUM NOT PRESENT
    }
    if (needs_disc(opcode)) return execute_disc_command(opcode);
    execute_drive_command(opcode);
}

void AtapiCdrom::execute_disc_command(u8 opcode) {
    switch (opcode) {
    case TEST_UNIT_READY: return complete();
    case READ_CAPACITY: return read_capacity();
    case READ_10: return read_blocks(packet_32(2), packet_16(7));
    case READ_12: return read_blocks(packet_32(2), packet_32(6));
    case SEEK_10: return seek();
    case READ_SUBCHANNEL: return read_subchannel();
    case READ_TOC: return read_toc();
    case READ_DISC_INFORMATION: return read_disc_information();
    case READ_TRACK_INFORMATION: return read_track_information();
    case READ_DVD_STRUCTURE: return read_dvd_structure();
    case READ_CD: return read_cd(packet_32(2), packet_32(5) & 0x00FF'FFFF);
    case READ_CD_MSF: return read_cd_msf();
    default: return check_condition(illegal_mode_for_this_track); // there is no audio track to play
    }
}

void AtapiCdrom::execute_drive_command(u8 opcode) {
    constexpr size_t header_6 = 4;
    constexpr size_t header_10 = 8;
    switch (opcode) {
    case REQUEST_SENSE: return request_sense();
    case INQUIRY: return inquiry();
    case START_STOP_UNIT: return start_stop_unit();
    case PREVENT_ALLOW_MEDIUM_REMOVAL: return prevent_allow();
    case GET_CONFIGURATION: return get_configuration();
    case GET_EVENT_STATUS_NOTIFICATION: return get_event_status();
    case MECHANISM_STATUS: return mechanism_status();
    case MODE_SENSE_6: return mode_sense(header_6, packet_[4]);
    case MODE_SENSE_10: return mode_sense(header_10, packet_16(7));
    case MODE_SELECT_6: return take_parameters(packet_[4]);
    case MODE_SELECT_10: return take_parameters(packet_16(7));
    case SET_CD_SPEED:
    case STOP_PLAY_SCAN: return complete();
    default: return check_condition(invalid_command_operation_code);
    }
}

// A CD holds 80 minutes, some a little more.
bool AtapiCdrom::is_dvd() const {
    constexpr u64 most_cd_blocks = u64{90} * 60 * 75;
    return blocks() > most_cd_blocks;
}

void AtapiCdrom::start_reading(u64 first, u64 count) {
    if (first > blocks() || count > blocks() - first) return check_condition(logical_block_address_out_of_range);
    if (count == 0) return complete();
    next_block_ = first;
    blocks_left_ = count;
    next_chunk();
}

void AtapiCdrom::read_blocks(u64 first, u32 count) {
    parts_ = {};
    start_reading(first, count);
}

// Every block of the disc is of mode 1, which has no subheader.
void AtapiCdrom::read_cd(u64 first, u64 count) {
    constexpr u8 any_type = 0;
    constexpr u8 mode_1 = 2;
    const u8 type = packet_[1] >> 2 & 7;
    const u8 selection = packet_[9];
    const u8 error_field = selection >> 1 & 3;
    const u8 subchannel = packet_[10] & 7;
    if (type != any_type && type != mode_1) return check_condition(illegal_mode_for_this_track);
    if (error_field == 3 || subchannel != 0) return check_condition(invalid_field_in_packet);
    parts_ = {};
    parts_.sync = test_bit(selection, 7);
    parts_.header = test_bit(selection, 5);
    parts_.data = test_bit(selection, 4);
    parts_.correction = test_bit(selection, 3);
    parts_.error_bytes = error_field == 0 ? 0 : error_field == 1 ? 294 : most_error_bytes;
    if (parts_.size() == 0) count = 0; // nothing but a look
    start_reading(first, count);
}

void AtapiCdrom::read_cd_msf() {
    const u64 first = cd_block({packet_[3], packet_[4], packet_[5]});
    const u64 end = cd_block({packet_[6], packet_[7], packet_[8]});
    if (end < first) return check_condition(invalid_field_in_packet);
    read_cd(first, end - first);
}

void AtapiCdrom::seek() {
    if (packet_32(2) >= blocks()) return check_condition(logical_block_address_out_of_range);
    complete();
}

void AtapiCdrom::start_stop_unit() {
    const bool start = test_bit(packet_[4], 0);
    const bool load_or_eject = test_bit(packet_[4], 1);
    if (!load_or_eject) return complete();
    if (!start && locked_) return check_condition(medium_removal_prevented);
    if (start && tray_open_ && disc_ != nullptr) {
        attention_ = true;
        event_ = MediaEvent::NewMedia;
    }
    if (!start && !tray_open_ && disc_ != nullptr) event_ = MediaEvent::MediaRemoval;
    tray_open_ = !start;
    complete();
}

void AtapiCdrom::prevent_allow() {
    locked_ = test_bit(packet_[4], 0);
    complete();
}

} // namespace truering

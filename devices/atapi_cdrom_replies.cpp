// AtapiCdrom: the packet commands that answer with a table about the drive or the disc.
//
// A disc is one session with one data track from block 0 to the lead-out. All numbers are big-endian.
//
// Source: MMC-3 (T10/1363D) chapter 6; SPC-2 7.6 (INQUIRY) and 7.20 (REQUEST SENSE).
#include "devices/atapi_cdrom.hpp"

#include <algorithm>

namespace truering {

using namespace atapi;

namespace {

constexpr u8 data_track = 0x14; // ADR 1, CONTROL 4
constexpr u8 lead_out = 0xAA;

} // namespace

void AtapiCdrom::clear_stage(size_t length) {
    std::fill_n(stage_.begin(), length, u8{0});
    stage_length_ = length;
}

void AtapiCdrom::put_16(size_t at, u32 value) {
    stage_[at] = static_cast<u8>(value >> 8);
    stage_[at + 1] = static_cast<u8>(value);
}

void AtapiCdrom::put_32(size_t at, u64 value) {
    put_16(at, static_cast<u32>(value >> 16) & 0xFFFF);
    put_16(at + 2, static_cast<u32>(value) & 0xFFFF);
}

// As a time where the MSF bit asks for it.
void AtapiCdrom::put_address(size_t at, u64 block) {
    if (!test_bit(packet_[1], 1)) return put_32(at, block);
    const CdTime time = cd_time(block);
    stage_[at] = 0;
    stage_[at + 1] = time.minute;
    stage_[at + 2] = time.second;
    stage_[at + 3] = time.frame;
}

void AtapiCdrom::request_sense() {
    if (attention_) {
        sense_ = {6, 0x28, 0};
        attention_ = false;
    }
    clear_stage(18);
    stage_[0] = 0x70; // current error, fixed format
    stage_[2] = sense_.key;
    stage_[7] = 10;
    stage_[12] = sense_.asc;
    stage_[13] = sense_.ascq;
    sense_ = {};
    reply(packet_[4]);
}

void AtapiCdrom::inquiry() {
    if ((packet_[1] & 1) != 0 || packet_[2] != 0) return check_condition(invalid_field_in_packet);
    auto put_text = [this](size_t at, size_t length, std::string_view text) {
        for (size_t i = 0; i < length; ++i) stage_[at + i] = i < text.size() ? static_cast<u8>(text[i]) : u8{' '};
    };
    clear_stage(36);
    stage_[0] = 0x05; // CD-ROM
    stage_[1] = 0x80; // removable
    stage_[3] = 0x21; // ATAPI, response format 1
    stage_[4] = 31;
    put_text(8, 8, names_.vendor);
    put_text(16, 16, names_.product);
    put_text(32, 4, names_.revision);
    reply(packet_[4]);
}

void AtapiCdrom::read_capacity() {
    clear_stage(8);
    put_32(0, blocks() != 0 ? blocks() - 1 : 0);
    put_32(4, cd_block_size);
    reply(8);
}

// The format stands in byte 2; drives before MMC had it in the top bits of byte 9.
void AtapiCdrom::read_toc() {
    const u8 new_format = packet_[2] & 0x0F;
    const u8 format = new_format != 0 ? new_format : packet_[9] >> 6;
    const u8 first_track = packet_[6];
    switch (format) {
    case 0:
        if (first_track > 1 && first_track != lead_out) return check_condition(invalid_field_in_packet);
        put_toc_tracks(first_track);
        break;
    case 1: put_toc_sessions(); break;
    case 2: put_full_toc(); break;
    default: return check_condition(invalid_field_in_packet);
    }
    put_16(0, static_cast<u32>(stage_length_ - 2));
    stage_[2] = 1; // first and last track or session
    stage_[3] = 1;
    reply(packet_16(7));
}

void AtapiCdrom::put_toc_tracks(u8 first_track) {
    size_t at = 4;
    auto put = [this, &at](u8 track, u64 block) {
        stage_[at + 1] = data_track;
        stage_[at + 2] = track;
        put_address(at + 4, block);
        at += 8;
    };
    clear_stage(first_track <= 1 ? 20 : 12);
    if (first_track <= 1) put(1, 0);
    put(lead_out, blocks());
}

void AtapiCdrom::put_toc_sessions() {
    clear_stage(12);
    stage_[5] = data_track;
    stage_[6] = 1;
    put_address(8, 0);
}

// Points A0H to A2H of the lead-in, then the track; always as times.
void AtapiCdrom::put_full_toc() {
    clear_stage(4 + 4 * 11);
    size_t at = 4;
    auto put = [this, &at](u8 point, CdTime time) {
        stage_[at] = 1; // session
        stage_[at + 1] = data_track;
        stage_[at + 3] = point;
        stage_[at + 8] = time.minute;
        stage_[at + 9] = time.second;
        stage_[at + 10] = time.frame;
        at += 11;
    };
    put(0xA0, {1, 0, 0}); // the first track; a disc of CD-DA or CD-ROM data
    put(0xA1, {1, 0, 0}); // the last track
    put(0xA2, cd_time(blocks()));
    put(1, cd_time(0));
}

void AtapiCdrom::read_subchannel() {
    constexpr u8 no_audio_status = 0x15;
    const bool wants_q = test_bit(packet_[2], 6);
    const u8 format = packet_[3];
    if (wants_q && (format < 1 || format > 3)) return check_condition(invalid_field_in_packet);
    clear_stage(!wants_q ? 4 : format == 1 ? 16 : 24);
    stage_[1] = no_audio_status;
    put_16(2, static_cast<u32>(stage_length_ - 4));
    if (wants_q) stage_[4] = format;
    if (wants_q && format == 1) {
        stage_[5] = data_track;
        stage_[6] = 1; // track and index
        stage_[7] = 1;
        put_address(8, 0);
        put_address(12, 0);
    }
    reply(packet_16(7));
}

void AtapiCdrom::read_disc_information() {
    clear_stage(34);
    put_16(0, 32);
    stage_[2] = 0x0E;                                  // complete session on a finished disc
    stage_[3] = stage_[4] = stage_[5] = stage_[6] = 1; // tracks and sessions, all one
    stage_[7] = 0x20;                                  // unrestricted use
    std::fill_n(stage_.begin() + 16, 8, u8{0xFF});     // where the next session would start: nowhere
    reply(packet_16(7));
}

void AtapiCdrom::read_track_information() {
    clear_stage(36);
    put_16(0, 34);
    stage_[2] = 1;
    stage_[3] = 1;
    stage_[5] = 0x04; // data
    stage_[6] = 0x01; // mode 1
    put_32(24, blocks());
    reply(packet_16(7));
}

void AtapiCdrom::mechanism_status() {
    clear_stage(8);
    stage_[1] = tray_open_ ? 0x10 : 0;
    stage_[5] = 1; // slots
    reply(packet_16(8));
}

size_t AtapiCdrom::put_feature(size_t at, u32 feature, u8 flags, std::span<const u8> data) {
    put_16(at, feature);
    stage_[at + 2] = flags;
    stage_[at + 3] = static_cast<u8>(data.size());
    std::copy(data.begin(), data.end(), stage_.begin() + static_cast<std::ptrdiff_t>(at + 4));
    return at + 4 + data.size();
}

// RT: 0 all features from the given one on, 1 only current ones, 2 this feature alone.
void AtapiCdrom::get_configuration() {
    constexpr u32 profile_cd_rom = 0x0008;
    constexpr u32 profile_dvd_rom = 0x0010;
    constexpr u8 current = 0x01;
    constexpr u8 persistent_and_current = 0x03;
    const u8 request = packet_[1] & 3;
    const u32 first = packet_16(2);
    if (request == 3) return check_condition(invalid_field_in_packet);
    const bool cd = is_ready() && !is_dvd();
    const bool dvd = is_ready() && is_dvd();
    clear_stage(128);
    size_t at = 8;
    auto put = [&](u32 feature, u8 flags, std::span<const u8> data) {
        const bool wanted = request == 2 ? feature == first : feature >= first;
        if (wanted && (request != 1 || (flags & current) != 0)) at = put_feature(at, feature, flags, data);
    };
    const u8 cd_current = cd ? current : u8{0};
    const u8 dvd_current = dvd ? current : u8{0};
    const u8 any_current = is_ready() ? current : u8{0};
    put(0x0000, persistent_and_current, // profiles
        std::array<u8, 8>{0, profile_dvd_rom, dvd_current, 0, 0, profile_cd_rom, cd_current, 0});
    put(0x0001, persistent_and_current | 0x08, std::array<u8, 8>{0, 0, 0, 2, 1, 0, 0, 0}); // core, on ATAPI
    put(0x0003, persistent_and_current, std::array<u8, 4>{0x29, 0, 0, 0});                 // tray, eject, lock
    put(0x0010, any_current, std::array<u8, 8>{0, 0, 8, 0, 0, 1, 1, 0});                   // random reads of 2048 bytes
    put(0x001E, cd_current, std::array<u8, 4>{0, 0, 0, 0});                                // CD read
    put(0x001F, dvd_current, std::array<u8, 4>{0, 0, 0, 0});                               // DVD read
    stage_length_ = at;
    put_32(0, at - 4);
    put_16(6, dvd ? profile_dvd_rom : cd ? profile_cd_rom : 0);
    reply(packet_16(7));
}

// Polled only. An event is told once.
void AtapiCdrom::get_event_status() {
    constexpr u8 media_class = 4;
    constexpr u8 no_event_available = 0x80;
    if (!test_bit(packet_[1], 0)) return check_condition(invalid_field_in_packet);
    const bool wanted = test_bit(packet_[4], media_class);
    clear_stage(wanted ? 8 : 4);
    put_16(0, static_cast<u32>(stage_length_ - 2));
    stage_[2] = wanted ? media_class : no_event_available;
    stage_[3] = bit<u8>(media_class);
    if (wanted) {
        stage_[4] = static_cast<u8>(event_);
        stage_[5] = static_cast<u8>((tray_open_ ? 1 : 0) | (is_ready() ? 2 : 0));
        event_ = MediaEvent::None;
    }
    reply(packet_16(7));
}

// Format 0: what the disc physically is; 1: whether it is protected; 4: the manufacturer, unknown.
void AtapiCdrom::read_dvd_structure() {
    constexpr u32 first_physical_sector = 0x03'0000;
    const u8 format = packet_[7];
    if (!is_dvd() || packet_[6] != 0) return check_condition(invalid_field_in_packet);
    switch (format) {
    case 0:
        clear_stage(4 + 2048);
        stage_[4] = 1; // DVD-ROM, version 1
        stage_[5] = 0x0F;
        stage_[6] = 1; // one layer, embossed data
        put_32(8, first_physical_sector);
        put_32(12, first_physical_sector + blocks() - 1);
        break;
    case 1: clear_stage(4 + 4); break;
    case 4: clear_stage(4 + 2048); break;
    default: return check_condition(invalid_field_in_packet);
    }
    put_16(0, static_cast<u32>(stage_length_ - 2));
    reply(packet_16(8));
}

} // namespace truering

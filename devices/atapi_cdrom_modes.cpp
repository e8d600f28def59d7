// AtapiCdrom: mode pages. 01H (error recovery) and 0EH (audio volume) can be changed and have no effect; 2AH tells what
// the drive can do.
//
// Source: SPC-2 8.3; MMC-3 (T10/1363D) 5.5.
#include "devices/atapi_cdrom.hpp"

#include <algorithm>

namespace truering {

using namespace atapi;

namespace {

constexpr u8 error_recovery_page = 0x01;
constexpr u8 audio_control_page = 0x0E;
constexpr u8 capabilities_page = 0x2A;
constexpr u8 all_pages = 0x3F;

// Page control.
constexpr u8 changeable_values = 1;
constexpr u8 saved_values = 3;

} // namespace

void AtapiCdrom::mode_sense(size_t header_size, size_t allocation_length) {
    const u8 page = packet_[2] & 0x3F;
    const u8 control = packet_[2] >> 6;
    if (control == saved_values) return check_condition(saving_parameters_not_supported);
    clear_stage(128);
    size_t end = header_size;
    for (const u8 candidate : {error_recovery_page, audio_control_page, capabilities_page})
        if (page == candidate || page == all_pages) end = put_mode_page(end, candidate, control);
    if (end == header_size) return check_condition(invalid_field_in_packet);
    stage_length_ = end;
    const u8 medium_type = tray_open_ ? 0x71 : disc_ == nullptr ? 0x70 : 0x01;
    if (header_size == 4) {
        stage_[0] = static_cast<u8>(end - 1);
        stage_[1] = medium_type;
    } else {
        put_16(0, static_cast<u32>(end - 2));
        stage_[2] = medium_type;
    }
    reply(allocation_length);
}

size_t AtapiCdrom::put_mode_page(size_t at, u8 page, u8 control) {
    auto put = [this, at, page](std::span<const u8> data) {
        stage_[at] = page;
        stage_[at + 1] = static_cast<u8>(data.size());
        std::copy(data.begin(), data.end(), stage_.begin() + static_cast<std::ptrdiff_t>(at + 2));
        return at + 2 + data.size();
    };
    const bool masks = control == changeable_values;
    switch (page) {
    case error_recovery_page: return masks ? put(std::array<u8, 6>{0xFF, 0xFF, 0, 0, 0, 0}) : put(error_recovery_);
    case audio_control_page:
        return masks ? put(std::array<u8, 14>{0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0})
                     : put(audio_control_);
    default: break;
    }
    constexpr u32 speed = 4 * 1764 / 10; // kB/s: 4x
    std::array<u8, 20> capabilities{};
    capabilities[0] = 0x0B;                                         // reads CD-R, CD-RW, DVD-ROM
    capabilities[2] = 0x70;                                         // mode 2 form 1 and 2, multisession
    capabilities[4] = static_cast<u8>(0x29 | (locked_ ? 0x02 : 0)); // a tray that ejects and locks
    capabilities[6] = capabilities[12] = static_cast<u8>(speed >> 8);
    capabilities[7] = capabilities[13] = static_cast<u8>(speed);
    capabilities[9] = 2;  // volume levels: on and off
    capabilities[10] = 2; // 512 KiB of buffer
    if (masks) capabilities.fill(0);
    return put(capabilities);
}

// The parameter list stands in the buffer: header, block descriptors, pages. Pages that are not changeable, or cut
// short, are refused; what came before them holds.
void AtapiCdrom::select_modes() {
    const std::span<const u8> list(buffer_.data(), parameters_length_);
    const bool ten = packet_[0] == MODE_SELECT_10;
    const size_t header_size = ten ? 8 : 4;
    if (list.size() < header_size) return check_condition(parameter_list_length_error);
    const size_t descriptors = ten ? size_t{list[6]} << 8 | list[7] : list[3];
    size_t at = header_size + descriptors;
    while (at + 2 <= list.size()) {
        const u8 page = list[at] & 0x3F;
        const size_t length = list[at + 1];
        if (at + 2 + length > list.size()) return check_condition(parameter_list_length_error);
        const std::span<const u8> data = list.subspan(at + 2, length);
        if (page == error_recovery_page && length == error_recovery_.size())
            std::copy_n(data.begin(), 2, error_recovery_.begin());
        else if (page == audio_control_page && length == audio_control_.size())
            std::copy_n(data.begin() + 6, 4, audio_control_.begin() + 6);
        else
            return check_condition({5, 0x26, 0}); // INVALID FIELD IN PARAMETER LIST
        at += 2 + length;
    }
    complete();
}

} // namespace truering

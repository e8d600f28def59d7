// A CD-ROM drive behind the PACKET command (ATAPI): the disc, the tray, and the SCSI commands for them.
//
// Idea: a packet command is twelve bytes that the host writes like a sector. What it answers is staged: a short reply
// as a whole, a read in portions of up to 16 blocks. The stage goes to the host in DRQ blocks no larger than the byte
// count limit that the host gave, or by DMA. The sector count register says what each DRQ block is (C/D and I/O), the
// cylinder registers how long.
//
// A failed command ends with CHECK CONDITION and leaves sense data for REQUEST SENSE. A changed disc is told once, by a
// unit attention that fails the next command, and by a media event for those that poll.
//
// The user's part (`insert`, `eject`) and the guest's (START STOP UNIT, PREVENT ALLOW) meet in the tray: a disc that
// the guest ejected lies in the open tray and can be loaded again.
//
// Source: ATA/ATAPI-4 (T13/1153D) 8.21 and 9.8; SFF-8020i; MMC-3 (T10/1363D); SPC-2.
#pragma once

#include "devices/atapi_commands.hpp"
#include "devices/block_medium.hpp"
#include "devices/cd_sector.hpp"
#include "devices/ide_drive.hpp"

#include <string>
#include <string_view>

namespace truering {

// Cut or padded with blanks to 20 (IDENTIFY), 8, 16 and 4 characters (INQUIRY; IDENTIFY takes them together).
struct AtapiNames {
    std::string serial = "TR00002";
    std::string vendor = "TRUERING";
    std::string product = "CD-ROM";
    std::string revision = "1.0";
};

class AtapiCdrom final : public IdeDrive {
  public:
    explicit AtapiCdrom(Clock& clock, const AtapiNames& names = {});

    // Puts a disc in and closes the tray. It must stay alive until it is ejected or replaced.
    void insert(BlockMedium& disc);
    // Takes the disc out, locked or not.
    void eject();
    // The eject button: false, and an event for the guest, while the guest has locked the tray.
    bool press_eject();

    [[nodiscard]] bool has_disc() const { return disc_ != nullptr; }
    [[nodiscard]] bool is_tray_open() const { return tray_open_; }
    [[nodiscard]] bool is_locked() const { return locked_; }

  private:
    enum class Step : u8 { None, Reject, Finish, Identify, ExecutePacket, NextChunk, Complete, SelectModes };
    enum class Expecting : u8 { Nothing, Packet, Parameters, Data };
    enum class MediaEvent : u8 { None = 0, EjectRequest = 1, NewMedia = 2, MediaRemoval = 3 };

    using Sense = atapi::SenseCode;

    // IdeDrive
    void start(u8 command) override;
    void work() override;
    void block_done() override;
    void restart() override;
    [[nodiscard]] u8 ready_status() const override { return 0; } // packet devices are not ready before a command
    void put_signature() override { put_in_signature(0x14, 0xEB); }
    [[nodiscard]] bool obeys_while_busy(u8 command) const override;

    // ATA commands (atapi_cdrom.cpp).
    void after(Nanoseconds duration, Step step);
    void reject();
    void reject_with_signature();
    void device_reset();
    void identify();
    void set_word(unsigned word, u32 value);
    void set_text(unsigned first_word, unsigned words, std::string_view text);
    void set_features();
    void take_packet();

    // The packet protocol (atapi_cdrom.cpp).
    void reply(size_t allocation_length); // the first stage_length_ bytes of the stage, cut to what the host wants
    void next_chunk();
    [[nodiscard]] bool stage_next_blocks();
    void complete();
    void check_condition(Sense sense);
    void take_parameters(size_t length);

    // Packet commands (atapi_cdrom_commands.cpp): dispatch, disc and tray.
    void execute_packet();
    [[nodiscard]] bool attention_first(u8 opcode);
    [[nodiscard]] bool needs_disc(u8 opcode) const;
    void execute_disc_command(u8 opcode);
    void execute_drive_command(u8 opcode);
    [[nodiscard]] u64 blocks() const { return disc_ != nullptr ? cd_blocks(*disc_) : 0; }
    [[nodiscard]] bool is_ready() const { return disc_ != nullptr && !tray_open_; }
    [[nodiscard]] bool is_dvd() const;
    [[nodiscard]] u32 packet_16(size_t at) const { return u32{packet_[at]} << 8 | packet_[at + 1]; }
    [[nodiscard]] u32 packet_32(size_t at) const { return packet_16(at) << 16 | packet_16(at + 2); }
    void read_blocks(u64 first, u32 count);
    void read_cd(u64 first, u64 count);
    void read_cd_msf();
    void start_reading(u64 first, u64 count);
    void seek();
    void start_stop_unit();
    void prevent_allow();

    // Packet commands that answer with a table (atapi_cdrom_replies.cpp).
    void clear_stage(size_t length);
    void put_16(size_t at, u32 value);
    void put_32(size_t at, u64 value);
    void put_address(size_t at, u64 block);
    void request_sense();
    void inquiry();
    void read_capacity();
    void read_toc();
    void put_toc_tracks(u8 first_track);
    void put_toc_sessions();
    void put_full_toc();
    void read_subchannel();
    void read_disc_information();
    void read_track_information();
    void mechanism_status();
    void get_configuration();
    size_t put_feature(size_t at, u32 feature, u8 flags, std::span<const u8> data);
    void get_event_status();
    void read_dvd_structure();

    // atapi_cdrom_modes.cpp
    void mode_sense(size_t header_size, size_t allocation_length);
    size_t put_mode_page(size_t at, u8 page, u8 control);
    void select_modes();

    AtapiNames names_;
    BlockMedium* disc_ = nullptr;
    bool tray_open_ = false;
    bool locked_ = false;
    bool attention_ = false;
    MediaEvent event_ = MediaEvent::None;
    Sense sense_{};

    Step step_ = Step::None;
    Expecting expecting_ = Expecting::Nothing;
    bool by_dma_ = false;
    size_t byte_limit_ = 0;
    std::array<u8, 12> packet_{};

    // What of each block a read gives: a part of the raw sector, in order.
    struct Parts {
        bool sync = false;
        bool header = false;
        bool data = true;
        bool correction = false;
        size_t error_bytes = 0; // C2 pointers, all zero

        [[nodiscard]] bool only_data() const { return data && !sync && !header && !correction && error_bytes == 0; }
        [[nodiscard]] size_t size() const;
    };
    static constexpr size_t blocks_per_stage = 16;
    static constexpr size_t most_error_bytes = 296;
    Parts parts_;
    u64 next_block_ = 0;
    u64 blocks_left_ = 0;
    size_t parameters_length_ = 0;
    std::array<u8, blocks_per_stage*(cd_raw_size + most_error_bytes)> stage_{};
    size_t stage_length_ = 0;
    size_t stage_position_ = 0;

    u8 multiword_dma_mode_ = 0;
    u8 ultra_dma_mode_ = 0;
    std::array<u8, 6> error_recovery_{}; // mode page 01H
    std::array<u8, 14> audio_control_{}; // mode page 0EH
};

} // namespace truering

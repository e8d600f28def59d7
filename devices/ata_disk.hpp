// An ATA hard disk: PIO and DMA transfers by CHS, 28-bit and 48-bit LBA, and the commands around them.
//
// Idea: every transfer command becomes a Transfer (first sector, count, direction, sectors a DRQ block) that walks
// through the phases of IdeDrive, one block a step. The address registers always show the sector that the drive is at,
// so that they tell where an error happened.
//
// Errors, as the standard has them: a sector that does not exist ends the transfer with IDNF after all sectors before
// it were moved; a host that cannot read gives UNC; a write to a protected medium gives WP; a host that cannot write
// gives DF (device fault). Commands and parameters that the drive does not have give ABRT.
//
// Source: ATA/ATAPI-4 (T13/1153D) chapters 8 and 9; ATA/ATAPI-6 (T13/1410D) for the 48-bit and EXT commands.
#pragma once

#include "devices/block_medium.hpp"
#include "devices/ide_drive.hpp"

#include <string>
#include <string_view>

namespace truering {

// Cylinders 1 to 65535, heads 1 to 16, sectors 1 to 63 (what CMOS and the BIOS can say).
struct DiskGeometry {
    u32 cylinders = 0;
    u32 heads = 0;
    u32 sectors = 0;

    [[nodiscard]] constexpr u64 total() const { return u64{cylinders} * heads * sectors; }
    friend constexpr bool operator==(const DiskGeometry&, const DiskGeometry&) = default;
};

// What IDENTIFY DEVICE tells apart from sizes. Cut or padded with blanks to 20, 8 and 40 characters.
struct AtaNames {
    std::string serial = "TR00001";
    std::string firmware = "1.0";
    std::string model = "TRUERING HARDDISK";
};

class AtaDisk final : public IdeDrive {
  public:
    // The medium must outlive the disk. `geometry` is the default CHS translation; all zero: 16 heads, 63 sectors.
    AtaDisk(Clock& clock, BlockMedium& medium, DiskGeometry geometry = {}, const AtaNames& names = {});

    [[nodiscard]] DiskGeometry geometry() const { return default_geometry_; }

  private:
    enum class Addressing : u8 { Chs, Lba28, Lba48 };
    enum class Kind : u8 { Read, Write, Verify };
    enum class Move : u8 { Pio, Dma };
    enum class Step : u8 { None, NextBlock, Store, Finish, Reject, Flush, Identify, GiveBuffer, StoreBuffer };
    enum class Power : u8 { Active, Idle, Standby, Sleep };

    struct Transfer {
        Kind kind = Kind::Read;
        Move move = Move::Pio;
        Addressing addressing = Addressing::Lba28;
        u64 lba = 0;       // the next sector
        u32 remaining = 0; // sectors still to go
        u32 block = 1;     // sectors a block
        u32 present = 0;   // sectors in the block that is being moved
    };

    void start(u8 command) override;
    void work() override;
    void block_done() override;
    void restart() override;
    [[nodiscard]] u8 ready_status() const override;
    void put_signature() override { put_in_signature(0, 0); }

    void begin(Kind kind, Move move, Addressing addressing, u32 block = 1);
    [[nodiscard]] bool locate(Addressing addressing, u64& lba) const;
    [[nodiscard]] u32 sector_count(Addressing addressing) const;
    [[nodiscard]] Addressing short_addressing() const;
    void next_block();
    void next_read();
    void next_verify();
    void store_block();
    void show_address();
    void fail_at_present_sector(MediumStatus status);
    void after(Nanoseconds duration, Step step);
    void reject(u8 error); // the command ends with this error after the usual time

    void transfer_command(u8 command);
    void control_command(u8 command);
    void power_command(u8 command);
    void identify();
    void identify_capabilities();
    void identify_geometry();
    void set_word(unsigned word, u32 value);
    void set_text(unsigned first_word, unsigned words, std::string_view text);
    void initialize_device_parameters();
    void set_features();
    [[nodiscard]] bool set_transfer_mode(u8 mode);
    void set_multiple_mode();
    void read_native_max(Addressing addressing);
    void seek();
    void put_power_mode();

    BlockMedium& medium_;
    DiskGeometry default_geometry_;
    DiskGeometry geometry_; // the present translation
    AtaNames names_;
    Transfer transfer_;
    Step step_ = Step::None;
    u8 rejection_ = 0;
    Power power_ = Power::Active;
    u32 multiple_ = 0;          // sectors a block of READ and WRITE MULTIPLE; 0: disabled
    u8 multiword_dma_mode_ = 0; // bit n: mode n is selected (word 63)
    u8 ultra_dma_mode_ = 0;     // the same (word 88)
    bool write_cache_ = true;
    bool look_ahead_ = true;
    std::array<u8, BlockMedium::sector_size> sector_buffer_{}; // READ BUFFER and WRITE BUFFER
};

} // namespace truering

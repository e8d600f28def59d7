// An ATA device as the cable sees it: its task file, its data register, its two pins. AtaDisk and AtapiCdrom derive
// from it and add their commands.
//
// Idea: every drive has its own task file, as on the real cable: both drives latch what the host writes, the selected
// one answers reads and executes. A command is a walk through phases:
//
//     Idle -> Busy -> DataIn or DataOut (a DRQ block) -> Busy -> ... -> Idle
//
// Busy always lasts until an alarm on the clock, so interrupts arrive asynchronously and, under a deterministic clock,
// at the same instruction in every run. DmaIn and DmaOut are the same blocks moved by a bus master: DMARQ stands
// instead of DRQ, and no interrupt announces the block.
//
// Invariants: `position_` <= `length_` <= the buffer's size. The pins follow the phase: DMARQ is high exactly in a DMA
// phase; INTRQ rises when the drive wants attention and falls when the status register is read or a command written.
// Nothing that the host does outside the present phase has an effect.
//
// Source: ATA/ATAPI-4 (T13/1153D) chapters 7 to 9; ATA/ATAPI-6 for the second bytes of the 48-bit registers.
#pragma once

#include "base/bits.hpp"
#include "memory/clock.hpp"
#include "memory/line.hpp"

#include <array>
#include <span>

namespace truering {

// Offsets in the command block. Error and Status are read where Features and Command are written.
enum class AtaReg : u8 {
    Data = 0,
    ErrorFeatures = 1,
    SectorCount = 2,
    LbaLow = 3,  // sector number
    LbaMid = 4,  // cylinder low
    LbaHigh = 5, // cylinder high
    Device = 6,  // device/head
    StatusCommand = 7,
};

namespace ata_status {
inline constexpr u8 ERR = 1 << 0; // CHK for packet commands
inline constexpr u8 DRQ = 1 << 3;
inline constexpr u8 DSC = 1 << 4;
inline constexpr u8 DF = 1 << 5;
inline constexpr u8 DRDY = 1 << 6;
inline constexpr u8 BSY = 1 << 7;
} // namespace ata_status

namespace ata_error {
inline constexpr u8 ABRT = 1 << 2;
inline constexpr u8 IDNF = 1 << 4;
inline constexpr u8 WP = 1 << 6;  // on writes
inline constexpr u8 UNC = 1 << 6; // on reads
} // namespace ata_error

namespace ata_device {
inline constexpr u8 DEV = 1 << 4;
inline constexpr u8 LBA = 1 << 6;
inline constexpr u8 obsolete_ones = 0xA0;
} // namespace ata_device

class IdeDrive {
  public:
    virtual ~IdeDrive() = default;
    IdeDrive(const IdeDrive&) = delete;
    IdeDrive& operator=(const IdeDrive&) = delete;

    // Power-on.
    void reset();

    // The cable: number is 0 or 1.
    void set_number(unsigned number) { number_ = number; }
    [[nodiscard]] unsigned number() const { return number_; }

    // Registers but Data. With `previous`, the byte written before the last one (the HOB bit of device control).
    [[nodiscard]] u8 read_register(AtaReg reg, bool previous) const;
    void write_register(AtaReg reg, u8 value);
    [[nodiscard]] u8 status() const { return status_; }
    void acknowledge_interrupt() { intrq.lower(); } // the host read the status register

    void write_command(u8 command);

    // The data register, 16 bits at a time.
    u16 read_data();
    void write_data(u16 value);

    // A bus master's cycles: they move at most what the present DMA block holds, and return how many bytes that was.
    size_t dma_read(std::span<u8> to);
    size_t dma_write(std::span<const u8> from);
    [[nodiscard]] bool wants_to_send() const { return phase_ == Phase::DmaIn; }

    // SRST in the device control register: the drive is busy while it stands, and starts anew when it falls.
    void soft_reset(bool level);

    // EXECUTE DEVICE DIAGNOSTIC reaches both drives.
    void execute_diagnostic();

    // Before the channel's gate of nIEN and drive selection.
    Line intrq;
    Line dmarq;

  protected:
    explicit IdeDrive(Clock& clock) : clock_(clock), alarm_(Alarm::calling<&IdeDrive::alarm_fired>(*this)) {}

    enum class Phase : u8 { Idle, Busy, DataIn, DataOut, DmaIn, DmaOut };

    static constexpr size_t buffer_size = 65536;

    // The command's part. `start` is called with BSY clear, ERR and DF clear, INTRQ low; it ends with `finish`, `fail`
    // or one of the phases below. `work` follows `busy_for`; `block_done` follows a data phase.
    virtual void start(u8 command) = 0;
    virtual void work() = 0;
    virtual void block_done() = 0;
    virtual void restart() = 0;                        // state other than the task file, after power-on or SRST
    [[nodiscard]] virtual u8 ready_status() const = 0; // status after a reset
    virtual void put_signature() = 0;
    [[nodiscard]] virtual bool obeys_while_busy(u8 /*command*/) const { return false; } // DEVICE RESET

    // Phases.
    void busy_for(Nanoseconds duration);
    void give_block(size_t length); // to the host by PIO; INTRQ
    void take_block(size_t length); // from the host by PIO; no INTRQ
    void give_by_dma(size_t length);
    void take_by_dma(size_t length);
    void finish();          // success: DRDY, INTRQ
    void finish_silently(); // the same without an interrupt
    void fail(u8 error, u8 extra_status = 0);
    void stop(); // whatever is going on ends: Idle, pins low, alarm off

    void put_in_signature(u8 mid, u8 high);

    // The task file, and the bytes written before.
    struct TaskFile {
        u8 features = 0;
        u8 count = 0;
        u8 lba_low = 0;
        u8 lba_mid = 0;
        u8 lba_high = 0;
    };
    TaskFile now_;
    TaskFile previous_;
    u8 device_ = ata_device::obsolete_ones;
    u8 error_ = 0;
    u8 status_ = 0;

    [[nodiscard]] Phase phase() const { return phase_; }
    std::array<u8, buffer_size> buffer_{};

  private:
    void alarm_fired();
    void end_of_block();
    void data_phase(Phase phase, size_t length);

    Clock& clock_;
    Alarm alarm_;
    unsigned number_ = 0;
    Phase phase_ = Phase::Idle;
    bool restarting_ = false;
    size_t position_ = 0;
    size_t length_ = 0;
};

} // namespace truering

// The floppy disk controller Intel 82078, at ports 3F0H to 3F5H and 3F7H, with IRQ 6 and DMA channel 2.
//
// Idea: a command passes through three phases, as the datasheet has them: command bytes from the host, execution, and
// result bytes to the host. Execution always takes time on the clock. Sectors go through a buffer of one sector, moved
// by DMA as a whole (TC from the DMA controller ends the command) or byte by byte through the FIFO register (the end of
// the cylinder ends it, which the controller then calls an error).
//
// Simplifications that software cannot tell from a fast drive: a step takes 20 us and a sector 100 us whatever SPECIFY
// and the rate say; motors need no time to spin up; gaps, head load and unload times are accepted and kept only to be
// read back. Raw images know neither deleted data marks nor foreign sector IDs: WRITE DELETED DATA writes normal
// sectors, and FORMAT TRACK fills those sectors that the medium has.
//
// Invariants: interrupts and DMA reach the bus only while DMAGATE is set; a drive's busy bit stands exactly while it
// seeks; `parameters_` never holds more bytes than the command needs.
//
// Source: Intel 82078 datasheet (290475), chapters 2 (registers), 4 (phases) to 6 (status registers).
#pragma once

#include "devices/dma_channel.hpp"
#include "devices/floppy_drive.hpp"
#include "memory/clock.hpp"
#include "memory/line.hpp"
#include "memory/port_bus.hpp"

#include <array>
#include <span>

namespace truering {

class Fdc82078 final : public PortDevice {
  public:
    static constexpr u16 base = 0x3F0;
    static constexpr unsigned drive_count = 2;

    // `type_a` and `type_b` as CMOS has them; None for no drive.
    Fdc82078(Clock& clock, FloppyDriveType type_a, FloppyDriveType type_b);
    Fdc82078(const Fdc82078&) = delete;
    Fdc82078& operator=(const Fdc82078&) = delete;

    void connect_dma(DmaChannel& channel) { dma_ = &channel; }
    void map(PortBus& bus);
    void reset(); // the RESET pin

    [[nodiscard]] FloppyDrive& drive(unsigned number) { return drives_[number & 1]; }
    [[nodiscard]] bool is_motor_on(unsigned number) const { return test_motor(number); }

    Line irq; // IRQ 6

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    enum class Reg : u8 { SRA = 0, SRB = 1, DOR = 2, TDR = 3, MSR_DSR = 4, FIFO = 5, DIR_CCR = 7 };
    enum class Phase : u8 { Command, Execution, Result };
    enum class Operation : u8 { Read, Write, ReadTrack, Verify, Format };
    enum class DeletedData : u8 { No, Yes };

    // What the host said about the data command that is being executed, and how far it is.
    struct Transfer {
        Operation operation = Operation::Read;
        DeletedData deleted = DeletedData::No;
        u8 unit = 0;
        u8 head = 0; // of the drive; H of the ID may differ
        bool mt = false;
        bool mfm = false;
        bool sk = false;
        u8 C = 0, H = 0, R = 0, N = 0, EOT = 0;
        u32 sectors_left = 0; // of VERIFY with EC, and FORMAT
        u8 filler = 0;        // of FORMAT
        u8 track_sector = 0;  // READ TRACK counts by itself
        size_t position = 0;  // in the sector buffer
        size_t length = 0;
        bool terminal_count = false;
        unsigned waits = 0; // times that DMA had nothing to offer
    };

    static constexpr size_t most_parameters = 17;

    // Registers.
    [[nodiscard]] u8 read_register(Reg reg);
    void write_register(Reg reg, u8 value);
    [[nodiscard]] u8 main_status() const;
    [[nodiscard]] u8 status_a() const;
    void write_dor(u8 value);
    void write_dsr(u8 value);
    u8 read_fifo();
    void write_fifo(u8 value);
    [[nodiscard]] bool test_motor(unsigned number) const { return (dor_ >> (4 + (number & 3)) & 1) != 0; }

    // Phases and interrupts.
    void controller_reset();
    void end_of_reset();
    void begin_command(u8 value);
    void execute();
    void result(std::span<const u8> bytes);
    void result_with_interrupt(std::span<const u8> bytes);
    void invalid_command();
    void command_phase();
    void set_interrupt(bool pending);
    void follow_interrupt();
    void alarm_fired();
    void seek_alarm_fired();

    // Commands without data.
    void execute_control(u8 opcode);
    void specify();
    void sense_drive_status();
    void sense_interrupt_status();
    void recalibrate();
    void seek();
    void relative_seek();
    void begin_seek(u8 unit, u8 cylinder, unsigned steps);
    void step_drive(u8 unit, u8 target);
    void configure();
    void dump_registers();
    void lock(bool on);
    void perpendicular_mode();
    void save();
    void restore();
    void read_id();

    // Data commands (fdc_82078_transfer.cpp).
    void begin_transfer(Operation operation, DeletedData deleted);
    void begin_format();
    void transfer_step();
    [[nodiscard]] bool find_track();
    [[nodiscard]] bool find_sector();
    void next_sector();
    void move_data();
    void move_by_dma();
    void data_complete();
    [[nodiscard]] bool store_sector();
    [[nodiscard]] bool format_sector();
    [[nodiscard]] bool advance();
    void end_transfer(u8 st0_code, u8 st1, u8 st2);
    [[nodiscard]] u8 read_data_byte();
    void write_data_byte(u8 value);
    void announce_bytes();
    [[nodiscard]] bool host_gives() const;
    [[nodiscard]] size_t threshold() const;
    void after(Nanoseconds duration);

    [[nodiscard]] FloppyDrive* unit_drive(u8 unit);

    Clock& clock_;
    Alarm alarm_;
    Alarm seek_alarm_;
    DmaChannel* dma_ = nullptr;
    std::array<FloppyDrive, drive_count> drives_;

    u8 dor_ = 0;
    u8 tdr_ = 0;
    u8 dsr_ = 0;
    Phase phase_ = Phase::Command;
    std::array<u8, most_parameters> parameters_{};
    size_t parameters_given_ = 0;
    size_t parameters_wanted_ = 0;
    std::array<u8, 16> results_{};
    size_t results_given_ = 0;
    size_t results_taken_ = 0;
    bool resetting_ = false;
    bool interrupt_ = false; // before DMAGATE
    bool pio_ready_ = false; // a byte waits for the host, or the host for one

    struct Unit {
        u8 present_cylinder = 0; // PCN
        u8 target = 0;
        bool recalibrating = false;
        unsigned steps = 0;
        bool seeking = false;
        bool status_pending = false; // for SENSE INTERRUPT STATUS
        u8 status = 0;               // ST0
    };
    std::array<Unit, 4> units_{};

    // SPECIFY, CONFIGURE, PERPENDICULAR MODE, LOCK.
    u8 step_and_unload_time_ = 0;
    u8 load_time_and_nd_ = 0;
    u8 config_ = 0;
    u8 precompensation_track_ = 0;
    u8 perpendicular_ = 0;
    bool locked_ = false;

    Transfer transfer_;
    std::array<u8, 512> buffer_{};
};

} // namespace truering

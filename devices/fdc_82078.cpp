#include "devices/fdc_82078.hpp"

#include "base/bits.hpp"
#include "devices/fdc_82078_bits.hpp"

#include <algorithm>
#include <utility>

namespace truering {

using namespace fdc;

namespace {

constexpr Nanoseconds reset_duration = 20'000;
constexpr Nanoseconds step_duration = 20'000;
constexpr Nanoseconds settle_duration = 50'000;
constexpr Nanoseconds read_id_duration = 100'000;

// Parameter bytes of a command, its first byte not counted; a negative number for a command that does not exist.
int parameter_count(u8 opcode) {
    switch (opcode & 0x1F) {
    case READ_DATA:
    case READ_DELETED_DATA:
    case VERIFY: return 8;
    case WRITE_DATA:
    case WRITE_DELETED_DATA: return (opcode & 0x20) == 0 ? 8 : -1;
    case READ_TRACK: return (opcode & 0xA0) == 0 ? 8 : -1;
    case FORMAT_TRACK: return (opcode & 0xA0) == 0 ? 5 : -1;
    case READ_ID: return (opcode & 0xA0) == 0 ? 1 : -1;
    default: break;
    }
    switch (opcode) {
    case SENSE_INTERRUPT_STATUS:
    case DUMPREG:
    case VERSION:
    case LOCK:
    case UNLOCK:
    case PART_ID:
    case SAVE: return 0;
    case RECALIBRATE:
    case SENSE_DRIVE_STATUS:
    case PERPENDICULAR_MODE:
    case POWERDOWN_MODE:
    case OPTION: return 1;
    case SPECIFY:
    case SEEK:
    case RELATIVE_SEEK_OUT:
    case RELATIVE_SEEK_IN: return 2;
    case CONFIGURE: return 3;
    case RESTORE: return 16;
    case DRIVE_SPECIFICATION: return 1; // more follow until one has DONE set
    default: return -1;
    }
}

} // namespace

Fdc82078::Fdc82078(Clock& clock, FloppyDriveType type_a, FloppyDriveType type_b)
    : clock_(clock), alarm_(Alarm::calling<&Fdc82078::alarm_fired>(*this)),
      seek_alarm_(Alarm::calling<&Fdc82078::seek_alarm_fired>(*this)), drives_{FloppyDrive(type_a),
                                                                               FloppyDrive(type_b)} {
    reset();
}

// 3F6H in between belongs to the disk controller.
void Fdc82078::map(PortBus& bus) {
    bus.map(base, 6, *this);
    bus.map(base + 7, 1, *this);
}

FloppyDrive* Fdc82078::unit_drive(u8 unit) {
    return unit < drive_count && drives_[unit].is_present() ? &drives_[unit] : nullptr;
}

// --- registers

u32 Fdc82078::read_port(u16 port, unsigned) { return read_register(static_cast<Reg>(port & 7)); }

void Fdc82078::write_port(u16 port, u32 value, unsigned) {
    write_register(static_cast<Reg>(port & 7), static_cast<u8>(value));
}

u8 Fdc82078::read_register(Reg reg) {
    switch (reg) {
    case Reg::SRA: return status_a();
    case Reg::SRB: // DRV2-type bits above, then drive select 0 and the two motors
        return static_cast<u8>(0xC0 | (dor_ & 1) << 5 | (test_motor(1) ? 2 : 0) | (test_motor(0) ? 1 : 0));
    case Reg::DOR: return dor_;
    case Reg::TDR: return tdr_;
    case Reg::MSR_DSR: return main_status();
    case Reg::FIFO: return read_fifo();
    case Reg::DIR_CCR: {
        const FloppyDrive* selected = unit_drive(dor_ & 3);
        return selected != nullptr && selected->disk_changed() ? u8{0x80} : u8{0};
    }
    }
    return 0xFF;
}

u8 Fdc82078::status_a() const {
    const u8 unit = dor_ & 3;
    const bool at_0 = unit < drive_count && drives_[unit].at_track_0();
    const bool protect = unit < drive_count && drives_[unit].write_protected();
    u8 value = drives_[1].is_present() ? 0 : 0x40; // DRV2#
    value = with_bit(value, 7, interrupt_);
    value = with_bit(value, 4, !at_0);
    value = with_bit(value, 3, transfer_.head != 0);
    return with_bit(value, 1, !protect);
}

u8 Fdc82078::main_status() const {
    u8 value = 0;
    for (unsigned i = 0; i < units_.size(); ++i) value = with_bit(value, i, units_[i].seeking);
    if (resetting_) return 0;
    switch (phase_) {
    case Phase::Command: return static_cast<u8>(value | MSR_RQM | (parameters_given_ != 0 ? MSR_CB : 0));
    case Phase::Result: return static_cast<u8>(value | MSR_RQM | MSR_DIO | MSR_CB);
    case Phase::Execution: break;
    }
    value |= MSR_CB;
    if ((load_time_and_nd_ & ND) == 0) return value;
    value |= MSR_NDMA;
    if (!host_gives()) value |= MSR_DIO;
    return pio_ready_ ? static_cast<u8>(value | MSR_RQM) : value;
}

void Fdc82078::write_register(Reg reg, u8 value) {
    switch (reg) {
    case Reg::DOR: return write_dor(value);
    case Reg::TDR: tdr_ = value & 3; return;
    case Reg::MSR_DSR: return write_dsr(value);
    case Reg::FIFO: return write_fifo(value);
    case Reg::DIR_CCR: dsr_ = static_cast<u8>((dsr_ & ~3) | (value & 3)); return;
    default: return; // SRA and SRB are for reading
    }
}

void Fdc82078::write_dor(u8 value) {
    const u8 changed = dor_ ^ value;
    dor_ = value;
    if ((changed & DOR_RESET) != 0) {
        if ((value & DOR_RESET) == 0) {
            controller_reset();
            resetting_ = true;
        } else {
            clock_.arm(alarm_, clock_.now() + reset_duration);
        }
    }
    follow_interrupt();
}

// Bit 7 resets and clears itself.
void Fdc82078::write_dsr(u8 value) {
    dsr_ = value & 0x7F;
    if ((value & 0x80) == 0 || (dor_ & DOR_RESET) == 0) return;
    controller_reset();
    resetting_ = true;
    clock_.arm(alarm_, clock_.now() + reset_duration);
}

void Fdc82078::write_fifo(u8 value) {
    if (resetting_) return;
    if (phase_ == Phase::Execution) return write_data_byte(value);
    if (phase_ != Phase::Command) return;
    if (parameters_given_ == 0) return begin_command(value);
    parameters_[parameters_given_++] = value;
    // DRIVE SPECIFICATION is the one command whose length its own bytes tell.
    const bool goes_on =
        parameters_[0] == DRIVE_SPECIFICATION && (value & 0x80) == 0 && parameters_given_ < most_parameters;
    if (parameters_given_ > parameters_wanted_ && !goes_on) execute();
}

u8 Fdc82078::read_fifo() {
    if (resetting_) return 0;
    if (phase_ == Phase::Execution) return read_data_byte();
    if (phase_ != Phase::Result) return 0;
    set_interrupt(false);
    const u8 value = results_[results_taken_++];
    if (results_taken_ == results_given_) command_phase();
    return value;
}

// --- phases and interrupts

void Fdc82078::reset() {
    dor_ = tdr_ = 0;
    dsr_ = static_cast<u8>(FloppyRate::Kbps250);
    locked_ = false;
    step_and_unload_time_ = load_time_and_nd_ = 0;
    controller_reset();
    resetting_ = true; // until software sets RESET# in DOR
}

// What DOR, DSR and the pin reset alike: LOCK keeps the FIFO's settings. SPECIFY's survive, and the cylinder numbers
// stay those of the heads, which no reset moves.
void Fdc82078::controller_reset() {
    clock_.disarm(alarm_);
    clock_.disarm(seek_alarm_);
    if (!locked_) {
        config_ = CONFIG_EFIFO; // FIFO off, as after the pin
        precompensation_track_ = 0;
    }
    config_ &= static_cast<u8>(~(CONFIG_POLL | CONFIG_EIS));
    perpendicular_ &= 0xFC; // the bits of single drives stay
    transfer_ = {};
    pio_ready_ = false;
    for (Unit& unit : units_) unit.seeking = unit.status_pending = false;
    command_phase();
    set_interrupt(false);
    if (dma_ != nullptr) dma_->set_dreq(false);
}

// Polling finds that every drive has become ready: four statuses to sense, one interrupt.
void Fdc82078::end_of_reset() {
    resetting_ = false;
    for (u8 i = 0; i < units_.size(); ++i) {
        units_[i].status_pending = true;
        units_[i].status = ST0_IC_POLLING | i;
    }
    set_interrupt(true);
}

void Fdc82078::set_interrupt(bool pending) {
    interrupt_ = pending;
    follow_interrupt();
}

void Fdc82078::follow_interrupt() { irq.set(interrupt_ && (dor_ & DOR_DMAGATE) != 0); }

void Fdc82078::command_phase() {
    phase_ = Phase::Command;
    parameters_given_ = 0;
    results_given_ = results_taken_ = 0;
}

void Fdc82078::begin_command(u8 value) {
    const int count = parameter_count(value);
    if (count < 0) return invalid_command();
    parameters_[0] = value;
    parameters_given_ = 1;
    parameters_wanted_ = static_cast<size_t>(count);
    if (count == 0) execute();
}

void Fdc82078::result(std::span<const u8> bytes) {
    phase_ = Phase::Result;
    results_taken_ = 0;
    results_given_ = std::min(bytes.size(), results_.size());
    std::copy_n(bytes.begin(), results_given_, results_.begin());
}

void Fdc82078::result_with_interrupt(std::span<const u8> bytes) {
    result(bytes);
    set_interrupt(true);
}

void Fdc82078::invalid_command() {
    constexpr std::array<u8, 1> st0{ST0_IC_INVALID};
    result(st0);
}

void Fdc82078::after(Nanoseconds duration) { clock_.arm(alarm_, clock_.now() + duration); }

void Fdc82078::alarm_fired() {
    if (resetting_) return end_of_reset();
    if (phase_ != Phase::Execution) return;
    if ((parameters_[0] & 0x1F) == READ_ID) return read_id();
    transfer_step();
}

// --- commands

void Fdc82078::execute() {
    const u8 opcode = parameters_[0];
    phase_ = Phase::Execution;
    switch (opcode & 0x1F) {
    case READ_DATA: return begin_transfer(Operation::Read, DeletedData::No);
    case READ_DELETED_DATA: return begin_transfer(Operation::Read, DeletedData::Yes);
    case WRITE_DATA: return begin_transfer(Operation::Write, DeletedData::No);
    case WRITE_DELETED_DATA: return begin_transfer(Operation::Write, DeletedData::Yes);
    case READ_TRACK: return begin_transfer(Operation::ReadTrack, DeletedData::No);
    case VERIFY: return begin_transfer(Operation::Verify, DeletedData::No);
    case FORMAT_TRACK: return begin_format();
    case READ_ID: return after(read_id_duration);
    default: break;
    }
    execute_control(opcode);
}

void Fdc82078::execute_control(u8 opcode) {
    constexpr u8 enhanced_controller = 0x90;
    constexpr u8 part_82078 = 0x41;
    switch (opcode) {
    case SPECIFY: return specify();
    case SENSE_DRIVE_STATUS: return sense_drive_status();
    case SENSE_INTERRUPT_STATUS: return sense_interrupt_status();
    case RECALIBRATE: return recalibrate();
    case SEEK: return seek();
    case RELATIVE_SEEK_OUT:
    case RELATIVE_SEEK_IN: return relative_seek();
    case CONFIGURE: return configure();
    case DUMPREG: return dump_registers();
    case PERPENDICULAR_MODE: return perpendicular_mode();
    case LOCK: return lock(true);
    case UNLOCK: return lock(false);
    case SAVE: return save();
    case RESTORE: return restore();
    case VERSION: return result(std::array{enhanced_controller});
    case PART_ID: return result(std::array{part_82078});
    case POWERDOWN_MODE: return result(std::array{parameters_[1]});
    default: return command_phase(); // OPTION and DRIVE SPECIFICATION: nothing that a raw disk would notice
    }
}

void Fdc82078::specify() {
    step_and_unload_time_ = parameters_[1];
    load_time_and_nd_ = parameters_[2];
    command_phase();
}

void Fdc82078::sense_drive_status() {
    const u8 unit = parameters_[1] & 3;
    const FloppyDrive* drive = unit_drive(unit);
    u8 st3 = static_cast<u8>(ST3_ALWAYS_1 | (parameters_[1] & 7));
    if (drive != nullptr && drive->at_track_0()) st3 |= ST3_T0;
    if (drive != nullptr && drive->write_protected()) st3 |= ST3_WP;
    result(std::array{st3});
}

// Lowest drive first. Without anything to tell, the command counts as invalid.
void Fdc82078::sense_interrupt_status() {
    const auto pending = std::find_if(units_.begin(), units_.end(), [](const Unit& u) { return u.status_pending; });
    if (pending == units_.end()) return invalid_command();
    pending->status_pending = false;
    result(std::array{pending->status, pending->present_cylinder});
    set_interrupt(false);
    const bool another_seek_ended = std::any_of(units_.begin(), units_.end(), [](const Unit& u) {
        return u.status_pending && (u.status & ST0_IC_POLLING) != ST0_IC_POLLING;
    });
    if (another_seek_ended) set_interrupt(true);
}

void Fdc82078::begin_seek(u8 unit, u8 cylinder, unsigned steps) {
    Unit& u = units_[unit];
    u.target = cylinder;
    u.steps = steps;
    u.seeking = true;
    u.status_pending = false;
    u.status = static_cast<u8>(ST0_SE | (parameters_[1] & 7));
    command_phase();
    clock_.arm(seek_alarm_, clock_.now() + settle_duration + step_duration * steps);
}

void Fdc82078::recalibrate() {
    constexpr unsigned most_steps = 79;
    const u8 unit = parameters_[1] & 3;
    parameters_[1] = unit; // there is no head in this command
    units_[unit].recalibrating = true;
    begin_seek(unit, 0, most_steps);
}

void Fdc82078::seek() {
    const u8 unit = parameters_[1] & 3;
    const unsigned here = units_[unit].present_cylinder;
    const unsigned there = parameters_[2];
    units_[unit].recalibrating = false;
    begin_seek(unit, parameters_[2], here > there ? here - there : there - here);
}

void Fdc82078::relative_seek() {
    const u8 unit = parameters_[1] & 3;
    const u8 distance = parameters_[2];
    const u8 here = units_[unit].present_cylinder;
    units_[unit].recalibrating = false;
    const bool inwards = parameters_[0] == RELATIVE_SEEK_IN;
    begin_seek(unit, static_cast<u8>(inwards ? here + distance : here - distance), distance);
}

// Seeks of several drives overlap; here they end together.
void Fdc82078::seek_alarm_fired() {
    bool any = false;
    for (u8 i = 0; i < units_.size(); ++i) {
        Unit& unit = units_[i];
        if (!unit.seeking) continue;
        step_drive(i, unit.target);
        unit.seeking = false;
        unit.status_pending = true;
        any = true;
    }
    if (any) set_interrupt(true);
}

// RECALIBRATE steps until the track 0 sensor answers, which for a drive that is not there it never does.
void Fdc82078::step_drive(u8 number, u8 target) {
    Unit& unit = units_[number];
    FloppyDrive* drive = unit_drive(number);
    if (unit.recalibrating) {
        if (drive != nullptr && !drive->at_track_0()) drive->step_out(unit.steps);
        if (drive == nullptr || !drive->at_track_0()) unit.status |= ST0_EC | ST0_IC_ABNORMAL;
        unit.present_cylinder = 0;
        return;
    }
    const unsigned here = unit.present_cylinder;
    if (drive != nullptr && target > here) drive->step_in(target - here);
    if (drive != nullptr && target < here) drive->step_out(here - target);
    unit.present_cylinder = target;
}

void Fdc82078::configure() {
    config_ = parameters_[2] & 0x7F;
    precompensation_track_ = parameters_[3];
    command_phase();
}

// Bits of single drives change only with OW set.
void Fdc82078::perpendicular_mode() {
    const u8 value = parameters_[1];
    const u8 drive_bits = (value & 0x80) != 0 ? value : perpendicular_;
    perpendicular_ = static_cast<u8>((drive_bits & 0x3C) | (value & 0x03));
    command_phase();
}

void Fdc82078::lock(bool on) {
    locked_ = on;
    result(std::array{static_cast<u8>(on ? 0x10 : 0)});
}

void Fdc82078::dump_registers() {
    const u8 perpendicular = static_cast<u8>((locked_ ? 0x80 : 0) | (perpendicular_ & 0x3F));
    result(std::array{units_[0].present_cylinder, units_[1].present_cylinder, units_[2].present_cylinder,
                      units_[3].present_cylinder, step_and_unload_time_, load_time_and_nd_, transfer_.EOT,
                      perpendicular, config_, precompensation_track_});
}

void Fdc82078::save() {
    const u8 perpendicular = static_cast<u8>((locked_ ? 0x80 : 0) | (perpendicular_ & 0x3F));
    result(std::array<u8, 16>{dsr_, 0, 0, units_[0].present_cylinder, units_[1].present_cylinder,
                              units_[2].present_cylinder, units_[3].present_cylinder, step_and_unload_time_,
                              load_time_and_nd_, transfer_.EOT, perpendicular, config_, precompensation_track_, 0, 0,
                              0});
}

void Fdc82078::restore() {
    dsr_ = parameters_[1] & 0x7F;
    for (size_t i = 0; i < units_.size(); ++i) units_[i].present_cylinder = parameters_[4 + i];
    step_and_unload_time_ = parameters_[8];
    load_time_and_nd_ = parameters_[9];
    transfer_.EOT = parameters_[10];
    locked_ = (parameters_[11] & 0x80) != 0;
    perpendicular_ = parameters_[11] & 0x3F;
    config_ = parameters_[12] & 0x7F;
    precompensation_track_ = parameters_[13];
    command_phase();
}

} // namespace truering

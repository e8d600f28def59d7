#include "devices/ata_disk.hpp"

#include "devices/ata_commands.hpp"

#include <algorithm>
#include <utility>

namespace truering {

namespace {

constexpr Nanoseconds command_delay = 20'000; // decode, seek and the first sector
constexpr Nanoseconds block_delay = 5'000;    // from one block to the next
constexpr Nanoseconds write_delay = 10'000;
constexpr u32 dma_block = 128; // sectors; fills the buffer of IdeDrive
constexpr u64 lba28_limit = 0x0FFF'FFFF;

DiskGeometry standard_geometry(u64 sectors) {
    constexpr u32 heads = 16;
    constexpr u32 track = 63;
    const u64 cylinders = std::clamp<u64>(sectors / (heads * track), 1, 16383);
    return {static_cast<u32>(cylinders), heads, track};
}

} // namespace

AtaDisk::AtaDisk(Clock& clock, BlockMedium& medium, DiskGeometry geometry, const AtaNames& names)
    : IdeDrive(clock), medium_(medium),
      default_geometry_(geometry.total() != 0 ? geometry : standard_geometry(medium.sectors())),
      geometry_(default_geometry_), names_(names) {
    reset();
}

u8 AtaDisk::ready_status() const { return ata_status::DRDY | ata_status::DSC; }

void AtaDisk::restart() {
    constexpr unsigned default_mode = 2; // multiword DMA mode 2: what every controller of the time can do
    transfer_ = {};
    step_ = Step::None;
    power_ = Power::Active;
    geometry_ = default_geometry_;
    multiple_ = 0;
    multiword_dma_mode_ = bit<u8>(default_mode);
    ultra_dma_mode_ = 0;
    write_cache_ = look_ahead_ = true;
}

// Out of SLEEP only a reset leads.
void AtaDisk::start(u8 command) {
    if (power_ == Power::Sleep) return;
    step_ = Step::None;
    if ((command & 0xF0) == static_cast<u8>(AtaCommand::Recalibrate)) return after(command_delay, Step::Finish);
    if ((command & 0xF0) == static_cast<u8>(AtaCommand::Seek)) return seek();
    transfer_command(command);
}

void AtaDisk::transfer_command(u8 command) {
    const u32 multiple = multiple_;
    switch (static_cast<AtaCommand>(command)) {
    case AtaCommand::ReadSectors:
    case AtaCommand::ReadSectorsNoRetry: return begin(Kind::Read, Move::Pio, short_addressing());
    case AtaCommand::ReadSectorsExt: return begin(Kind::Read, Move::Pio, Addressing::Lba48);
    case AtaCommand::ReadMultiple: return begin(Kind::Read, Move::Pio, short_addressing(), multiple);
    case AtaCommand::ReadMultipleExt: return begin(Kind::Read, Move::Pio, Addressing::Lba48, multiple);
    case AtaCommand::ReadDma:
    case AtaCommand::ReadDmaNoRetry: return begin(Kind::Read, Move::Dma, short_addressing(), dma_block);
    case AtaCommand::ReadDmaExt: return begin(Kind::Read, Move::Dma, Addressing::Lba48, dma_block);
    case AtaCommand::WriteSectors:
    case AtaCommand::WriteSectorsNoRetry:
    case AtaCommand::WriteVerify: return begin(Kind::Write, Move::Pio, short_addressing());
    case AtaCommand::WriteSectorsExt: return begin(Kind::Write, Move::Pio, Addressing::Lba48);
    case AtaCommand::WriteMultiple: return begin(Kind::Write, Move::Pio, short_addressing(), multiple);
    case AtaCommand::WriteMultipleExt: return begin(Kind::Write, Move::Pio, Addressing::Lba48, multiple);
    case AtaCommand::WriteDma:
    case AtaCommand::WriteDmaNoRetry: return begin(Kind::Write, Move::Dma, short_addressing(), dma_block);
    case AtaCommand::WriteDmaExt: return begin(Kind::Write, Move::Dma, Addressing::Lba48, dma_block);
    case AtaCommand::ReadVerify:
    case AtaCommand::ReadVerifyNoRetry: return begin(Kind::Verify, Move::Pio, short_addressing(), dma_block);
    case AtaCommand::ReadVerifyExt: return begin(Kind::Verify, Move::Pio, Addressing::Lba48, dma_block);
    default: control_command(command);
    }
}

void AtaDisk::control_command(u8 command) {
    switch (static_cast<AtaCommand>(command)) {
    case AtaCommand::IdentifyDevice: return after(command_delay, Step::Identify);
    case AtaCommand::InitializeDeviceParameters: return initialize_device_parameters();
    case AtaCommand::SetFeatures: return set_features();
    case AtaCommand::SetMultipleMode: return set_multiple_mode();
    case AtaCommand::FlushCache:
    case AtaCommand::FlushCacheExt: return after(command_delay, Step::Flush);
    case AtaCommand::ReadNativeMax: return read_native_max(short_addressing());
    case AtaCommand::ReadNativeMaxExt: return read_native_max(Addressing::Lba48);
    case AtaCommand::ReadBuffer: return after(command_delay, Step::GiveBuffer);
    case AtaCommand::WriteBuffer: step_ = Step::StoreBuffer; return take_block(BlockMedium::sector_size);
    default: power_command(command);
    }
}

void AtaDisk::power_command(u8 command) {
    switch (static_cast<AtaCommand>(command)) {
    case AtaCommand::StandbyImmediate:
    case AtaCommand::StandbyImmediateOld:
    case AtaCommand::Standby:
    case AtaCommand::StandbyOld: power_ = Power::Standby; break;
    case AtaCommand::IdleImmediate:
    case AtaCommand::IdleImmediateOld:
    case AtaCommand::Idle:
    case AtaCommand::IdleOld: power_ = Power::Idle; break;
    case AtaCommand::Sleep:
    case AtaCommand::SleepOld: power_ = Power::Sleep; break;
    case AtaCommand::CheckPowerMode:
    case AtaCommand::CheckPowerModeOld: put_power_mode(); break;
    default: return reject(ata_error::ABRT); // NOP among them, whose answer ABRT is
    }
    after(command_delay, Step::Finish);
}

void AtaDisk::put_power_mode() {
    constexpr u8 standby = 0x00;
    constexpr u8 idle = 0x80;
    constexpr u8 active_or_idle = 0xFF;
    now_.count = power_ == Power::Standby ? standby : power_ == Power::Idle ? idle : active_or_idle;
}

// --- transfers

AtaDisk::Addressing AtaDisk::short_addressing() const {
    return (device_ & ata_device::LBA) != 0 ? Addressing::Lba28 : Addressing::Chs;
}

// False when the registers name a sector that the translation cannot have.
bool AtaDisk::locate(Addressing addressing, u64& lba) const {
    const u32 low = u32{now_.lba_high} << 16 | u32{now_.lba_mid} << 8 | now_.lba_low;
    const u32 head = device_ & 0x0F;
    switch (addressing) {
    case Addressing::Lba28: lba = low | head << 24; return true;
    case Addressing::Lba48:
        lba = low | u64{previous_.lba_low} << 24 | u64{previous_.lba_mid} << 32 | u64{previous_.lba_high} << 40;
        return true;
    case Addressing::Chs: break;
    }
    const u32 cylinder = u32{now_.lba_high} << 8 | now_.lba_mid;
    const u32 sector = now_.lba_low;
    if (sector == 0 || sector > geometry_.sectors || head >= geometry_.heads || cylinder >= geometry_.cylinders)
        return false;
    lba = (u64{cylinder} * geometry_.heads + head) * geometry_.sectors + sector - 1;
    return true;
}

u32 AtaDisk::sector_count(Addressing addressing) const {
    if (addressing != Addressing::Lba48) return now_.count != 0 ? now_.count : 256;
    const u32 count = u32{previous_.count} << 8 | now_.count;
    return count != 0 ? count : 65536;
}

void AtaDisk::begin(Kind kind, Move move, Addressing addressing, u32 block) {
    if (block == 0) return reject(ata_error::ABRT); // READ or WRITE MULTIPLE while disabled
    transfer_ = {kind, move, addressing, 0, sector_count(addressing), block, 0};
    if (!locate(addressing, transfer_.lba)) return reject(ata_error::IDNF);
    power_ = Power::Active;
    // The first block of a PIO write needs no seek: the host may fill it at once.
    if (kind == Kind::Write && move == Move::Pio && medium_.writable()) return next_block();
    after(command_delay, Step::NextBlock);
}

void AtaDisk::after(Nanoseconds duration, Step step) {
    step_ = step;
    busy_for(duration);
}

void AtaDisk::reject(u8 error) {
    rejection_ = error;
    after(command_delay, Step::Reject);
}

void AtaDisk::work() {
    switch (std::exchange(step_, Step::None)) {
    case Step::NextBlock: return next_block();
    case Step::Store: return store_block();
    case Step::Finish: return finish();
    case Step::Reject: return fail(rejection_);
    case Step::Identify: return identify();
    case Step::GiveBuffer:
        transfer_ = {};
        std::copy(sector_buffer_.begin(), sector_buffer_.end(), buffer_.begin());
        return give_block(sector_buffer_.size());
    case Step::Flush:
        if (medium_.flush() != MediumStatus::Ok) return fail(ata_error::ABRT, ata_status::DF);
        return finish();
    case Step::StoreBuffer:
        std::copy_n(buffer_.begin(), sector_buffer_.size(), sector_buffer_.begin());
        return finish();
    case Step::None: return finish_silently();
    }
}

void AtaDisk::block_done() {
    if (step_ == Step::StoreBuffer) return after(block_delay, Step::StoreBuffer);
    if (transfer_.kind == Kind::Write) return after(write_delay, Step::Store);
    if (transfer_.remaining != 0) return after(block_delay, Step::NextBlock);
    // The host has all. By PIO it knows; by DMA it wants to be told, after the bus master has written the last byte.
    if (transfer_.move == Move::Dma) return after(block_delay, Step::Finish);
    finish_silently();
}

void AtaDisk::next_block() {
    show_address();
    if (!medium_.holds(transfer_.lba, 1)) return fail_at_present_sector(MediumStatus::OutOfRange);
    const u64 room = medium_.sectors() - transfer_.lba;
    transfer_.present = static_cast<u32>(std::min<u64>(std::min(transfer_.block, transfer_.remaining), room));
    if (transfer_.kind == Kind::Verify) return next_verify();
    if (transfer_.kind == Kind::Read) return next_read();
    if (!medium_.writable()) return fail_at_present_sector(MediumStatus::WriteProtected);
    const size_t length = size_t{transfer_.present} * BlockMedium::sector_size;
    if (transfer_.move == Move::Dma) return take_by_dma(length);
    take_block(length);
}

// When a block cannot be read as a whole, the sectors before the bad one are still delivered.
void AtaDisk::next_read() {
    size_t length = size_t{transfer_.present} * BlockMedium::sector_size;
    MediumStatus status = medium_.read(transfer_.lba, {buffer_.data(), length});
    if (status != MediumStatus::Ok) {
        u32 good = 0;
        for (; good < transfer_.present; ++good) {
            const std::span<u8> sector(buffer_.data() + size_t{good} * BlockMedium::sector_size,
                                       BlockMedium::sector_size);
            status = medium_.read(transfer_.lba + good, sector);
            if (status != MediumStatus::Ok) break;
        }
        if (good == 0) return fail_at_present_sector(status);
        transfer_.present = good;
        length = size_t{good} * BlockMedium::sector_size;
    }
    transfer_.lba += transfer_.present;
    transfer_.remaining -= transfer_.present;
    if (transfer_.move == Move::Dma) return give_by_dma(length);
    give_block(length);
}

void AtaDisk::next_verify() {
    for (u32 i = 0; i < transfer_.present; ++i) {
        const MediumStatus status = medium_.read(transfer_.lba, {buffer_.data(), BlockMedium::sector_size});
        if (status != MediumStatus::Ok) return fail_at_present_sector(status);
        ++transfer_.lba;
        --transfer_.remaining;
    }
    if (transfer_.remaining != 0) return after(block_delay, Step::NextBlock);
    finish();
}

void AtaDisk::store_block() {
    const size_t length = size_t{transfer_.present} * BlockMedium::sector_size;
    const MediumStatus status = medium_.write(transfer_.lba, {buffer_.data(), length});
    if (status != MediumStatus::Ok) return fail_at_present_sector(status);
    transfer_.lba += transfer_.present;
    transfer_.remaining -= transfer_.present;
    if (transfer_.remaining == 0) return finish();
    next_block();
    if (phase() == Phase::DataOut) intrq.raise(); // the drive is ready for the next block
}

// The address registers as the host would have written them for the present sector.
void AtaDisk::show_address() {
    u64 lba = transfer_.lba;
    now_.count = static_cast<u8>(transfer_.remaining);
    if (transfer_.addressing == Addressing::Chs) {
        const u64 track = lba / geometry_.sectors;
        const u64 cylinder = track / geometry_.heads;
        now_.lba_low = static_cast<u8>(lba % geometry_.sectors + 1);
        now_.lba_mid = static_cast<u8>(cylinder);
        now_.lba_high = static_cast<u8>(cylinder >> 8);
        device_ = static_cast<u8>((device_ & 0xF0) | track % geometry_.heads);
        return;
    }
    now_.lba_low = static_cast<u8>(lba);
    now_.lba_mid = static_cast<u8>(lba >> 8);
    now_.lba_high = static_cast<u8>(lba >> 16);
    if (transfer_.addressing == Addressing::Lba28) {
        device_ = static_cast<u8>((device_ & 0xF0) | (lba >> 24 & 0x0F));
        return;
    }
    previous_.count = static_cast<u8>(transfer_.remaining >> 8);
    previous_.lba_low = static_cast<u8>(lba >> 24);
    previous_.lba_mid = static_cast<u8>(lba >> 32);
    previous_.lba_high = static_cast<u8>(lba >> 40);
}

void AtaDisk::fail_at_present_sector(MediumStatus status) {
    show_address();
    const bool reading = transfer_.kind != Kind::Write;
    switch (status) {
    case MediumStatus::OutOfRange: return fail(ata_error::IDNF);
    case MediumStatus::WriteProtected: return fail(ata_error::WP | ata_error::ABRT);
    default: break;
    }
    if (reading) return fail(ata_error::UNC);
    fail(ata_error::ABRT, ata_status::DF);
}

// --- other commands

void AtaDisk::seek() {
    u64 lba = 0;
    if (!locate(short_addressing(), lba) || !medium_.holds(lba, 1)) return reject(ata_error::IDNF);
    power_ = Power::Active;
    after(command_delay, Step::Finish);
}

void AtaDisk::read_native_max(Addressing addressing) {
    transfer_ = {};
    transfer_.addressing = addressing;
    transfer_.lba = medium_.sectors() != 0 ? medium_.sectors() - 1 : 0;
    if (addressing == Addressing::Lba28) transfer_.lba = std::min(transfer_.lba, lba28_limit);
    if (addressing == Addressing::Chs) transfer_.lba = std::min(transfer_.lba, std::max<u64>(geometry_.total(), 1) - 1);
    const u8 count = now_.count;
    show_address();
    now_.count = count;
    after(command_delay, Step::Finish);
}

// Heads and sectors a track come from the host; the cylinders follow from the capacity.
void AtaDisk::initialize_device_parameters() {
    const u32 heads = (device_ & 0x0Fu) + 1;
    const u32 sectors = now_.count;
    if (sectors == 0) return reject(ata_error::ABRT);
    const u64 cylinders = medium_.sectors() / (u64{heads} * sectors);
    geometry_ = {static_cast<u32>(std::clamp<u64>(cylinders, 1, 65535)), heads, sectors};
    after(command_delay, Step::Finish);
}

void AtaDisk::set_multiple_mode() {
    constexpr u32 maximum = 16;
    const u32 count = now_.count;
    const bool power_of_two = (count & (count - 1)) == 0; // 0 disables
    if (count > maximum || !power_of_two) return reject(ata_error::ABRT);
    multiple_ = count;
    after(command_delay, Step::Finish);
}

} // namespace truering

#include "devices/dma_controller.hpp"

namespace truering {

namespace {

constexpr u16 first_chip_port = 0x00;
constexpr u16 page_port = 0x80;
constexpr u16 second_chip_port = 0xC0;

// Which page register serves channel 0-7.
constexpr std::array<u8, 8> page_register{0x7, 0x3, 0x1, 0x2, 0xF, 0xB, 0x9, 0xA};

constexpr unsigned cascade_channel = 4;

constexpr unsigned unit(unsigned channel) { return channel < 4 ? 1 : 2; }

} // namespace

DmaController::DmaController(PhysicalMemory& memory) : memory_(memory) {
    for (unsigned i = 0; i < channels; ++i) slots_[i].connect(*this, i);
}

void DmaController::map(PortBus& bus) {
    bus.map(first_chip_port, 16, *this);
    bus.map(page_port, 16, *this);
    bus.map(second_chip_port, 32, *this);
}

void DmaController::reset() {
    for (Dma8237& chip : chips_) chip.reset();
    pages_ = {};
}

Physical DmaController::address(unsigned channel) const {
    const u32 page = pages_[page_register[channel]];
    const u32 low = chip_of(channel).address(channel & 3);
    if (unit(channel) == 1) return {page << 16 | low};
    return {(page & 0xFEu) << 16 | low << 1};
}

// --- Transfers -------------------------------------------------------------------------------------------------

bool DmaController::serves(unsigned channel, DmaDirection direction) const {
    const Dma8237& chip = chip_of(channel);
    if (channel == cascade_channel || !chip.enabled(channel & 3)) return false;
    switch (chip.transfer(channel & 3)) {
    case Dma8237::Transfer::Verify: return true;
    case Dma8237::Transfer::Write: return direction == DmaDirection::Write;
    case Dma8237::Transfer::Read: return direction == DmaDirection::Read;
    case Dma8237::Transfer::Illegal: break;
    }
    return false;
}

DmaResult DmaController::transfer(unsigned channel, std::span<u8> data, DmaDirection direction) {
    DmaResult result;
    if (!serves(channel, direction)) return result;
    Dma8237& chip = chip_of(channel);
    const bool moves = chip.transfer(channel & 3) != Dma8237::Transfer::Verify;
    while (!result.terminal_count && data.size() - result.bytes >= unit(channel)) {
        const std::span<u8> bytes = data.subspan(result.bytes, unit(channel));
        if (moves && direction == DmaDirection::Write) memory_.write(address(channel), bytes);
        if (moves && direction == DmaDirection::Read) memory_.read(address(channel), bytes);
        result.bytes += unit(channel);
        result.terminal_count = chip.step(channel & 3);
    }
    return result;
}

DmaResult DmaController::Slot::transfer(std::span<u8> data, DmaDirection direction) {
    return owner_->transfer(number_, data, direction);
}

void DmaController::Slot::set_dreq(bool level) { owner_->chip_of(number_).set_dreq(number_ & 3, level); }

bool DmaController::Slot::ready(DmaDirection direction) const { return owner_->serves(number_, direction); }

// A request by software needs no peripheral: a channel in block mode runs to its terminal count, with nobody on the bus
// to take the bytes or to give others than FFH. Masks do not hold it back.
void DmaController::run_software_requests(unsigned number) {
    Dma8237& chip = chips_[number];
    if (!chip.controller_enabled()) return;
    if (chip.requested(0) && chip.memory_to_memory()) return move_memory(chip);
    for (unsigned i = 0; i < Dma8237::channels; ++i) {
        const unsigned channel = number * 4 + i;
        if (!chip.requested(i) || channel == cascade_channel || chip.transfer_mode(i) != Dma8237::Mode::Block) continue;
        const std::array<u8, 2> floating{0xFF, 0xFF};
        bool done = false;
        while (!done) {
            if (chip.transfer(i) == Dma8237::Transfer::Write)
                memory_.write(address(channel), std::span(floating).first(unit(channel)));
            done = chip.step(i);
        }
    }
}

// Memory-to-memory, from channel 0 to channel 1 until the count of the latter ends, at most 64 Ki cycles.
void DmaController::move_memory(Dma8237& chip) {
    const unsigned first = &chip == &chips_[0] ? 0 : 4;
    bool done = false;
    while (!done) {
        std::array<u8, 2> bytes{};
        const std::span<u8> one = std::span(bytes).first(unit(first));
        memory_.read(address(first), one);
        memory_.write(address(first + 1), one);
        chip.set_temporary(bytes[0]);
        done = chip.step(1);
        chip.step_source();
    }
}

// --- Ports -----------------------------------------------------------------------------------------------------

u32 DmaController::read_port(u16 port, unsigned) {
    if (port < page_port) return chips_[0].read(port & 15u);
    if (port < second_chip_port) return pages_[port & 15u];
    return (port & 1) != 0 ? 0xFFu : chips_[1].read((port - second_chip_port) / 2u);
}

void DmaController::write_port(u16 port, u32 value, unsigned) {
    const u8 byte = static_cast<u8>(value);
    if (port >= page_port && port < second_chip_port) {
        pages_[port & 15u] = byte;
        return;
    }
    if (port >= second_chip_port && (port & 1) != 0) return;
    const unsigned chip = port < page_port ? 0 : 1;
    const unsigned reg = chip == 0 ? port & 15u : (port - second_chip_port) / 2u;
    chips_[chip].write(reg, byte);
    if (reg == static_cast<unsigned>(Dma8237::Reg::Request)) run_software_requests(chip);
}

} // namespace truering

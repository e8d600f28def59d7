#include "devices/bus_master_ide.hpp"

#include "base/bits.hpp"

#include <algorithm>

namespace truering {

namespace {

// BMIC
constexpr u8 SSBM = 1 << 0;  // start
constexpr u8 RWCON = 1 << 3; // 1: the engine writes to memory

// BMIS
constexpr u8 BMIDEA = 1 << 0; // active
constexpr u8 ERROR = 1 << 1;
constexpr u8 IDEINTS = 1 << 2;
constexpr u8 DMA0CAP = 1 << 5;
constexpr u8 DMA1CAP = 1 << 6;

} // namespace

BusMasterIde::BusMasterIde(PhysicalMemory& memory, IdeChannel& primary, IdeChannel& secondary) : memory_(memory) {
    engines_[0].channel = &primary;
    engines_[1].channel = &secondary;
    for (unsigned i = 0; i < 2; ++i) {
        engines_[i].channel->dmarq.connect_to<&BusMasterIde::hear_dmarq>(*this, i);
        engines_[i].channel->intrq.connect_to<&BusMasterIde::hear_intrq>(*this, i);
    }
    reset();
}

// Which drives can do DMA is for firmware to say; here the drives that are there say it.
void BusMasterIde::reset() {
    for (Engine& engine : engines_) {
        IdeChannel* channel = engine.channel;
        engine = {};
        engine.channel = channel;
        if (channel->drive(0) != nullptr) engine.BMIS |= DMA0CAP;
        if (channel->drive(1) != nullptr) engine.BMIS |= DMA1CAP;
    }
    enabled_ = false;
}

void BusMasterIde::set_enabled(bool enabled) {
    enabled_ = enabled;
    for (Engine& engine : engines_) run(engine);
}

void BusMasterIde::hear_dmarq(unsigned number, bool level) {
    if (level) run(engines_[number]);
}

void BusMasterIde::hear_intrq(unsigned number, bool level) {
    if (level) engines_[number].BMIS |= IDEINTS;
    irq[number].set(level);
}

u32 BusMasterIde::read_port(u16 port, unsigned size) {
    u32 value = 0;
    for (unsigned i = 0; i < size; ++i) value |= u32{read_byte((port + i) % port_count)} << (8 * i);
    return value;
}

void BusMasterIde::write_port(u16 port, u32 value, unsigned size) {
    for (unsigned i = 0; i < size; ++i) write_byte((port + i) % port_count, static_cast<u8>(value >> (8 * i)));
}

u8 BusMasterIde::read_byte(unsigned offset) const {
    const Engine& engine = engines_[offset / 8];
    const unsigned reg = offset % 8;
    if (reg >= static_cast<unsigned>(Reg::BMIDTP)) return static_cast<u8>(engine.BMIDTP >> (8 * (reg - 4)));
    switch (static_cast<Reg>(reg)) {
    case Reg::BMIC: return engine.BMIC;
    case Reg::BMIS: return engine.BMIS;
    default: return 0;
    }
}

void BusMasterIde::write_byte(unsigned offset, u8 value) {
    Engine& engine = engines_[offset / 8];
    const unsigned reg = offset % 8;
    if (reg >= static_cast<unsigned>(Reg::BMIDTP)) {
        const unsigned shift = 8 * (reg - 4);
        engine.BMIDTP = ((engine.BMIDTP & ~(0xFFu << shift)) | u32{value} << shift) & ~3u;
        return;
    }
    switch (static_cast<Reg>(reg)) {
    case Reg::BMIC: return write_command(engine, value);
    case Reg::BMIS: return write_status(engine, value);
    default: return;
    }
}

// The start bit alone starts and stops: what had been moved stays moved, and a stopped engine begins the table anew.
void BusMasterIde::write_command(Engine& engine, u8 value) {
    const u8 changed = engine.BMIC ^ value;
    const bool start = (value & SSBM) != 0;
    if ((engine.BMIS & BMIDEA) != 0) value = static_cast<u8>((value & ~RWCON) | (engine.BMIC & RWCON));
    engine.BMIC = value & (SSBM | RWCON);
    if ((changed & SSBM) == 0) return;
    engine.BMIS = static_cast<u8>(start ? engine.BMIS | BMIDEA : engine.BMIS & ~BMIDEA);
    engine.next_prd = engine.BMIDTP;
    engine.count = 0;
    engine.last = false;
    run(engine);
}

void BusMasterIde::write_status(Engine& engine, u8 value) {
    constexpr u8 plain = DMA0CAP | DMA1CAP;
    constexpr u8 cleared_by_one = ERROR | IDEINTS;
    engine.BMIS = static_cast<u8>((engine.BMIS & ~plain & ~(value & cleared_by_one)) | (value & plain));
}

void BusMasterIde::run(Engine& engine) {
    while (enabled_ && (engine.BMIS & BMIDEA) != 0 && engine.channel->dmarq.level()) {
        const bool to_memory = (engine.BMIC & RWCON) != 0;
        if (engine.channel->wants_to_send() != to_memory) return;
        if (engine.count == 0 && !fetch_prd(engine)) return;
        const u32 moved = move(engine);
        if (moved == 0) return;
        engine.region += moved;
        engine.count -= std::min(moved, engine.count);
        if (engine.count == 0 && engine.last) engine.BMIS &= static_cast<u8>(~BMIDEA);
    }
}

// The table stays within its 64 KiB; a count of 0 means 64 KiB.
bool BusMasterIde::fetch_prd(Engine& engine) {
    if (engine.last) return false;
    std::array<u8, 8> prd{};
    memory_.read({engine.next_prd}, prd);
    auto word = [&prd](size_t i) { return prd[i] | u32{prd[i + 1]} << 8; };
    engine.region = (word(0) | word(2) << 16) & ~1u;
    engine.count = word(4) & ~1u;
    if (engine.count == 0) engine.count = 0x1'0000;
    engine.last = test_bit(prd[7], 7);
    engine.next_prd = (engine.next_prd & 0xFFFF'0000) | ((engine.next_prd + 8) & 0xFFFF);
    return true;
}

// Some bytes, at most a page. Addresses are 32 bits wide and wrap.
u32 BusMasterIde::move(Engine& engine) {
    std::array<u8, page_size> bytes;
    const u32 in_page = page_size - page_offset(engine.region);
    const std::span<u8> part(bytes.data(), std::min(engine.count, in_page));
    if ((engine.BMIC & RWCON) != 0) {
        const size_t moved = engine.channel->dma_read(part);
        memory_.write({engine.region}, part.first(moved));
        return static_cast<u32>(moved);
    }
    memory_.read({engine.region}, part);
    return static_cast<u32>(engine.channel->dma_write(part));
}

} // namespace truering

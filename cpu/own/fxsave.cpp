// FXSAVE and FXRSTOR: x87, MMX and SSE state in 512 bytes.
//
// Neither looks at pending x87 exceptions, and FXSAVE leaves the FPU as it is. XMM registers take part only while
// CR4.OSFXSR is set, MXCSR only on a processor that has it.
//
// Source: SDM volume 2, FXSAVE, table 3-43 (layout outside 64-bit mode), FXRSTOR; volume 1, 10.5.
#include "cpu/access.hpp"
#include "cpu/exceptions.hpp"
#include "cpu/own/x87.hpp"
#include "cpu/own/x87_errors.hpp"

#include <array>
#include <cstring>

namespace truering {

namespace {

enum Offset : unsigned {
    at_FCW = 0,
    at_FSW = 2,
    at_FTW = 4,
    at_FOP = 6,
    at_FIP = 8,
    at_FCS = 12,
    at_FDP = 16,
    at_FDS = 20,
    at_MXCSR = 24,
    at_MXCSR_MASK = 28,
    at_ST0 = 32,
    at_XMM0 = 160,
    written_size = 288, // what lies behind is not touched
};

constexpr u32 alignment = 16;
using Image = std::array<u8, written_size>;

template <class T> void put(Image& image, unsigned at, const T& value) {
    std::memcpy(image.data() + at, &value, sizeof(T));
}
template <class T> T get(const Image& image, unsigned at) {
    T value;
    std::memcpy(&value, image.data() + at, sizeof(T));
    return value;
}

bool saves_xmm(const Cpu& cpu) { return cpu.has(Feature::SSE) && (cpu.cr4 & CR4_OSFXSR) != 0; }
unsigned size_in_use(const Cpu& cpu) { return saves_xmm(cpu) ? written_size : at_XMM0; }

void put_x87(const FpuState& fpu, Image& image) {
    put(image, at_FCW, fpu.control_word);
    put(image, at_FSW, fpu.full_status_word());
    put(image, at_FTW, fpu.abridged_tags());
    put(image, at_FOP, fpu.last_opcode);
    put(image, at_FIP, fpu.fip);
    put(image, at_FCS, fpu.fcs);
    put(image, at_FDP, fpu.fdp);
    put(image, at_FDS, fpu.fds);
    for (unsigned i = 0; i < 8; ++i) {
        put(image, at_ST0 + 16 * i, fpu.st(i).significand);
        put(image, at_ST0 + 16 * i + 8, fpu.st(i).sign_exponent);
    }
}

void get_x87(FpuState& fpu, const Image& image) {
    fpu.set_control_word(get<u16>(image, at_FCW));
    fpu.set_full_status_word(get<u16>(image, at_FSW));
    fpu.set_abridged_tags(get<u8>(image, at_FTW));
    fpu.last_opcode = get<u16>(image, at_FOP) & 0x7FF;
    fpu.fip = get<u32>(image, at_FIP);
    fpu.fcs = get<u16>(image, at_FCS);
    fpu.fdp = get<u32>(image, at_FDP);
    fpu.fds = get<u16>(image, at_FDS);
    for (unsigned i = 0; i < 8; ++i) {
        fpu.st(i) = {get<u64>(image, at_ST0 + 16 * i), get<u16>(image, at_ST0 + 16 * i + 8)};
    }
}

using Chunk = std::array<u8, alignment>;

} // namespace

namespace op {

Outcome FXSAVE::run(Cpu& cpu, const Instruction& insn) {
    const u32 address = effective_address(cpu, insn);
    const SegmentIndex segment = operand_segment(insn);
    if ((cpu.segment[segment].base + address) % alignment != 0) return raise(cpu, Vector::GP, 0);
    Image image{};
    put_x87(cpu.fpu, image);
    if (cpu.has(Feature::SSE)) {
        put(image, at_MXCSR, cpu.host_mxcsr.guest_mxcsr(cpu.sse));
        put(image, at_MXCSR_MASK, cpu.model.mxcsr_mask);
    }
    if (saves_xmm(cpu)) put(image, at_XMM0, cpu.sse.xmm);
    for (unsigned at = 0; at < size_in_use(cpu); at += alignment) {
        if (const Outcome o = check_write(cpu, segment, address + at, alignment); failed(o)) return o;
    }
    for (unsigned at = 0; at < size_in_use(cpu); at += alignment) {
        if (const Outcome o = write_memory(cpu, segment, address + at, get<Chunk>(image, at)); failed(o)) return o;
    }
    return Outcome::Done;
}

Outcome FXRSTOR::run(Cpu& cpu, const Instruction& insn) {
    const u32 address = effective_address(cpu, insn);
    const SegmentIndex segment = operand_segment(insn);
    if ((cpu.segment[segment].base + address) % alignment != 0) return raise(cpu, Vector::GP, 0);
    Image image{};
    for (unsigned at = 0; at < size_in_use(cpu); at += alignment) {
        Chunk chunk;
        if (const Outcome o = read_memory(cpu, segment, address + at, chunk); failed(o)) return o;
        put(image, at, chunk);
    }
    const u32 mxcsr = get<u32>(image, at_MXCSR);
    const bool takes_mxcsr = saves_xmm(cpu);
    if (takes_mxcsr && (mxcsr & ~cpu.model.mxcsr_mask) != 0) return raise(cpu, Vector::GP, 0);
    get_x87(cpu.fpu, image);
    if (takes_mxcsr) {
        cpu.host_mxcsr.load(cpu.sse, mxcsr);
        cpu.sse.xmm = get<decltype(cpu.sse.xmm)>(image, at_XMM0);
    }
    update_ferr(cpu);
    return Outcome::Done;
}

} // namespace op

} // namespace truering

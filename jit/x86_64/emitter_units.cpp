// x87, MMX, SSE and SSE2: the guest's instruction is the host's (unit_rows.hpp), between what must be sure before it
// and what is recorded of it.
//
// Before: the units must hold the guest's registers. A block asks once; a call of the interpreter gives the units back,
// so behind one it is asked again. Where taking is refused, the interpreter executes the instruction.
//
// FIP, FCS, FOP and FDS are stored once for a row of x87 instructions: at the end of the block, before a call, and out
// of line where the block is left. FDP is not known there any more, and is stored at once.
#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/native_layout.hpp"
#include "jit/x86_64/unit_encoding.hpp"
#include "jit/x86_64/unit_layout.hpp"

namespace truering {

using namespace Xbyak::util;

namespace {

constexpr HostNames host_names{{0, 1, 2, 3, 15, 5, 6, 7}, 9};

u32 selector_of(unsigned segment) {
    return UnitLayout::segment + segment * static_cast<u32>(sizeof(Segment)) + UnitLayout::selector;
}

} // namespace

void Emitter::emit_unit(const Operation& op) {
    const UnitRow& unit = unit_row(op.insn.row);
    ensure_units(op, unit.units);
    if (unit.kind == UnitKind::LoadControl)
        emit_load_control(op, unit);
    else
        emit_unit_instruction(op, unit);
}

void Emitter::ensure_units(const Operation& op, u8 units) {
    if ((units_ & units) == units) return;
    free_loaded(); // taking uses R8 to R10
    clobber_host_flags();
    auto take = std::make_shared<Xbyak::Label>(), back = std::make_shared<Xbyak::Label>();
    movzx(r8d, byte[host::cpu + UnitLayout::resident]);
    not_(r8d);
    test(r8b, units);
    jnz(*take, T_NEAR);
    L(*back);
    const Operation* const operation = &op;
    later([=, this, at = here()] {
        return_to(at);
        L(*take);
        call_stub(stubs_.take[units]);
        jnc(*back, T_NEAR);
        leave_for_interpreter(*operation, at);
    });
    units_ |= units;
}

void Emitter::emit_unit_instruction(const Operation& op, const UnitRow& unit) {
    const Instruction& insn = op.insn;
    const Attributes& attributes = row(op).attributes;
    if (insn.memory && unit.memory_bytes != 0) {
        prove_operand(op, unit.writes_memory ? Access::Write : Access::Read, unit.memory_bytes);
        if (unit.aligned) must_be_aligned(op, unit.memory_bytes);
        add(host::delta, host::address);
    }
    if (attributes.flags_read != 0) make_all_flags_live();
    const HostInstruction host = host_instruction(unit, insn, host_names);
    for (unsigned n = 0; n < host.count; ++n) db(host.bytes[n]);
    if (unit.recorded && insn.memory) mov(dword[host::cpu + UnitLayout::fdp], r8d);
    if (attributes.flags_written != 0) {
        flags_ = GuestFlags::dead();
        flags_.live = arithmetic_flags;
    }
    note_record(op, unit);
}

void Emitter::must_be_aligned(const Operation& op, unsigned bytes) {
    auto leave = std::make_shared<Xbyak::Label>();
    test(r8b, bytes - 1);
    jnz(*leave, T_NEAR);
    const Operation* const operation = &op;
    later([=, this, at = here()] {
        return_to(at);
        L(*leave);
        leave_for_interpreter(*operation, at);
    });
}

// A value that unmasks an exception, or has reserved bits, is the interpreter's.
void Emitter::emit_load_control(const Operation& op, const UnitRow& unit) {
    constexpr u32 plain_mxcsr = 0xFFFF & ~mxcsr::DAZ; // what every processor with SSE has
    prove_operand(op, Access::Read, unit.memory_bytes);
    auto leave = std::make_shared<Xbyak::Label>();
    load(host::delta, unit.memory_bytes);
    mov(r8d, r9d);
    not_(r8d);
    if (unit.x87) {
        test(r8b, fpu_status::exceptions);
        jnz(*leave, T_NEAR);
        mov(word[host::cpu + UnitLayout::control_word], r9w);
        fldcw(word[host::cpu + UnitLayout::control_word]);
    } else {
        test(r8d, mxcsr::masks);
        jnz(*leave, T_NEAR);
        test(r9d, ~plain_mxcsr);
        jnz(*leave, T_NEAR);
        mov(dword[host::cpu + UnitLayout::mxcsr], r9d);
        ldmxcsr(dword[host::cpu + UnitLayout::mxcsr]);
    }
    const Operation* const operation = &op;
    later([=, this, at = here()] {
        return_to(at);
        L(*leave);
        leave_for_interpreter(*operation, at);
    });
}

void Emitter::note_record(const Operation& op, const UnitRow& unit) {
    if (!unit.recorded) return;
    record_.last = &op;
    if (op.insn.memory) record_.last_memory = &op;
}

// EFLAGS do not change; R8 does.
void Emitter::flush_record() {
    if (record_.last == nullptr) return;
    const Instruction& insn = record_.last->insn;
    const u32 opcode = static_cast<u32>(insn.opcode & 7) << 8 | insn.modrm;
    static_assert(UnitLayout::last_opcode == UnitLayout::status_word + 2);
    mov(dword[host::cpu + UnitLayout::fip], eip_behind(*record_.last) - insn.length);
    mov(dword[host::cpu + UnitLayout::status_word], opcode << 16); // the status word's own place is stale
    movzx(r8d, word[host::cpu + selector_of(seg_CS)]);
    mov(word[host::cpu + UnitLayout::fcs], r8w);
    if (record_.last_memory != nullptr) {
        movzx(r8d, word[host::cpu + selector_of(record_.last_memory->insn.segment)]);
        mov(word[host::cpu + UnitLayout::fds], r8w);
    }
    record_ = {};
}

} // namespace truering

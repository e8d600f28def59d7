// x87, MMX, SSE and SSE2: the guest's instruction is the host's (unit_rows.hpp), between what must be sure before it
// and what is recorded of it.
//
// Before: the units must hold the guest's registers. A block asks once; every call of the interpreter gives the units
// back, so behind one it is asked again, and a slow path takes them anew before it comes back. Where taking is refused,
// the interpreter executes the instruction and the run loop goes on behind it.
//
// FIP, FCS, FOP and FDS are stored once for a row of x87 instructions: where the block may be left, and out of line in
// slow paths. FDP is not known there any more, and is stored at once.
#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/native_layout.hpp"
#include "jit/x86_64/unit_encoding.hpp"
#include "jit/x86_64/unit_layout.hpp"

namespace truering {

using namespace Xbyak::util;

namespace {

constexpr HostNames host_names{{8, 9, 10, 11, 12, 13, 14, 15}, 1};

bool reachable(const Instruction& insn) { return insn.address_32 && insn.segment < seg_FS; }

u32 selector_of(unsigned segment) {
    return UnitLayout::segment + segment * static_cast<u32>(sizeof(Segment)) + UnitLayout::selector;
}

} // namespace

bool Emitter::emit_unit(const Operation& op) {
    const Instruction& insn = op.insn;
    if (insn.row >= row_count || insn.lock) return false;
    const UnitRow& unit = unit_row(insn.row);
    if (unit.kind == UnitKind::None || !(insn.memory ? unit.in_memory : unit.in_register)) return false;
    if (insn.memory && unit.memory_bytes != 0 && !reachable(insn)) return false;
    ensure_units(op, unit.units);
    switch (unit.kind) {
    case UnitKind::Copy: emit_unit_instruction(op, unit); break;
    case UnitKind::LoadControl: emit_load_control(op, unit); break;
    default: break;
    }
    return true;
}

void Emitter::ensure_units(const Operation& op, u8 units) {
    if ((units_ & units) == units) return;
    save_flags();
    taking_.push_back(std::make_unique<Taking>());
    Taking& taking = *taking_.back();
    taking.op = &op;
    taking.units = units;
    taking.record = record_;
    movzx(eax, byte[rbx + UnitLayout::resident]);
    not_(eax);
    test(al, units);
    jnz(taking.entry, T_NEAR);
    L(taking.back);
    units_ |= units;
}

void Emitter::emit_taking() {
    for (const auto& taking : taking_) {
        L(taking->entry);
        call(getCode() + (static_cast<const u8*>(stubs_.take[taking->units]) - execute_));
        jnc(taking->back, T_NEAR);
        flags_ = Flags::Saved;
        record_ = taking->record;
        call_interpreter(*taking->op);
        mov(rdi, reinterpret_cast<u64>(taking->op));
        jmp(getCode() + (static_cast<const u8*>(stubs_.leave) - execute_), T_NEAR);
    }
}

// Behind a call of the interpreter, on the way back to where units are taken for resident.
void Emitter::retake(const Operation& op, u8 units) {
    if (units == 0) return;
    Xbyak::Label taken;
    call(getCode() + (static_cast<const u8*>(stubs_.take[units]) - execute_));
    jnc(taken);
    mov(rdi, reinterpret_cast<u64>(&op));
    jmp(getCode() + (static_cast<const u8*>(stubs_.leave) - execute_), T_NEAR);
    L(taken);
}

void Emitter::emit_unit_instruction(const Operation& op, const UnitRow& unit) {
    const Instruction& insn = op.insn;
    const Attributes& attributes = row(op).attributes;
    if (insn.memory) {
        save_flags();
        address(insn);
        if (unit.recorded) mov(edi, ecx);
        translate(op, unit.writes_memory ? Access::Write : Access::Read, unit.memory_bytes);
        if (unit.aligned) {
            test(cl, unit.memory_bytes - 1);
            jnz(slow_.back()->entry, T_NEAR);
        }
    }
    if (attributes.flags_read != 0) make_live();
    const HostInstruction host = host_instruction(unit, insn, host_names);
    for (unsigned n = 0; n < host.count; ++n) db(host.bytes[n]);
    if (unit.x87 && row(op).operands[0].place == Place::Fixed && row(op).operands[0].width == Width::w)
        mov(Xbyak::Reg16(host_names.general[reg_EAX]), ax); // FNSTSW AX
    if (unit.recorded && insn.memory) mov(dword[rbx + UnitLayout::fdp], edi);
    finish_slow(attributes.flags_written != 0 ? Flags::Live : flags_);
    note_record(op, unit);
}

// A value that unmasks an exception, or has reserved bits, is the interpreter's.
void Emitter::emit_load_control(const Operation& op, const UnitRow& unit) {
    constexpr u32 plain_mxcsr = 0xFFFF & ~mxcsr::DAZ; // what every processor with SSE has
    save_flags();
    address(op.insn);
    translate(op, Access::Read, unit.memory_bytes);
    Xbyak::Label& slow = slow_.back()->entry;
    if (unit.x87) {
        movzx(eax, word[rcx]);
        mov(edx, eax);
        not_(edx);
        test(dl, fpu_status::exceptions);
        jnz(slow, T_NEAR);
        mov(word[rbx + UnitLayout::control_word], ax);
        fldcw(word[rbx + UnitLayout::control_word]);
    } else {
        mov(eax, dword[rcx]);
        mov(edx, eax);
        not_(edx);
        test(edx, mxcsr::masks);
        jnz(slow, T_NEAR);
        test(eax, ~plain_mxcsr);
        jnz(slow, T_NEAR);
        mov(dword[rbx + UnitLayout::mxcsr], eax);
        ldmxcsr(dword[rbx + UnitLayout::mxcsr]);
    }
    finish_slow(Flags::Saved);
}

void Emitter::note_record(const Operation& op, const UnitRow& unit) {
    if (!unit.recorded) return;
    record_.last = &op;
    if (op.insn.memory) record_.last_memory = &op;
}

// Neither EFLAGS nor RCX, RDX, RDI change.
void Emitter::flush_record() {
    if (record_.last == nullptr) return;
    const Instruction& insn = record_.last->insn;
    const u32 opcode = static_cast<u32>(insn.opcode & 7) << 8 | insn.modrm;
    static_assert(UnitLayout::last_opcode == UnitLayout::status_word + 2);
    mov(dword[rbx + UnitLayout::fip], eip_behind(*record_.last) - insn.length);
    mov(dword[rbx + UnitLayout::status_word], opcode << 16); // the status word's own place is stale
    movzx(eax, word[rbx + selector_of(seg_CS)]);
    mov(word[rbx + UnitLayout::fcs], ax);
    if (record_.last_memory != nullptr) {
        movzx(eax, word[rbx + selector_of(record_.last_memory->insn.segment)]);
        mov(word[rbx + UnitLayout::fds], ax);
    }
    record_ = {};
}

} // namespace truering

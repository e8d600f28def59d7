// What depends on a condition, and what ends a block.
#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/entry_tables.hpp"
#include "jit/x86_64/native_layout.hpp"

namespace truering {

using namespace Xbyak::util;

// ---- SETcc, CMOVcc

void Emitter::emit_set(const Operation& op) {
    const Instruction& insn = op.insn;
    const unsigned guest_condition = known(insn).condition;
    constexpr u8 escape = 0x0F, setcc = 0x90, modrm_register = 0xC0;
    if (!insn.memory) {
        const unsigned holds = condition(guest_condition);
        db(escape);
        db(static_cast<u8>(setcc | holds));
        db(static_cast<u8>(modrm_register | insn.rm));
        return;
    }
    free_loaded();
    const unsigned holds = condition(guest_condition);
    db(0x41); // REX.B: R10
    db(escape);
    db(static_cast<u8>(setcc | holds));
    db(static_cast<u8>(modrm_register | (host::loaded.getIdx() & 7)));
    prove_operand(op, Access::Write, 1);
    store(host::loaded, 1);
}

// The source is read whether the condition holds or not (SDM vol. 2A, CMOVcc).
void Emitter::emit_conditional_move(const Operation& op) {
    const Instruction& insn = op.insn;
    const unsigned size = insn.operand_bytes();
    int source = host::number_of(insn.rm);
    if (insn.memory) {
        free_loaded();
        prove_operand(op, Access::Read, size);
        load(host::loaded, size);
        source = host::loaded.getIdx();
    }
    const unsigned holds = condition(known(insn).condition);
    const int to = host::number_of(insn.reg);
    constexpr u8 cmovcc = 0x40;
    if (size == 2) db(0x66);
    const int rex = 0x40 | (to >= host::no_rex ? 4 : 0) | (source >= host::no_rex ? 1 : 0);
    if (rex != 0x40) db(rex);
    db(0x0F);
    db(static_cast<u8>(cmovcc | holds));
    db(static_cast<u8>(0xC0 | (to & 7) << 3 | (source & 7)));
}

// ---- The end of a block

void Emitter::emit_end(const Operation& op, Kind kind) {
    const Instruction& insn = op.insn;
    constexpr unsigned size = 4;
    constexpr unsigned condition_Z = 4, condition_NZ = 5;
    switch (kind) {
    case Kind::Jcc: return branch(condition(known(insn).condition));
    case Kind::LOOP:
        clobber_host_flags();
        dec(ecx);
        return branch(condition_NZ);
    case Kind::JCXZ:
        clobber_host_flags();
        test(ecx, ecx);
        return branch(condition_Z);
    case Kind::JMP: return take_edge(planned().edges[0]);
    case Kind::JMP_E:
    case Kind::CALL_E: {
        const int target = load_E(op);
        if (!insn.memory) {
            free_loaded();
            mov(r10d, Xbyak::Reg32(target));
        }
        if (kind == Kind::JMP_E) break;
        push_return_address(op);
        break;
    }
    case Kind::CALL: push_return_address(op); return take_edge(planned().edges[0]);
    default: // RET
        free_loaded();
        mov(r8d, host::guest(reg_ESP));
        prove(op, seg_SS, Access::Read, size);
        load(host::loaded, size);
        lea(host::guest(reg_ESP), ptr[host::guest_64(reg_ESP) + static_cast<int>(size + (insn.immediate & 0xFFFF))]);
    }
    take_dynamic();
}

void Emitter::push_return_address(const Operation& op) {
    constexpr unsigned size = 4;
    lea(r8d, ptr[host::guest_64(reg_ESP) - static_cast<int>(size)]);
    prove(op, seg_SS, Access::Write, size);
    mov(dword[operand_address()], eip_behind(op));
    mov(host::guest(reg_ESP), r8d);
}

void Emitter::jump_if(unsigned host_condition, const Xbyak::Label& to) {
    switch (host_condition) {
    case 0: return jo(to, T_NEAR);
    case 1: return jno(to, T_NEAR);
    case 2: return jb(to, T_NEAR);
    case 3: return jae(to, T_NEAR);
    case 4: return je(to, T_NEAR);
    case 5: return jne(to, T_NEAR);
    case 6: return jbe(to, T_NEAR);
    case 7: return ja(to, T_NEAR);
    case 8: return js(to, T_NEAR);
    case 9: return jns(to, T_NEAR);
    case 10: return jp(to, T_NEAR);
    case 11: return jnp(to, T_NEAR);
    case 12: return jl(to, T_NEAR);
    case 13: return jge(to, T_NEAR);
    case 14: return jle(to, T_NEAR);
    default: return jg(to, T_NEAR);
    }
}

void Emitter::branch(unsigned host_condition) {
    const Edge& other = planned().edges[0];
    const Edge& taken = planned().edges[1];
    const GuestFlags before = flags_;
    if (taken.to == Edge::To::Inside && taken.checked) { // a loop: it is what falls through
        Xbyak::Label ends;
        jump_if(host_condition ^ 1, ends);
        take_edge(taken, Next::Elsewhere);
        L(ends);
        flags_ = before;
        return take_edge(other);
    }
    const bool plain = taken.to == Edge::To::Inside && !needs_saving(taken);
    if (plain) {
        pass_flags(taken);
        jump_if(host_condition, labels_[taken.inside]);
    } else {
        auto there = std::make_shared<Xbyak::Label>();
        jump_if(host_condition, *there);
        later([=, this, &taken, at = here()] {
            return_to(at);
            L(*there);
            take_edge(taken, Next::Elsewhere);
        });
    }
    flags_ = before;
    take_edge(other);
}

// ---- Edges

// A block within the region that several ways lead to wants the flags saved, if it wants them.
bool Emitter::needs_saving(const Edge& edge) const {
    const PlannedBlock& to = plan_.blocks[edge.inside];
    return to.is_canonical() && to.flags_demanded && !flags_.saved;
}

void Emitter::pass_flags(const Edge& edge) {
    if (!plan_.blocks[edge.inside].is_canonical()) flags_at_[edge.inside] = flags_;
}

void Emitter::take_edge(const Edge& edge, Next next) {
    switch (edge.to) {
    case Edge::To::Inside: return take_inside(edge, next);
    case Edge::To::Page: return take_link(edge);
    case Edge::To::Far: return take_far(edge);
    default:
        save_flags();
        store_eip(edge.eip);
        return jump_to_stub(stubs_.to_run_loop);
    }
}

void Emitter::take_inside(const Edge& edge, Next next) {
    if (needs_saving(edge)) save_flags();
    if (edge.checked) check_credit(edge.eip);
    pass_flags(edge);
    if (next == Next::Elsewhere || edge.inside != current_ + 1) jmp(labels_[edge.inside], T_NEAR);
}

// Out of line if there is no credit: the flags are had there by their recipe.
void Emitter::check_credit(u32 eip) {
    if (!flags_.recoverable()) save_flags();
    flags_.live = 0;
    auto out = std::make_shared<Xbyak::Label>();
    test(host::credit, host::credit);
    js(*out, T_NEAR);
    later([=, this, at = here()] {
        return_to(at);
        L(*out);
        emit_saving(at.flags);
        store_eip(eip);
        jump_to_stub(stubs_.to_run_loop);
    });
}

void Emitter::take_link(const Edge& edge) {
    check_credit(edge.eip);
    const size_t number = links_.size();
    links_.emplace_back().eip = edge.eip;
    link_numbers_.push_back(0);
    links_[number].site = getSize();
    auto saving = std::make_shared<Xbyak::Label>();
    jmp(*saving, T_NEAR);
    later([=, this, at = here()] {
        return_to(at);
        Xbyak::Label out;
        L(*saving);
        links_[number].saving = getSize();
        emit_saving(at.flags);
        links_[number].saved = getSize();
        jmp(out, T_NEAR);
        L(out);
        links_[number].out = getSize();
        store_eip(links_[number].eip);
        constexpr size_t opcode_bytes = 2; // REX and B8+r
        link_numbers_[number] = getSize() + opcode_bytes;
        mov(r8d, 0xFFFF'FFFF);
        jump_to_stub(stubs_.to_link);
    });
}

void Emitter::take_far(const Edge& edge) {
    save_flags();
    check_credit(edge.eip);
    store_eip(edge.eip);
    mov(r9d, dword[host::view + static_cast<int>(offsetof(TlbView, code) + edge.eip / page_size * sizeof(u32))]);
    mov(r8d, dword[host::delta + static_cast<int>(stubs_.tables + page_offset(edge.eip) * sizeof(u32))]);
    jmp(r8);
}

void Emitter::take_dynamic() {
    save_flags();
    mov(dword[host::cpu + NativeLayout::eip], r10d);
    auto out = std::make_shared<Xbyak::Label>();
    test(host::credit, host::credit);
    js(*out, T_NEAR);
    mov(r9d, r10d);
    shr(r9d, 12);
    mov(r9d, dword[host::view + host::delta * 4 + static_cast<int>(offsetof(TlbView, code))]);
    and_(r10d, page_offset_mask);
    mov(r8d, dword[host::delta + host::loaded * 4 + static_cast<int>(stubs_.tables)]);
    jmp(r8);
    later([=, this] {
        L(*out);
        jump_to_stub(stubs_.to_run_loop);
    });
}

} // namespace truering

// A memory operand: where it is, the segment's and the page's word on it, and the host address.
#include "jit/x86_64/emitter.hpp"
#include "jit/x86_64/native_layout.hpp"

#include <bit>
#include <cstddef>

namespace truering {

using namespace Xbyak::util;

void Emitter::operand_offset(const Instruction& insn) {
    const bool has_base = insn.base != no_register, has_index = insn.index != no_register;
    const int displacement = static_cast<int>(insn.displacement);
    const int factor = 1 << insn.scale;
    if (has_base && has_index)
        lea(r8d, ptr[host::guest_64(insn.base) + host::guest_64(insn.index) * factor + displacement]);
    else if (has_base && displacement != 0)
        lea(r8d, ptr[host::guest_64(insn.base) + displacement]);
    else if (has_base)
        mov(r8d, host::guest(insn.base));
    else if (has_index)
        lea(r8d, ptr[host::guest_64(insn.index) * factor + displacement]);
    else
        mov(r8d, insn.displacement);
    if (!insn.address_32) movzx(r8d, r8w);
}

void Emitter::prove_operand(const Operation& op, Access access, unsigned size) {
    operand_offset(op.insn);
    prove(op, op.insn.segment, access, size);
}

void Emitter::prove(const Operation& op, unsigned segment, Access access, unsigned size) {
    clobber_host_flags();
    // The others are flat, and may be read and written.
    if (segment == seg_CS || segment >= seg_FS) add_segment_base(op, segment, access, size);
    const size_t table = access == Access::Read ? offsetof(TlbView, read) : offsetof(TlbView, write);
    const auto look_up = [this, table] {
        mov(r9d, r8d);
        shr(r9d, 12);
        mov(host::delta, ptr[host::view + host::delta * 8 + static_cast<int>(table)]);
    };
    auto odd = std::make_shared<Xbyak::Label>(), miss = std::make_shared<Xbyak::Label>(),
         back = std::make_shared<Xbyak::Label>();
    look_up();
    if (size > 1) { // an aligned access does not cross a page
        test(r8b, static_cast<u32>(std::bit_ceil(size) - 1));
        jnz(*odd, T_NEAR);
    }
    test(host::delta, host::delta);
    jz(*miss, T_NEAR);
    L(*back);
    const u32 fill = access == Access::Read ? stubs_.fill_read : stubs_.fill_write;
    const Operation* const operation = &op;
    later([=, this, at = here()] {
        return_to(at);
        Xbyak::Label leave;
        if (size > 1) {
            L(*odd);
            lea(r9d, ptr[host::address + static_cast<int>(size - 1)]);
            xor_(r9d, r8d);
            shr(r9d, 12);
            jnz(leave, T_NEAR);
            look_up();
            test(host::delta, host::delta);
            jnz(*back, T_NEAR);
        }
        L(*miss);
        call_stub(fill);
        test(host::delta, host::delta);
        jnz(*back, T_NEAR);
        L(leave);
        leave_for_interpreter(*operation, at);
    });
}

// FS and GS are rarely flat, and CS is not to be written, perhaps not to be read: their limit and base are looked at
// where they stand.
void Emitter::add_segment_base(const Operation& op, unsigned segment, Access access, unsigned size) {
    const size_t at = NativeLayout::segment + segment * sizeof(Segment);
    const size_t last = access == Access::Read ? offsetof(Segment, sure_read_last) : offsetof(Segment, sure_write_last);
    auto leave = std::make_shared<Xbyak::Label>();
    lea(host::delta, ptr[host::address + static_cast<int>(size - 1)]);
    cmp(host::delta, ptr[host::cpu + static_cast<int>(at + last)]);
    jg(*leave, T_NEAR);
    add(r8d, dword[host::cpu + static_cast<int>(at + offsetof(Segment, base))]);
    const Operation* const operation = &op;
    later([=, this, at = here()] {
        return_to(at);
        L(*leave);
        leave_for_interpreter(*operation, at);
    });
}

void Emitter::load(const Xbyak::Reg64& to, unsigned size) {
    if (size == 1)
        movzx(to.cvt32(), byte[operand_address()]);
    else if (size == 2)
        movzx(to.cvt32(), word[operand_address()]);
    else
        mov(to.cvt32(), dword[operand_address()]);
}

void Emitter::store(const Xbyak::Reg64& from, unsigned size) {
    if (size == 1)
        mov(byte[operand_address()], from.cvt8());
    else if (size == 2)
        mov(word[operand_address()], from.cvt16());
    else
        mov(dword[operand_address()], from.cvt32());
}

} // namespace truering

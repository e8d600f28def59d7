#include "jit/x86_64/stubs.hpp"

#include "base/outcome.hpp"
#include "cpu/access.hpp"
#include "cpu/paging.hpp"
#include "jit/x86_64/code_memory.hpp"
#include "jit/x86_64/host_registers.hpp"
#include "jit/x86_64/native_layout.hpp"
#include "jit/x86_64/unit_layout.hpp"

#include <algorithm>

namespace truering {

namespace {

using namespace Xbyak::util;
using Layout = NativeLayout;

constexpr size_t room = 8192;

// How much the store at an address may write, its size being unknown here; it does not cross the page.
unsigned widest_store(u32 linear) {
    constexpr unsigned xmm_bytes = 16;
    return std::min(xmm_bytes, page_size - page_offset(linear));
}

// What a look at the page tables makes of a linear address that the quick look did not know.
// A store beside code in the same page finds its way here each time.
template <AccessKind kind> u64 fill(Cpu* cpu, u32 linear) {
    if (cpu->tlb_view == cpu->tlb.never()) return 0;
    if constexpr (kind == AccessKind::Write) {
        if (const u8* const host = access_detail::beside_code(*cpu, linear, widest_store(linear)))
            return reinterpret_cast<u64>(host) - linear;
    }
    u64 page = 0;
    const Event fault = cpu->fault;
    if (failed(translate(*cpu, linear, kind, cpu->cpl == 3, page))) {
        cpu->fault = fault; // the interpreter will raise it
        return 0;
    }
    const u32 index = linear / page_size;
    return kind == AccessKind::Read ? cpu->tlb_view->read[index] : cpu->tlb_view->write[index];
}

class Stubs : public Xbyak::CodeGenerator {
  public:
    Stubs(u8* write, u32 execute, const std::vector<ArithmeticFlags>& flag_table, u32& link_left, HostUnitsImage& image)
        : CodeGenerator(room, write), execute_(execute), flag_table_(flag_table.data()), link_left_(&link_left) {
        make_units(image);
        make_missing(); // first: its address is the tables' empty field
        make_to_run_loop();
        make_to_link();
        make_to_interpreter();
        make_call();
        addresses.fill_read = here();
        make_fill(reinterpret_cast<const void*>(&fill<AccessKind::Read>));
        addresses.fill_write = here();
        make_fill(reinterpret_cast<const void*>(&fill<AccessKind::Write>));
        make_enter();
        addresses.end = here();
    }
    StubAddresses addresses;

  private:
    static constexpr unsigned guest_registers = 8;

    u32 here() {
        align(16);
        return execute_ + static_cast<u32>(getSize());
    }
    void jump_to(u32 stub) { jmp(getCode() + (i64{stub} - i64{execute_}), T_NEAR); }

    void load_guest() {
        for (unsigned n = 0; n < guest_registers; ++n) mov(host::guest(n), dword[host::cpu + Layout::gpr + 4 * n]);
    }
    // R10 is used.
    void store_guest() {
        for (unsigned n = 0; n < guest_registers; ++n) mov(dword[host::cpu + Layout::gpr + 4 * n], host::guest(n));
        mov(r10, reinterpret_cast<u64>(flag_table_));
        and_(host::flags.cvt32(), u32{arithmetic_flags});
        mov(r10, ptr[r10 + host::flags * 8]);
        mov(ptr[host::cpu + Layout::arithmetic], r10);
    }
    // Cpu::retired_ from the credit. R10 is used.
    void store_retired() {
        mov(r10, ptr[host::cpu + Layout::pause_at]);
        sub(r10, host::credit);
        sub(r10, host::reserve);
        mov(ptr[host::cpu + Layout::retired], r10);
    }
    void leave(LeftAt how) {
        store_guest();
        store_retired();
        give_units_back();
        mov(eax, static_cast<u32>(how));
        return_to_host();
    }
    void return_to_host() {
        add(rsp, 8);
        pop(r15);
        pop(r14);
        pop(r13);
        pop(r12);
        pop(rbp);
        pop(rbx);
        ret();
    }

    void make_units(HostUnitsImage& image) {
        HostUnitRoutines routines(*this, image, {host::cpu, r8, r9, r10});
        for (unsigned units = 1; units < std::size(addresses.take); ++units) {
            addresses.take[units] = here();
            routines.emit_take(static_cast<u8>(units));
        }
        align(16);
        L(give_back_);
        routines.emit_give_back();
        align(16);
        L(take_all_); // of the units in R9D
        Xbyak::Label sse_only, both;
        cmp(r9d, unit_sse);
        je(sse_only);
        ja(both);
        jump_to(addresses.take[unit_x87]);
        L(sse_only);
        jump_to(addresses.take[unit_sse]);
        L(both);
        jump_to(addresses.take[unit_x87 | unit_sse]);
    }
    void give_units_back() { // R8 to R10 are used
        Xbyak::Label nothing;
        cmp(byte[host::cpu + UnitLayout::resident], 0);
        je(nothing);
        Xbyak::CodeGenerator::call(give_back_);
        L(nothing);
    }

    void make_enter() {
        addresses.enter = here();
        push(rbx);
        push(rbp);
        push(r12);
        push(r13);
        push(r14);
        push(r15);
        sub(rsp, 8);
        mov(host::cpu, rdi);
        mov(host::view, rcx);
        mov(r8d, esi);
        mov(host::flags.cvt32(), edx);
        mov(host::credit, ptr[host::cpu + Layout::pause_at]);
        sub(host::credit, ptr[host::cpu + Layout::retired]);
        sub(host::credit, host::reserve);
        load_guest();
        jmp(r8);
    }

    void make_missing() {
        addresses.missing = here();
        leave(LeftAt::Border);
    }
    void make_to_run_loop() {
        addresses.to_run_loop = here();
        leave(LeftAt::Border);
    }
    void make_to_link() {
        addresses.to_link = here();
        mov(r10, reinterpret_cast<u64>(link_left_));
        mov(dword[r10], r8d);
        leave(LeftAt::Link);
    }
    void make_to_interpreter() {
        addresses.to_interpreter = here();
        mov(ptr[host::cpu + Layout::stopped_at], r8);
        leave(LeftAt::Operation);
    }

    // R10D: how many instructions the block has, which the credit does not hold any more.
    void make_call() {
        Xbyak::Label out, behind, done;
        addresses.call = here();
        sub(rsp, 24);
        mov(ptr[rsp], r10);
        add(host::credit, r10);
        store_retired();
        store_guest();
        mov(ptr[host::cpu + Layout::stopped_at], r8);
        mov(rbx, r9);
        give_units_back();
        mov(r8, ptr[host::cpu + Layout::stopped_at]);
        mov(r9, rbx);
        mov(r12, ptr[host::cpu + Layout::pause_at]);
        find_block();
        mov(ptr[host::cpu + Layout::current_block], r15);
        mov(eax, dword[host::cpu + Layout::block_eip]);
        movzx(edx, word[r8 + offsetof(Operation, end)]);
        add(eax, edx);
        movzx(edx, byte[r8 + offsetof(Operation, insn) + offsetof(Instruction, length)]);
        sub(eax, edx);
        mov(dword[host::cpu + Layout::eip], eax);
        lea(rsi, ptr[r8 + offsetof(Operation, insn)]);
        mov(rdi, host::cpu);
        Xbyak::CodeGenerator::call(r9);
        movzx(eax, al);
        test(eax, eax);
        jnz(out, T_NEAR);
        // Whatever must be noticed behind the block: then the rest of it is not translated code's.
        cmp(qword[r15 + offsetof(Block, key)], -1);
        je(behind, T_NEAR);
        cmp(dword[host::cpu + Layout::attention], 0);
        jne(behind, T_NEAR);
        cmp(r12, ptr[host::cpu + Layout::pause_at]);
        jne(behind, T_NEAR);
        cmp(qword[host::cpu + Layout::extra_retired], 0);
        jne(behind, T_NEAR);
        mov(qword[host::cpu + Layout::current_block], 0);
        sub(r12, ptr[host::cpu + Layout::retired]);
        sub(r12, host::reserve);
        sub(r12, ptr[rsp]);
        load_flags();
        load_guest();
        add(rsp, 24);
        ret();
        L(behind);
        mov(eax, static_cast<u32>(LeftAt::Behind));
        jmp(done, T_NEAR);
        L(out);
        shl(eax, 8);
        or_(eax, static_cast<u32>(LeftAt::Call));
        L(done);
        add(rsp, 32);
        return_to_host();
    }

    // R15 = the block of the operation in R8: its operations stand behind it.
    void find_block() {
        movzx(eax, word[r8 + offsetof(Operation, index)]);
        imul(eax, eax, sizeof(Operation));
        mov(r15, r8);
        sub(r15, rax);
        sub(r15, sizeof(Block));
    }

    // host::flags from the processor's own form (cpu/flags.hpp).
    void load_flags() {
        mov(edi, dword[host::cpu + Layout::arithmetic]);     // result
        mov(ecx, dword[host::cpu + Layout::arithmetic + 4]); // carries
        mov(edx, ecx);                                       // PF: the parity of the result's byte, corrected
        shr(edx, 8);
        xor_(edx, edi);
        xor_(r11d, r11d);
        test(dl, dl);
        setp(r11b);
        shl(r11d, 2);
        xor_(eax, eax);
        test(edi, edi); // ZF
        setz(al);
        shl(eax, 6);
        or_(r11d, eax);
        shr(edi, 31); // SF, corrected
        mov(eax, ecx);
        and_(eax, 1);
        xor_(edi, eax);
        shl(edi, 7);
        or_(r11d, edi);
        mov(eax, ecx); // AF
        and_(eax, 8);
        shl(eax, 1);
        or_(r11d, eax);
        mov(eax, ecx); // CF
        shr(eax, 31);
        or_(r11d, eax);
        lea(eax, ptr[rcx + rcx]); // OF
        xor_(eax, ecx);
        shr(eax, 31);
        shl(eax, 11);
        or_(r11d, eax);
    }

    // What C++ may change and translated code does not expect to be changed.
    void make_fill(const void* function) {
        const Xbyak::Reg64 kept[] = {rax, rcx, rdx, rsi, rdi, r8, r10, r11};
        for (const Xbyak::Reg64& reg : kept) push(reg);
        movzx(r9d, byte[host::cpu + UnitLayout::resident]);
        push(r9); // and the stack is aligned
        mov(esi, r8d);
        give_units_back();
        mov(rdi, host::cpu);
        mov(rax, reinterpret_cast<u64>(function));
        Xbyak::CodeGenerator::call(rax);
        Xbyak::Label nothing;
        pop(r9);
        push(rax);
        test(r9d, r9d);
        jz(nothing);
        Xbyak::CodeGenerator::call(take_all_);
        L(nothing);
        pop(r9);
        for (size_t n = std::size(kept); n-- > 0;) pop(kept[n]);
        ret();
    }

    Xbyak::Label give_back_, take_all_;
    u32 execute_;
    const ArithmeticFlags* flag_table_;
    u32* link_left_;
};

} // namespace

StubAddresses make_stubs(CodeMemory& memory, const std::vector<ArithmeticFlags>& flag_table, u32& link_left,
                         HostUnitsImage& image) {
    return Stubs(memory.writable(0), memory.address(0), flag_table, link_left, image).addresses;
}

} // namespace truering

#include "tests/random/handlers.hpp"

#include "tests/random/place.hpp"
#include "tests/random/tables.hpp"

extern "C" const truering::u8 random_test_common[], random_test_double_fault[], random_test_handlers_end[];

namespace truering::random_test {

namespace {

// Never called: it carries the code.
[[gnu::used, gnu::noinline]] void carry_handlers() {
    asm volatile(
        R"(
        .pushsection .rodata
        .intel_syntax noprefix
        .code32
        .globl random_test_common
        .globl random_test_double_fault
        .globl random_test_handlers_end
    random_test_common:                       # on the stack: vector, error code, EIP, CS, EFLAGS
        cmp     esp, cs:[%c[lowest_esp]]
        jb      3f
        cmp     esp, cs:[%c[highest_esp]]
        ja      3f
        pushad
        push    ds
        mov     eax, %c[flat_data]
        mov     ds, eax
        cld
        mov     ebx, [%c[log_at]]
        mov     eax, [esp + 36]
        mov     [ebx], eax
        mov     eax, [esp + 40]
        mov     [ebx + 4], eax
        mov     eax, [esp + 44]
        mov     [ebx + 8], eax
        mov     eax, cr2
        mov     [ebx + 12], eax
        add     ebx, 16
        and     ebx, %c[log_mask]
        or      ebx, %c[log]
        mov     [%c[log_at]], ebx
        and     dword ptr [esp + 52], 0xFFFBBEFF # AC, NT, TF
        movzx   ecx, byte ptr [esp + 36]
        cmp     ecx, 7
        jne     1f
        clts
    1:  cmp     ecx, 16
        jne     1f
        fnclex
    1:  mov     eax, [esp + 44]
        sub     eax, [%c[first_eip]]
        cmp     eax, [%c[code_bytes]]
        jae     2f
        cmp     byte ptr [%c[is_fault] + ecx], 0
        je      1f
        movzx   ecx, byte ptr [%c[lengths] + eax]
        add     [esp + 44], ecx
    1:  pop     ds
        popad
        add     esp, 8
        iretd
    2:  pop     ds                            # EIP is not the program's
        popad
    3:  mov     ss, cs:[%c[flat_ss]]          # nor, perhaps, is ESP
        mov     esp, %c[handler_stack]
        cmp     dword ptr cs:[%c[cpl]], 3
        jne     4f
        push    dword ptr cs:[%c[program_ss]]
        push    dword ptr cs:[%c[program_esp]]
    4:  pushfd
        push    dword ptr cs:[%c[program_cs]]
        push    dword ptr cs:[%c[head]]
        iretd
    random_test_double_fault:                 # a task: it makes itself the first task and begins again
        and     byte ptr [%c[gdt] + %c[tss] + 5], 0xFD
        mov     eax, %c[tss]
        ltr     ax
        and     byte ptr [%c[gdt] + %c[df_tss] + 5], 0xFD
        clts
        mov     ds, cs:[%c[program_ds]]
        pushfd
        and     dword ptr [esp], 0xFFFBBEFF
        popfd
        jmp     3b
    random_test_handlers_end:
        .code64
        .att_syntax
        .popsection
    )"
        :
        : [lowest_esp] "i"(place::lowest_esp), [highest_esp] "i"(place::highest_esp),
          [flat_data] "i"(selector_flat_data), [log_at] "i"(place::log_at), [log_mask] "i"(place::fault_log_bytes - 1),
          [log] "i"(place::fault_log), [first_eip] "i"(place::first_eip), [code_bytes] "i"(place::code_bytes),
          [is_fault] "i"(place::is_fault), [lengths] "i"(place::lengths), [head] "i"(place::head),
          [program_cs] "i"(place::program_cs), [program_ss] "i"(place::program_ss), [program_ds] "i"(place::program_ds),
          [program_esp] "i"(place::program_esp), [flat_ss] "i"(place::flat_ss),
          [handler_stack] "i"(place::handler_stack_top), [gdt] "i"(place::gdt), [tss] "i"(selector_tss),
          [df_tss] "i"(selector_double_fault_tss), [cpl] "i"(place::program_cpl));
}

} // namespace

HandlerCode handler_code() {
    const auto offset = [](const u8* at) { return static_cast<u32>(at - random_test_common); };
    return {{random_test_common, random_test_handlers_end}, 0, offset(random_test_double_fault)};
}

} // namespace truering::random_test

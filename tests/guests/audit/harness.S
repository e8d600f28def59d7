/* How a probe runs and how it ends.

   enter_probe() saves the caller's registers and goes to the probe by IRET, in the ring that CS says. Whatever vector
   comes next ends it: each has a stub that notes vector, error code and EAX, and returns to enter_probe()'s caller on
   the caller's stack. No probe ever goes on behind a fault. */
#include "selectors.h"

        .text
/* void enter_probe(void (*probe)(), u32 cs, u32 ss, u32 eflags) */
        .globl  enter_probe
enter_probe:
        push    %ebx
        push    %ebp
        push    %esi
        push    %edi
        mov     20(%esp), %eax
        mov     24(%esp), %ecx
        mov     28(%esp), %edx
        mov     32(%esp), %ebx
        mov     %esp, caller_stack
        mov     $probe_stack_top, %esp
        test    $RPL_USER, %ecx
        jz      1f
        push    %edx                            /* another ring: SS and ESP come with IRET */
        push    $probe_stack_top
        mov     %edx, %ds
        mov     %edx, %es
1:      push    %ebx
        push    %ecx
        push    %eax
        xor     %eax, %eax
        iret

finish: push    %eax
        mov     %ss, %eax                       /* ring 0's data segment, whichever table is loaded; a return to */
        mov     %eax, %ds                       /* ring 3 has emptied DS and ES */
        mov     %eax, %es
        pop     probe_result
        pop     probe_vector
        pop     probe_error_code
        mov     caller_stack, %esp
        cld
        pop     %edi
        pop     %esi
        pop     %ebp
        pop     %ebx
        ret

/* SDM volume 3, table 6-1: these push an error code themselves. */
        .macro  stub vector
stub_\vector:
        .if     \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17
        .else
        push    $0
        .endif
        push    $\vector
        jmp     finish
        .section .rodata
        .long   stub_\vector
        .text
        .endm

        .section .rodata
        .globl  stubs
        .balign 4
stubs:
        .text
        .altmacro
        .set    n, 0
        .rept   VECTORS
        stub    %n
        .set    n, n + 1
        .endr

        .bss
        .balign 4
caller_stack:
        .long   0
        .globl  probe_result, probe_vector, probe_error_code
probe_result:
        .long   0
probe_vector:
        .long   0
probe_error_code:
        .long   0
        .balign 16
        .skip   2048
probe_stack_top:
        .skip   2048
        .globl  ring_0_stack_top
ring_0_stack_top:

        .section .note.GNU-stack, "", @progbits

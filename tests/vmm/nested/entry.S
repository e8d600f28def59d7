/* The lower VMM's beginning, its V32ENTER, and where its IDT leads: as in vmm/enter.S, without a word of explanation
   to be had if it faults itself. */

#include "base/control_area.h"

        .section .entry, "ax"
        .balign 4
        .long   0x1badb002, 0, -0x1badb002
        .globl  start
start:  cli
        cld
        mov     $stack_top, %esp
        lgdt    gdt_register
        ljmp    $8, $1f
1:      mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        mov     %eax, %ss
        call    nested_main
2:      hlt
        jmp     2b

/* u32 enter_guest(): 1 after an exit, 0 if the area is refused. u32 try_rdmsr(u32, u32 out[2]), try_wrmsr(u32, u32, u32):
   0 if it is #GP(0). */
        .text
        .globl  enter_guest, try_rdmsr, try_wrmsr
enter_guest:
        push    %ebp
        mov     %esp, %ebp
enter:  V32ENTER
exited: mov     $1, %eax
        pop     %ebp
        ret
refused:
        mov     %ebp, %esp
        xor     %eax, %eax
        pop     %ebp
        ret
try_rdmsr:
        mov     4(%esp), %ecx
read_at:
        rdmsr
        mov     8(%esp), %ecx
        mov     %eax, (%ecx)
        mov     %edx, 4(%ecx)
        mov     $1, %eax
        ret
try_wrmsr:
        mov     4(%esp), %ecx
        mov     8(%esp), %eax
        mov     12(%esp), %edx
write_at:
        wrmsr
        mov     $1, %eax
        ret

/* NMI: an exit, or the one by which block_NMI() shuts them out of root for good, as nothing here executes IRET. What comes
   later waits in the processor for the next entry, and is the upper VMM's or its guest's. */
        .globl  arrived_NMI
arrived_NMI:
        cmpl    $exited, (%esp)
        je      1f
        ret     $8
1:      mov     %ebp, %esp
        jmp     exited

/* Every vector but NMI. The EIP on the stack, with or without an error code before it, tells what happened. */
        .globl  arrived
arrived:
        cmpl    $exited, (%esp)
        je      1f
        cmpl    $exited, 4(%esp)
        je      1f
        cmpl    $enter, 4(%esp)
        je      refused
        cmpl    $read_at, 4(%esp)
        je      2f
        cmpl    $write_at, 4(%esp)
        je      2f
        call    own_fault
1:      mov     %ebp, %esp
        jmp     exited
2:      add     $16, %esp                       /* error code, EIP, CS, EFLAGS: back to the caller */
        xor     %eax, %eax
        ret

        .section .rodata
        .balign 8
gdt:    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_register:
        .word   . - gdt - 1
        .long   gdt

        .globl  upper_image
        .balign 4
upper_image:
        .incbin UPPER_IMAGE

        .bss
        .balign 16
        .skip   16384
stack_top:

        .section .note.GNU-stack, "", @progbits

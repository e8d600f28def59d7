/* The probes: each is a piece of a kernel that executes one instruction and shows in EAX what came of it. They run in
   ring 0, as a kernel means to, or in ring 3, where a monitor has put the kernel; and end by INT VECTOR_DONE. Where
   paging were on they would not notice: nothing here depends on it.

   Source: J. Robin, C. Irvine, "Analysis of the Intel Pentium's ability to support a secure virtual machine monitor",
   table 2: the 17 instructions (VERR and VERW count as one). SDM volume 2 for each of them. */
#include "selectors.h"

        .set    IF, 0x200
        .set    ZF, 0x40

        .macro  probe name
        .globl  probe_\name
probe_\name:
        .endm
        .macro  done
        int     $VECTOR_DONE
        .endm

        .text
        probe   nothing
        done

        /* What the machine's tables are, and where. */
        probe   SGDT
        sgdt    table
        mov     table + 2, %eax
        done
        probe   SIDT
        sidt    table
        mov     table + 2, %eax
        done
        probe   SLDT
        sldt    %eax
        movzwl  %ax, %eax
        done
        probe   STR
        str     %eax
        movzwl  %ax, %eax
        done
        probe   SMSW
        smsw    %ax
        movzwl  %ax, %eax
        done

        /* The kernel has turned interrupts off, and looks. */
        probe   PUSHF
        pushf
        pop     %eax
        and     $IF, %eax
        done
        /* The kernel has them on, turns them off, and looks. */
        probe   POPF
        pushf
        andl    $~IF, (%esp)
        popf
        pushf
        pop     %eax
        and     $IF, %eax
        done

        /* May the kernel use its own segment? 1: yes. */
        .macro  answer
        mov     $0, %eax
        setz    %al
        done
        .endm
        probe   LAR
        mov     $PRIVATE_DATA, %ecx
        xor     %eax, %eax
        lar     %ecx, %eax
        and     $0x00f0ff00, %eax               /* the rest is undefined */
        done
        probe   LSL
        mov     $PRIVATE_DATA, %ecx
        xor     %eax, %eax
        lsl     %ecx, %eax
        done
        probe   VERR
        mov     $PRIVATE_DATA, %ecx
        verr    %cx
        answer
        probe   VERW
        mov     $PRIVATE_DATA, %ecx
        verw    %cx
        answer

        /* A stack segment of ring 3: the kernel would get #GP for it. */
        probe   POP
        xor     %eax, %eax
        push    $USER_DATA + RPL_USER
        pop     %ss
        mov     %ss, %eax
        done
        probe   PUSH
        push    %cs
        pop     %eax
        done
        probe   MOV
        mov     %ss, %eax
        movzwl  %ax, %eax
        done

        /* What a far call pushes for CS; what CS is after a far jump. */
        probe   CALL
        lcall   $KERNEL_CODE, $1f
1:      mov     4(%esp), %eax
        done
        probe   JMP
        ljmp    $KERNEL_CODE, $1f
1:      mov     %cs, %eax
        movzwl  %ax, %eax
        done
        /* To ring 3, whose stack comes with the return: is it there? */
        probe   RET
        pushl   $USER_DATA + RPL_USER
        pushl   $user_stack_top
        pushl   $USER_CODE + RPL_USER
        pushl   $1f
        lret
1:      xor     %eax, %eax
        cmp     $user_stack_top, %esp
        sete    %al
        done
        /* The kernel's own handler says 1; another one says nothing. */
        probe   INT
        int     $VECTOR_KERNEL
        .globl  kernel_handler
kernel_handler:
        mov     $1, %eax
        done

        /* Controls: privileged on every processor. */
        probe   CLI
        cli
        xor     %eax, %eax
        done
        probe   LGDT
        lgdt    kernel_gdt_register
        xor     %eax, %eax
        done
        probe   MOV_CR0
        mov     %cr0, %eax
        done

        .bss
table:  .skip   8
        .balign 16
        .skip   1024
user_stack_top:

        .section .note.GNU-stack, "", @progbits

/* 256 little entries, one a vector, and the way in and out that they share.

   The processor tells a handler neither which vector it is nor, for most of them, gives it an error code. So each entry
   pushes what is missing and jumps to `common`, which saves the registers as struct Frame (traps.hpp) wants them. */

        .text
common: pusha
        push    %ds
        push    %es
        push    %fs
        push    %gs
        mov     $0x10, %eax                     /* the kernel's data segment */
        mov     %eax, %ds
        mov     %eax, %es
        cld                                     /* the C++ code relies on DF=0 */
        push    %esp                            /* the argument: where the frame is */
        call    dispatch
        mov     %eax, %esp                      /* the frame to go on with, perhaps another task's */
        pop     %gs
        pop     %fs
        pop     %es
        pop     %ds
        popa
        add     $8, %esp                        /* vector and error code */
        iret

/* SDM volume 3, table 6-1: these push an error code themselves. */
        .macro  entry vector
entry_\vector:
        .if     \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21
        .else
        push    $0
        .endif
        push    $\vector
        jmp     common
        .section .rodata
        .long   entry_\vector
        .text
        .endm

        .section .rodata
        .globl  trap_entries
        .balign 4
trap_entries:
        .text
        .altmacro
        .set    i, 0
        .rept   256
        entry   %i
        .set    i, i + 1
        .endr

        .section .note.GNU-stack, "", @progbits

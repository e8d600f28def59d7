/* Where the gates of a test's guest lead: a V32CALL for each vector, four bytes apart; and the VMM's V32ENTER. */
#include "base/control_area.h"

        .text
        .globl  v32_guest_handlers
        .balign 4
v32_guest_handlers:
        .rept   256
        V32CALL
        nop
        .endr

/* Ends in the harness by the exit, by the #GP of a failed entry, or by INT 40H if the handler of the exit returned. */
        .globl  v32_enter_code, v32_after_enter
v32_enter_code:
        V32ENTER
v32_after_enter:
        int     $0x40

        .section .note.GNU-stack, "", @progbits

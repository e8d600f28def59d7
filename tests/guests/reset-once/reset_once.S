/* A boot sector that resets the machine once: says on COM1 how often it has been started, which it counts in a byte of
   CMOS that the BIOS leaves alone, and asks the keyboard controller for a reset unless this is the second time. */

        .set    COM1, 0x3f8
        .set    COUNTER, 0x7e                   /* CMOS */

        .code16
        .text
        .globl  start
start:  ljmp    $0, $1f
1:      xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     $0x7c00, %sp
        cld
        mov     $COUNTER, %al
        out     %al, $0x70
        in      $0x71, %al
        inc     %ax
        mov     %al, %bl
        mov     $COUNTER, %al
        out     %al, $0x70
        mov     %bl, %al
        out     %al, $0x71
        add     %al, digit
        mov     $message, %si
        mov     $COM1, %dx
2:      lodsb
        test    %al, %al
        jz      3f
        out     %al, %dx
        jmp     2b
3:      cmp     $2, %bl
        jae     4f
        mov     $0xfe, %al                      /* pulse output 0, the reset line */
        out     %al, $0x64
4:      hlt
        jmp     4b

message:
        .ascii  "Start "
digit:  .asciz  "0.\r\n"

        .org    510
        .word   0xaa55

        .section .note.GNU-stack, "", @progbits

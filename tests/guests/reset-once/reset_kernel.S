/* reset_once.S as a Multiboot kernel: says on COM1 how often it has been started, and resets the machine once. */

        .set    MAGIC, 0x1badb002
        .set    COM1, 0x3f8
        .set    COUNTER, 0x7e                   /* CMOS */

        .text
        .globl  start
start:  jmp     1f
        .balign 4
        .long   MAGIC, 0, -MAGIC

1:      mov     $COUNTER, %al
        out     %al, $0x70
        in      $0x71, %al
        inc     %eax
        mov     %al, %bl
        mov     $COUNTER, %al
        out     %al, $0x70
        mov     %bl, %al
        out     %al, $0x71
        add     $'0', %al
        mov     %al, %ah
        mov     $message, %esi
        mov     $COM1, %edx
2:      lodsb
        test    %al, %al
        jz      4f
        cmp     $'?', %al
        jne     3f
        mov     %ah, %al
3:      out     %al, %dx
        jmp     2b
4:      cmp     $2, %bl
        jae     5f
        mov     $0xfe, %al                      /* pulse output 0, the reset line */
        out     %al, $0x64
5:      hlt
        jmp     5b

message:
        .asciz  "Start ?.\r\n"

        .section .note.GNU-stack, "", @progbits

/* The first instructions, at 1 MiB in flat protected mode: from the demonstration guest's boot sector (../demo/mbr.S), or
   from a Multiboot loader, which finds the header in the first 8 KiB. */

        .set    MAGIC, 0x1badb002

        .section .entry, "ax"
        .globl  start
start:  jmp     1f
        .balign 4
        .long   MAGIC, 0, -MAGIC

1:      cli
        cld
        mov     $stack_top, %esp
        mov     $bss_begin, %edi
        mov     $bss_end, %ecx
        sub     %edi, %ecx
        xor     %eax, %eax
        rep stosb
        call    audit_main
2:      cli
        hlt
        jmp     2b

        .section .bss
        .balign 16
        .skip   8192
stack_top:

        .section .note.GNU-stack, "", @progbits

/* The first instructions, at 1 MiB, where a Multiboot loader jumps with EAX = 2BADB002H and EBX = its information.

   Makes the image appear at F0000000H, where it is linked, and goes on there: ringmaster_main(EAX, EBX). These tables use
   4-KiB pages only, so that a processor of any age comes as far as the message that it lacks V32 mode. They map the
   first 64 MiB to themselves: what the loader left is there. Source: Multiboot Specification 0.6.96. */

        .set    LINEAR_BASE, 0xf0000000
        .set    LOAD_BASE, 0x100000
        .set    OFFSET, LINEAR_BASE - LOAD_BASE
        .set    MAGIC, 0x1badb002
        .set    FLAGS, 2                        /* memory information, please */
        .set    LOW_TABLES, 16                  /* of 4 MiB each */
        .set    PRESENT_WRITABLE, 3

        .section .boot, "ax"
        .balign 4
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)

        .globl  start
start:  cli
        cld
        mov     %eax, %esi
        mov     $(low_tables - OFFSET), %edi    /* the first 64 MiB */
        mov     $PRESENT_WRITABLE, %eax
        mov     $(LOW_TABLES * 1024), %ecx
1:      stosl
        add     $4096, %eax
        loop    1b
        mov     $(image_table - OFFSET), %edi   /* the image */
        mov     $(LOAD_BASE + PRESENT_WRITABLE), %eax
        mov     $1024, %ecx
2:      stosl
        add     $4096, %eax
        loop    2b
        mov     $(first_directory - OFFSET), %edi
        mov     $(low_tables - OFFSET + PRESENT_WRITABLE), %eax
        mov     $LOW_TABLES, %ecx
3:      stosl
        add     $4096, %eax
        loop    3b
        movl    $(image_table - OFFSET + PRESENT_WRITABLE), first_directory - OFFSET + (LINEAR_BASE >> 22) * 4
        mov     $(first_directory - OFFSET), %eax
        mov     %eax, %cr3
        mov     %cr0, %eax
        or      $0x80000000, %eax
        mov     %eax, %cr0
        lgdt    gdt_register
        ljmp    $8, $4f

        .text
4:      mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        mov     %eax, %ss
        mov     $stack_top, %esp
        push    %ebx
        push    %esi
        call    ringmaster_main
5:      hlt
        jmp     5b

/* void move_and_switch(void* to, u32 bytes, u32 directory): copies the image and goes on in the copy. Between the first
   byte copied and the new CR3 nothing is stored: what is on the stack is then on both. */
        .globl  move_and_switch
move_and_switch:
        push    %esi
        push    %edi
        mov     12(%esp), %edi
        mov     16(%esp), %ecx
        mov     20(%esp), %edx
        mov     $LINEAR_BASE, %esi
        shr     $2, %ecx
        rep movsl
        mov     %edx, %cr3
        pop     %edi
        pop     %esi
        ret

        .section .rodata
        .balign 8
gdt:    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_register:
        .word   . - gdt - 1
        .long   gdt

        .section .bss.pages, "aw", @nobits
        .balign 4096
low_tables:
        .skip   LOW_TABLES * 4096
image_table:
        .skip   4096
        .globl  first_directory
first_directory:
        .skip   4096
        .skip   16384
stack_top:

        .section .note.GNU-stack, "", @progbits

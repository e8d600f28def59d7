/* A Multiboot kernel that does nothing but give the machine back to the BIOS, as a VMM does that boots its guest by it:
   back to real mode, one word on COM1, INT 19H (or INT 18H, with "int18" on its command line).

   It lies at 8000H, within real mode's reach and out of the way of the BIOS. SDM volume 3, 9.9.2: the way back needs
   16-bit segments with 64 KiB limits first, then CR0.PE=0, a far jump, and the IVT for an IDT. */

        .set    MAGIC, 0x1badb002
        .set    COM1, 0x3f8

        .section .text, "awx"
        .code32
        .globl  start
start:  jmp     1f
        .balign 4
        .long   MAGIC, 0, -MAGIC

1:      mov     16(%ebx), %esi                  /* the command line ends with 8, or with something else */
        xor     %ecx, %ecx
2:      mov     %cl, %ch
        lodsb
        mov     %al, %cl
        test    %al, %al
        jnz     2b
        cmp     $'8', %ch
        jne     3f
        movb    $0x18, interrupt + 1
3:      lgdt    gdt_pointer
        lidt    idt_pointer
        mov     $0x10, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %fs
        mov     %eax, %gs
        mov     %eax, %ss
        ljmp    $8, $leave

        .code16
leave:  mov     %cr0, %eax
        and     $0xfe, %al
        mov     %eax, %cr0
        ljmp    $0, $real
real:   xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %fs
        mov     %ax, %gs
        mov     %ax, %ss
        mov     $0x7c00, %sp
        mov     $message, %si
        mov     $COM1, %dx
1:      lodsb
        test    %al, %al
        jz      2f
        out     %al, %dx
        jmp     1b
2:      sti
interrupt:
        int     $0x19
        hlt

message:
        .asciz  "Here it is again.\r\n"
        .balign 8
gdt:    .quad   0
        .quad   0x00009a000000ffff              /* 08: code, base 0, limit 64 KiB, 16-bit */
        .quad   0x000092000000ffff              /* 10: data, likewise */
gdt_pointer:
        .word   23
        .long   gdt
idt_pointer:
        .word   0x3ff
        .long   0

        .section .note.GNU-stack, "", @progbits

/* The boot sector: the first thing of ours that the processor runs.

   The BIOS reads sector 0 of the disk to 0000:7C00, checks its last two bytes (55 AA) and jumps there: 16-bit real
   mode, DL = the drive. In 510 bytes we must
     1. read the kernel, sectors 1 to KERNEL_SECTORS, by INT 13H, function 42H, to 1000:0000 upwards;
     2. open line A20, so that addresses above 1 MiB are what they seem;
     3. enter protected mode with flat 4 GiB segments;
     4. copy the kernel to 1 MiB, where it is linked to run, and jump to its first byte.
   Real mode reaches only the first MiB, hence the detour over a buffer. */

        .set    KERNEL_SECTORS, 256             /* 128 KiB; demo.ld refuses a bigger kernel */
        .set    SECTORS_A_TURN, 64              /* 32 KiB: no turn crosses a 64 KiB boundary */
        .set    BUFFER, 0x10000
        .set    KERNEL, 0x100000

        .code16
        .text
        .globl  mbr
mbr:    ljmp    $0, $begin                      /* some BIOSes come with CS=07C0 */
begin:  xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        mov     $0x7c00, %sp

        mov     $KERNEL_SECTORS / SECTORS_A_TURN, %cx
read:   mov     $packet, %si
        mov     $0x42, %ah                      /* extended read; DL is still the drive */
        push    %cx
        int     $0x13
        pop     %cx
        jc      failed
        addw    $SECTORS_A_TURN * 512 / 16, packet_segment
        addl    $SECTORS_A_TURN, packet_sector
        loop    read

        in      $0x92, %al                      /* System Control Port A, bit 1 = A20, bit 0 = reset */
        or      $0x02, %al
        and     $0xfe, %al
        out     %al, $0x92

        cli
        lgdt    gdt_pointer
        mov     %cr0, %eax
        or      $1, %eax                        /* PE */
        mov     %eax, %cr0
        ljmp    $8, $protected

failed: mov     $message, %si
1:      lodsb
        test    %al, %al
        jz      2f
        mov     $0x0e, %ah                      /* teletype output */
        mov     $7, %bx
        int     $0x10
        jmp     1b
2:      hlt
        jmp     2b

        .code32
protected:
        mov     $16, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     $0x7c00, %esp
        cld
        mov     $BUFFER, %esi
        mov     $KERNEL, %edi
        mov     $KERNEL_SECTORS * 512 / 4, %ecx
        rep movsl
        xor     %eax, %eax                      /* not Multiboot's magic: the kernel tells who loaded it */
        mov     $KERNEL, %ecx
        jmp     *%ecx

        .balign 4
packet: .byte   16, 0                           /* disk address packet: its size */
        .word   SECTORS_A_TURN
        .word   0                               /* offset, segment of the buffer */
packet_segment:
        .word   BUFFER / 16
packet_sector:
        .quad   1

        .balign 8
gdt:    .quad   0
        .quad   0x00cf9a000000ffff              /* 08: code, base 0, limit 4 GiB, ring 0 */
        .quad   0x00cf92000000ffff              /* 10: data, likewise */
gdt_pointer:
        .word   23
        .long   gdt

message:
        .asciz  "The demo kernel cannot be read from this disk.\r\n"

        .org    510
        .word   0xaa55
